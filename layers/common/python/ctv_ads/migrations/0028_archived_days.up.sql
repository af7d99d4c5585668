-- Which days of events are archived, and with how many events: a day is dropped only if that is all
-- of them. Events are only ever added, so as many are the same.
CREATE TABLE archived_days (
    day date PRIMARY KEY,
    events bigint NOT NULL CHECK (events >= 0),
    schema_version integer NOT NULL,
    archived_at timestamptz NOT NULL,
    dropped_at timestamptz
);

CREATE FUNCTION drop_archived_day(wanted date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    partition text := format('ad_events_%s', to_char(wanted, 'YYYYMMDD'));
    here bigint;
BEGIN
    IF wanted > (now() AT TIME ZONE 'UTC')::date - 30 THEN
        RAISE EXCEPTION 'events of % may still come', wanted
            USING ERRCODE = 'check_violation';
    END IF;
    IF to_regclass(partition) IS NULL THEN
        RETURN false;
    END IF;
    -- Dropping shuts out everybody who records: rather not now than for long.
    SET LOCAL lock_timeout = '2s';
    EXECUTE format('LOCK TABLE %I IN SHARE MODE', partition);
    EXECUTE format('SELECT count(*) FROM %I', partition) INTO here;
    PERFORM FROM archived_days
    WHERE day = wanted AND events = here AND dropped_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE %I', partition);
    UPDATE archived_days SET dropped_at = clock_timestamp() WHERE day = wanted;
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION drop_archived_day(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_archived_day(date) TO ctv_pipeline;
GRANT SELECT, INSERT, UPDATE (events, schema_version, archived_at) ON archived_days TO ctv_pipeline;

-- Counting a day anew forgets what was counted of it before.
GRANT DELETE ON delivery_hours, delivery_days, delivery_errors TO ctv_pipeline;

-- Invalid traffic, and which counts were taken, are told from repeats by being here: they are
-- removed when no repeat can come any more.
CREATE FUNCTION purge_invalid_beacons(over_before timestamptz, most integer) RETURNS bigint
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

CREATE FUNCTION purge_forged_beacons(over_before timestamptz, most integer) RETURNS bigint
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

CREATE FUNCTION purge_decision_counts(over_before timestamptz, most integer) RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    WITH gone AS (
        DELETE FROM decision_counts_taken WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM decision_counts_taken WHERE taken_at < least($1, clock_timestamp())
            ORDER BY taken_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )) RETURNING 1
    )
    SELECT count(*) FROM gone
    $$;
REVOKE ALL ON FUNCTION purge_invalid_beacons(timestamptz, integer),
    purge_forged_beacons(timestamptz, integer), purge_decision_counts(timestamptz, integer)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purge_invalid_beacons(timestamptz, integer),
    purge_forged_beacons(timestamptz, integer), purge_decision_counts(timestamptz, integer)
    TO ctv_pipeline;
