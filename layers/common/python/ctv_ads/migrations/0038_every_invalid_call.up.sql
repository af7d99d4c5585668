-- Every invalid call is kept and counted, not only the first of an ad's event: a call is known again
-- by when it came and from where, so what a queue delivers twice is still one. Repeats of what is
-- paid for are told even when they come from the same network.
ALTER TABLE invalid_beacons
    DROP CONSTRAINT invalid_beacons_pkey,
    -- What belongs to a whole break is its placement's: its other ids are zeros, as in the counts.
    DROP CONSTRAINT invalid_beacons_organization_id_campaign_id_fkey,
    DROP CONSTRAINT invalid_beacons_rule_check,
    ADD CONSTRAINT invalid_beacons_rule_check CHECK (rule IN (
        'expired', 'data_centre', 'crawler', 'replayed', 'impossible_order', 'impossible_rate',
        'repeated'
    )),
    ADD COLUMN vast_error_code smallint;
CREATE UNIQUE INDEX invalid_beacons_calls ON invalid_beacons
    (day, decision_id, slot, event, rule, received_at, (coalesce(client_network, '')));

-- A day that was dropped stays dropped: without its events nobody would know a repeat.
CREATE OR REPLACE FUNCTION ensure_ad_event_partitions(first_day date, last_day date)
    RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    made integer := 0;
    wanted date;
BEGIN
    -- One at a time: two callers at once must not both try to make the same partition.
    PERFORM pg_advisory_xact_lock(hashtext('ad_events partitions'));
    FOR wanted IN SELECT generate_series(first_day, last_day, interval '1 day')::date LOOP
        -- What another has made meanwhile may not be seen yet: hence IF NOT EXISTS.
        IF to_regclass(format('ad_events_%s', to_char(wanted, 'YYYYMMDD'))) IS NULL
           AND NOT EXISTS (
               SELECT FROM archived_days WHERE day = wanted AND dropped_at IS NOT NULL
           )
        THEN
            EXECUTE format(
                'CREATE TABLE IF NOT EXISTS ad_events_%s PARTITION OF ad_events FOR VALUES FROM (%L) TO (%L)',
                to_char(wanted, 'YYYYMMDD'), wanted, wanted + 1
            );
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;
