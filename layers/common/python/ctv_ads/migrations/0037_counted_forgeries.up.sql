-- Forged beacons of one call are one row with their number: whoever sends them costs no more rows
-- than others. What was kept before is one of each.
ALTER TABLE forged_beacons ADD COLUMN beacons integer NOT NULL DEFAULT 1 CHECK (beacons > 0);

CREATE OR REPLACE FUNCTION count_forged() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public, pg_temp
    AS $$
DECLARE
    nobody uuid := '00000000-0000-0000-0000-000000000000';
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('invalid traffic'), d.day - DATE '2000-01-01')
    FROM (SELECT DISTINCT (received_at AT TIME ZONE 'UTC')::date AS day FROM added ORDER BY 1) d;
    INSERT INTO invalid_hours AS s
    SELECT nobody, nobody, nobody, nobody, nobody, '', '',
           date_trunc('hour', received_at, 'UTC') AS hour, 'forged', sum(beacons), clock_timestamp()
    FROM added GROUP BY hour ORDER BY hour
    ON CONFLICT (campaign_id, hour, line_item_id, creative_id, placement_id, country, device_type,
                 rule)
    DO UPDATE SET beacons = s.beacons + excluded.beacons, updated_at = excluded.updated_at;
    INSERT INTO invalid_days AS s
    SELECT nobody, nobody, nobody, nobody, nobody, '', '',
           (received_at AT TIME ZONE 'UTC')::date AS day, 'forged', sum(beacons), clock_timestamp()
    FROM added GROUP BY day ORDER BY day
    ON CONFLICT (campaign_id, day, line_item_id, creative_id, placement_id, country, device_type,
                 rule)
    DO UPDATE SET beacons = s.beacons + excluded.beacons, updated_at = excluded.updated_at;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION recount_invalid_day(wanted date) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    nobody uuid := '00000000-0000-0000-0000-000000000000';
    begins timestamptz := wanted::timestamp AT TIME ZONE 'UTC';
    ends timestamptz := (wanted + 1)::timestamp AT TIME ZONE 'UTC';
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('purge of invalid traffic'));
    PERFORM pg_advisory_xact_lock(hashtext('invalid traffic'), wanted - DATE '2000-01-01');
    IF NOT EXISTS (SELECT FROM purged_traffic_days WHERE day = wanted AND NOT is_forged) THEN
        DELETE FROM invalid_hours WHERE hour >= begins AND hour < ends AND rule <> 'forged';
        DELETE FROM invalid_days WHERE day = wanted AND rule <> 'forged';
        INSERT INTO invalid_hours
        SELECT organization_id, campaign_id, line_item_id, creative_id, placement_id, country,
               device_type, date_trunc('hour', coalesce(decided_at, begins), 'UTC'), rule, count(*),
               clock_timestamp()
        FROM invalid_beacons WHERE day = wanted GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9;
        INSERT INTO invalid_days
        SELECT organization_id, campaign_id, line_item_id, creative_id, placement_id, country,
               device_type, day, rule, count(*), clock_timestamp()
        FROM invalid_beacons WHERE day = wanted GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9;
    END IF;
    IF NOT EXISTS (SELECT FROM purged_traffic_days WHERE day = wanted AND is_forged) THEN
        DELETE FROM invalid_hours WHERE hour >= begins AND hour < ends AND rule = 'forged';
        DELETE FROM invalid_days WHERE day = wanted AND rule = 'forged';
        INSERT INTO invalid_hours
        SELECT nobody, nobody, nobody, nobody, nobody, '', '',
               date_trunc('hour', received_at, 'UTC') AS hour, 'forged', sum(beacons), clock_timestamp()
        FROM forged_beacons WHERE received_at >= begins AND received_at < ends GROUP BY hour;
        INSERT INTO invalid_days
        SELECT nobody, nobody, nobody, nobody, nobody, '', '', wanted, 'forged', sum(beacons),
               clock_timestamp()
        FROM forged_beacons WHERE received_at >= begins AND received_at < ends HAVING count(*) > 0;
    END IF;
END $$;
