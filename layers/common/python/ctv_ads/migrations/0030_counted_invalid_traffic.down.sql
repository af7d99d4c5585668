CREATE OR REPLACE FUNCTION purge_invalid_beacons(over_before timestamptz, most integer) RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    WITH gone AS (
        DELETE FROM invalid_beacons WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM invalid_beacons
            WHERE day < (least($1, clock_timestamp()) AT TIME ZONE 'UTC')::date
            ORDER BY day LIMIT $2 FOR UPDATE SKIP LOCKED
        )) RETURNING 1
    )
    SELECT count(*) FROM gone
    $$;

CREATE OR REPLACE FUNCTION purge_forged_beacons(over_before timestamptz, most integer) RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    WITH gone AS (
        DELETE FROM forged_beacons WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM forged_beacons WHERE received_at < least($1, clock_timestamp())
            ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )) RETURNING 1
    )
    SELECT count(*) FROM gone
    $$;

DROP FUNCTION recount_invalid_day(date);
DROP TRIGGER counted ON forged_beacons;
DROP TRIGGER counted ON invalid_beacons;
DROP FUNCTION count_forged();
DROP FUNCTION count_invalid();
DROP TABLE purged_traffic_days, invalid_days, invalid_hours;
DROP INDEX invalid_beacons_received;
ALTER TABLE invalid_beacons DROP COLUMN device_type, DROP COLUMN country, DROP COLUMN decided_at;
ALTER TABLE forged_beacons DROP COLUMN beacons;
