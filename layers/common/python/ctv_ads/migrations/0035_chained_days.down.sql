CREATE OR REPLACE FUNCTION chain_ledger_entry() RETURNS trigger
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
DROP INDEX ledger_chains_opened;
ALTER TABLE ledger_chains
    DROP CONSTRAINT days_follow_when_chained,
    DROP COLUMN start_hash,
    DROP COLUMN previous_day,
    DROP COLUMN opened;
