-- Days are chained, too: from here on the first entry of an advertiser's day builds on the last entry of
-- the day that was opened before it, which is mostly the day before. Whoever takes away a whole day
-- breaks that. Days that were opened before this keep their start of zeros, and `opened` 0.
ALTER TABLE ledger_chains
    ADD COLUMN opened bigint NOT NULL DEFAULT 0 CHECK (opened >= 0),
    ADD COLUMN previous_day date,
    ADD COLUMN start_hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex')
        CHECK (octet_length(start_hash) = 32),
    ADD CONSTRAINT days_follow_when_chained CHECK (
        previous_day IS NULL OR (opened > 0 AND previous_day <> day)
    );
CREATE UNIQUE INDEX ledger_chains_opened ON ledger_chains (advertiser_id, opened) WHERE opened > 0;

CREATE OR REPLACE FUNCTION chain_ledger_entry() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    latest ledger_chains;
BEGIN
    -- One at a time for an advertiser, so that days are opened one after the other. Whoever enters
    -- for several does so in the order of their ids.
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.advertiser_id::text, 41));
    UPDATE ledger_chains c SET entries = c.entries + 1
    WHERE c.advertiser_id = NEW.advertiser_id AND c.day = NEW.day
    RETURNING c.entries, c.head_hash INTO NEW.sequence, NEW.previous_hash;
    IF NOT FOUND THEN
        SELECT c.* INTO latest FROM ledger_chains c WHERE c.advertiser_id = NEW.advertiser_id
        ORDER BY c.opened DESC, c.day DESC LIMIT 1;
        NEW.sequence := 1;
        NEW.previous_hash := coalesce(latest.head_hash, decode(repeat('00', 32), 'hex'));
        INSERT INTO ledger_chains (advertiser_id, day, organization_id, entries, head_hash, opened,
                                   previous_day, start_hash)
        VALUES (NEW.advertiser_id, NEW.day, NEW.organization_id, 1, NEW.previous_hash,
                coalesce(latest.opened, 0) + 1, latest.day, NEW.previous_hash);
    END IF;
    NEW.recorded_at := date_trunc('milliseconds', clock_timestamp());
    NEW.entry_hash := sha256(NEW.previous_hash || convert_to(ledger_line(NEW), 'UTF8'));
    UPDATE ledger_chains SET head_hash = NEW.entry_hash
    WHERE advertiser_id = NEW.advertiser_id AND day = NEW.day;
    RETURN NEW;
END $$;
