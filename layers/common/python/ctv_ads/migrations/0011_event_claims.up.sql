-- What an event was decided on: how it is paid, out of which grant of tokens, and for whom.
ALTER TABLE ad_events
    ADD COLUMN rate_type text NOT NULL DEFAULT 'cpm' CHECK (rate_type IN ('cpm', 'cpcv', 'flat')),
    -- 0: decided without tokens.
    ADD COLUMN bucket bigint NOT NULL DEFAULT 0,
    -- Empty when it was not known.
    ADD COLUMN country text NOT NULL DEFAULT '',
    ADD COLUMN device_type text NOT NULL DEFAULT '',
    -- A hash of the viewing session, 64 bits; 0 when it was not known.
    ADD COLUMN session bigint NOT NULL DEFAULT 0;
