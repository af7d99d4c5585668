-- The books: what advertisers owe, entry by entry, each moving one amount from one account to the
-- other. Entries are only ever appended, and each holds the hash of the one before it, by
-- advertiser and day: whoever changes, drops or slips one in breaks the chain.

-- Events that were recorded together have one number, by which an entry names those it sums.
CREATE SEQUENCE recording_batches AS bigint;
ALTER TABLE ad_events ADD COLUMN batch bigint NOT NULL DEFAULT 0;

CREATE TABLE ledger_entries (
    entry_id uuid PRIMARY KEY DEFAULT uuidv7(),
    organization_id uuid NOT NULL REFERENCES organizations,
    advertiser_id uuid NOT NULL,
    -- UTC, as of the events.
    day date NOT NULL,
    sequence bigint NOT NULL CHECK (sequence > 0),
    kind text NOT NULL CHECK (kind IN ('delivery', 'flat', 'credit')),
    campaign_id uuid NOT NULL,
    line_item_id uuid NOT NULL,
    rate_type text NOT NULL CHECK (rate_type IN ('cpm', 'cpcv', 'flat')),
    bucket bigint NOT NULL DEFAULT 0,
    batch bigint NOT NULL DEFAULT 0,
    debit_account text NOT NULL,
    credit_account text NOT NULL,
    amount_micros bigint NOT NULL CHECK (amount_micros > 0),
    events bigint NOT NULL DEFAULT 0 CHECK (events >= 0),
    -- Of the events it sums, in the order of decision, slot and event; null of a flat rate.
    events_sha256 bytea CHECK (octet_length(events_sha256) = 32),
    reason text NOT NULL DEFAULT '' CHECK (reason ~ '^([A-Za-z0-9][A-Za-z0-9 .,:;/_()-]{0,199})?$'),
    recorded_at timestamptz NOT NULL,
    previous_hash bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
    entry_hash bytea NOT NULL CHECK (octet_length(entry_hash) = 32),
    CONSTRAINT entries_are_chained UNIQUE (advertiser_id, day, sequence),
    CONSTRAINT a_credit_runs_the_other_way CHECK (
        debit_account = CASE WHEN kind = 'credit' THEN 'revenue' ELSE 'receivable' END
        AND credit_account = CASE WHEN kind = 'credit' THEN 'receivable' ELSE 'revenue' END
    ),
    CONSTRAINT events_are_proven CHECK ((kind = 'flat') = (events_sha256 IS NULL)),
    FOREIGN KEY (organization_id, campaign_id, line_item_id)
        REFERENCES line_items (organization_id, campaign_id, line_item_id)
);
CREATE INDEX ledger_entries_of_campaigns
    ON ledger_entries (organization_id, campaign_id, day, entry_id);
CREATE UNIQUE INDEX ledger_entries_flat_once ON ledger_entries (line_item_id, day)
    WHERE kind = 'flat';

-- Where each chain ends. Who appends holds its row until the commit.
CREATE TABLE ledger_chains (
    advertiser_id uuid NOT NULL,
    day date NOT NULL,
    organization_id uuid NOT NULL REFERENCES organizations,
    entries bigint NOT NULL,
    head_hash bytea NOT NULL,
    PRIMARY KEY (advertiser_id, day)
);

-- Which events were credited: none twice.
CREATE TABLE credited_events (
    day date NOT NULL,
    decision_id uuid NOT NULL,
    slot smallint NOT NULL,
    event text NOT NULL,
    organization_id uuid NOT NULL REFERENCES organizations,
    line_item_id uuid NOT NULL,
    amount_micros bigint NOT NULL CHECK (amount_micros > 0),
    batch bigint NOT NULL,
    PRIMARY KEY (day, decision_id, slot, event)
);

-- What is hashed of an entry, after the previous hash: see domain/ledger.py, which says the same.
CREATE FUNCTION ledger_line(e ledger_entries) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    SELECT concat_ws('|', 'v1', e.advertiser_id, to_char(e.day, 'YYYY-MM-DD'), e.sequence, e.kind,
                     e.campaign_id, e.line_item_id, e.rate_type, e.bucket, e.batch,
                     e.debit_account, e.credit_account, e.amount_micros, e.events,
                     coalesce(encode(e.events_sha256, 'hex'), ''),
                     to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                     e.reason)
    $$;

CREATE FUNCTION chain_ledger_entry() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
BEGIN
    INSERT INTO ledger_chains AS c (advertiser_id, day, organization_id, entries, head_hash)
    VALUES (NEW.advertiser_id, NEW.day, NEW.organization_id, 1,
            decode(repeat('00', 32), 'hex'))
    ON CONFLICT (advertiser_id, day) DO UPDATE SET entries = c.entries + 1
    RETURNING c.entries, c.head_hash INTO NEW.sequence, NEW.previous_hash;
    NEW.recorded_at := date_trunc('milliseconds', clock_timestamp());
    NEW.entry_hash := sha256(NEW.previous_hash || convert_to(ledger_line(NEW), 'UTF8'));
    UPDATE ledger_chains SET head_hash = NEW.entry_hash
    WHERE advertiser_id = NEW.advertiser_id AND day = NEW.day;
    RETURN NEW;
END $$;
CREATE TRIGGER chain BEFORE INSERT ON ledger_entries
    FOR EACH ROW EXECUTE FUNCTION chain_ledger_entry();

-- Nobody changes what is in the books, its owner included.
CREATE FUNCTION refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% is only ever appended to', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON credited_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON credited_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The digest of events that an entry sums.
CREATE FUNCTION event_line(decision_id uuid, slot smallint, event text, micros bigint) RETURNS bytea
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT uuid_send($1) || int2send($2) || convert_to($3, 'UTF8') || int8send($4) $$;

-- What was billed before there were books.
INSERT INTO ledger_entries (organization_id, advertiser_id, day, kind, campaign_id, line_item_id,
                            rate_type, bucket, batch, debit_account, credit_account,
                            amount_micros, events, events_sha256)
SELECT c.organization_id, c.advertiser_id, e.day, 'delivery', c.campaign_id, e.line_item_id,
       e.rate_type, e.bucket, e.batch, 'receivable', 'revenue', sum(e.billed_micros)::bigint,
       count(*),
       sha256(string_agg(event_line(e.decision_id, e.slot, e.event, e.billed_micros), ''
                         ORDER BY e.decision_id, e.slot, e.event))
FROM ad_events e
JOIN line_items l USING (line_item_id)
JOIN campaigns c ON c.campaign_id = l.campaign_id
WHERE e.billed_micros > 0
GROUP BY c.organization_id, c.advertiser_id, e.day, c.campaign_id, e.line_item_id, e.rate_type,
         e.bucket, e.batch
ORDER BY c.advertiser_id, e.day, e.line_item_id, e.bucket;

SELECT separate_tenants('ledger_entries');
SELECT separate_tenants('ledger_chains');
SELECT separate_tenants('credited_events');
CREATE POLICY own_advertisers ON ledger_entries AS RESTRICTIVE TO ctv_api USING (
    (SELECT current_advertisers() IS NULL) OR advertiser_id = ANY ((SELECT current_advertisers())::uuid[])
);
CREATE POLICY own_advertisers ON ledger_chains AS RESTRICTIVE TO ctv_api USING (
    (SELECT current_advertisers() IS NULL) OR advertiser_id = ANY ((SELECT current_advertisers())::uuid[])
);
GRANT SELECT ON ledger_entries, ledger_chains TO ctv_api;
GRANT SELECT ON ledger_entries, ledger_chains, credited_events TO ctv_pipeline;
GRANT INSERT (organization_id, advertiser_id, day, kind, campaign_id, line_item_id, rate_type,
              bucket, batch, debit_account, credit_account, amount_micros, events, events_sha256,
              reason) ON ledger_entries TO ctv_pipeline;
GRANT INSERT ON credited_events TO ctv_pipeline;
GRANT USAGE ON SEQUENCE recording_batches TO ctv_pipeline;
REVOKE ALL ON FUNCTION chain_ledger_entry() FROM PUBLIC;
