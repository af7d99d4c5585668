-- Events of whole breaks are archived and dropped by day as other events are: a day goes only if as
-- many were archived, and those that come after are kept.
CREATE TABLE archived_break_days (
    day date PRIMARY KEY,
    events bigint NOT NULL CHECK (events >= 0),
    schema_version integer NOT NULL,
    archived_at timestamptz NOT NULL,
    dropped_at timestamptz
);
GRANT SELECT, INSERT, UPDATE (events, schema_version, archived_at) ON archived_break_days
    TO ctv_pipeline;

CREATE FUNCTION drop_archived_break_day(wanted date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    archived bigint;
    here bigint;
BEGIN
    IF wanted > (now() AT TIME ZONE 'UTC')::date - 30 THEN
        RAISE EXCEPTION 'events of % may still come', wanted
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT events INTO archived FROM archived_break_days
    WHERE day = wanted AND dropped_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- Events are only ever added: as many as were archived are those that were. What somebody adds
    -- meanwhile is not seen, and stays.
    BEGIN
        DELETE FROM break_events WHERE day = wanted;
        GET DIAGNOSTICS here = ROW_COUNT;
        IF here <> archived THEN
            RAISE EXCEPTION 'not all of % is archived', wanted USING ERRCODE = 'data_exception';
        END IF;
    EXCEPTION WHEN data_exception THEN
        RETURN false;
    END;
    UPDATE archived_break_days SET dropped_at = clock_timestamp() WHERE day = wanted;
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION drop_archived_break_day(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_archived_break_day(date) TO ctv_pipeline;

-- The pipeline's role deletes nothing but by such functions.
REVOKE DELETE ON break_events FROM ctv_pipeline;
