CREATE OR REPLACE FUNCTION ensure_ad_event_partitions(first_day date, last_day date) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    made integer := 0;
    wanted date;
BEGIN
    -- One at a time: two callers at once must not both try to make the same partition.
    PERFORM pg_advisory_xact_lock(hashtext('ad_events partitions'));
    FOR wanted IN SELECT generate_series(first_day, last_day, interval '1 day')::date LOOP
        IF to_regclass(format('ad_events_%s', to_char(wanted, 'YYYYMMDD'))) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE ad_events_%s PARTITION OF ad_events FOR VALUES FROM (%L) TO (%L)',
                to_char(wanted, 'YYYYMMDD'), wanted, wanted + 1
            );
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;

-- What the version before could not hold goes; what was counted of it stays.
INSERT INTO purged_traffic_days SELECT DISTINCT day, false FROM invalid_beacons
ON CONFLICT DO NOTHING;
DELETE FROM invalid_beacons WHERE rule = 'repeated' OR slot = 0;
DELETE FROM invalid_beacons i USING invalid_beacons f
WHERE (i.day, i.decision_id, i.slot, i.event, i.rule)
    = (f.day, f.decision_id, f.slot, f.event, f.rule) AND i.ctid > f.ctid;
DELETE FROM invalid_hours WHERE rule = 'repeated';
DELETE FROM invalid_days WHERE rule = 'repeated';
DROP INDEX invalid_beacons_calls;
ALTER TABLE invalid_beacons
    DROP COLUMN vast_error_code,
    DROP CONSTRAINT invalid_beacons_rule_check,
    ADD CONSTRAINT invalid_beacons_rule_check CHECK (rule IN (
        'expired', 'data_centre', 'crawler', 'replayed', 'impossible_order', 'impossible_rate'
    )),
    ADD PRIMARY KEY (day, decision_id, slot, event, rule),
    ADD FOREIGN KEY (organization_id, campaign_id) REFERENCES campaigns (organization_id, campaign_id);
