-- Invalid traffic by hour and by day, told apart as delivery is: counted by a trigger, in the
-- transaction that keeps a beacon, so that a repeat, which is not kept again, counts nothing.
-- Forged beacons name nobody: they are in rows whose ids are all zeros, which no tenant sees.

ALTER TABLE invalid_beacons
    -- Unknown of what the versions before kept: it counts in the first hour of its day.
    ADD COLUMN decided_at timestamptz,
    ADD COLUMN country text NOT NULL DEFAULT '',
    ADD COLUMN device_type text NOT NULL DEFAULT '';
-- Forged beacons of one call are one row with their number: whoever sends them costs no more rows
-- than others. What was kept before is one of each.
ALTER TABLE forged_beacons ADD COLUMN beacons integer NOT NULL DEFAULT 1 CHECK (beacons > 0);
-- By when they came, not by when it was decided: an expired token may be years old, and as long as
-- a queue repeats it, it must be here to be known.
CREATE INDEX invalid_beacons_received ON invalid_beacons (received_at);

CREATE TABLE invalid_hours (
    organization_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    line_item_id uuid NOT NULL,
    creative_id uuid NOT NULL,
    placement_id uuid NOT NULL,
    country text NOT NULL,
    device_type text NOT NULL,
    hour timestamptz NOT NULL,
    rule text NOT NULL,
    beacons bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (campaign_id, hour, line_item_id, creative_id, placement_id, country, device_type,
                 rule)
);
CREATE INDEX invalid_hours_by_time ON invalid_hours (hour);
SELECT separate_tenants('invalid_hours');
CREATE TABLE invalid_days (
    organization_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    line_item_id uuid NOT NULL,
    creative_id uuid NOT NULL,
    placement_id uuid NOT NULL,
    country text NOT NULL,
    device_type text NOT NULL,
    day date NOT NULL,
    rule text NOT NULL,
    beacons bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (campaign_id, day, line_item_id, creative_id, placement_id, country, device_type,
                 rule)
);
CREATE INDEX invalid_days_by_time ON invalid_days (day);
SELECT separate_tenants('invalid_days');
-- To a viewer who is bound to advertisers, of theirs only.
CREATE POLICY own_advertisers ON invalid_hours AS RESTRICTIVE TO ctv_api USING (
    (SELECT current_advertisers() IS NULL) OR campaign_id IN (SELECT campaign_id FROM campaigns)
);
CREATE POLICY own_advertisers ON invalid_days AS RESTRICTIVE TO ctv_api USING (
    (SELECT current_advertisers() IS NULL) OR campaign_id IN (SELECT campaign_id FROM campaigns)
);
GRANT SELECT ON invalid_hours, invalid_days TO ctv_api;
GRANT SELECT, INSERT, UPDATE ON invalid_hours, invalid_days TO ctv_pipeline;

-- Days of which something was purged: what is left of them is no recount.
CREATE TABLE purged_traffic_days (
    day date NOT NULL,
    is_forged boolean NOT NULL,
    PRIMARY KEY (day, is_forged)
);

-- Adding to a day and counting it anew wait for one another; those who add do not.
CREATE FUNCTION count_invalid() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public, pg_temp
    AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('invalid traffic'), d.day - DATE '2000-01-01')
    FROM (SELECT DISTINCT day FROM added ORDER BY day) d;
    INSERT INTO invalid_hours AS s
    SELECT organization_id, campaign_id, line_item_id, creative_id, placement_id, country,
           device_type,
           date_trunc('hour', coalesce(decided_at, day::timestamp AT TIME ZONE 'UTC'), 'UTC') AS hour,
           rule, count(*), clock_timestamp()
    FROM added GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
    ORDER BY campaign_id, hour, line_item_id, creative_id, placement_id, country, device_type, rule
    ON CONFLICT (campaign_id, hour, line_item_id, creative_id, placement_id, country, device_type,
                 rule)
    DO UPDATE SET beacons = s.beacons + excluded.beacons, updated_at = excluded.updated_at;
    INSERT INTO invalid_days AS s
    SELECT organization_id, campaign_id, line_item_id, creative_id, placement_id, country,
           device_type, day, rule, count(*), clock_timestamp()
    FROM added GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
    ORDER BY campaign_id, day, line_item_id, creative_id, placement_id, country, device_type, rule
    ON CONFLICT (campaign_id, day, line_item_id, creative_id, placement_id, country, device_type,
                 rule)
    DO UPDATE SET beacons = s.beacons + excluded.beacons, updated_at = excluded.updated_at;
    RETURN NULL;
END $$;
CREATE TRIGGER counted AFTER INSERT ON invalid_beacons REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION count_invalid();

CREATE FUNCTION count_forged() RETURNS trigger
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
CREATE TRIGGER counted AFTER INSERT ON forged_beacons REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION count_forged();

-- Count a day's invalid and forged beacons anew, each unless something of them was purged.
CREATE FUNCTION recount_invalid_day(wanted date) RETURNS void
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
REVOKE ALL ON FUNCTION count_invalid(), count_forged(), recount_invalid_day(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION recount_invalid_day(date) TO ctv_pipeline;

-- What is purged stays counted. While a day is counted anew nothing is: the next run goes on.
CREATE OR REPLACE FUNCTION purge_invalid_beacons(over_before timestamptz, most integer)
    RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    removed bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock_shared(hashtext('purge of invalid traffic')) THEN
        RETURN 0;
    END IF;
    WITH gone AS (
        DELETE FROM invalid_beacons WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM invalid_beacons WHERE received_at < least($1, clock_timestamp())
            ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )) RETURNING day
    ), noted AS (
        INSERT INTO purged_traffic_days SELECT DISTINCT day, false FROM gone ORDER BY day
        ON CONFLICT DO NOTHING
    )
    SELECT count(*) INTO removed FROM gone;
    RETURN removed;
END $$;
CREATE OR REPLACE FUNCTION purge_forged_beacons(over_before timestamptz, most integer)
    RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    removed bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock_shared(hashtext('purge of invalid traffic')) THEN
        RETURN 0;
    END IF;
    WITH gone AS (
        DELETE FROM forged_beacons WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM forged_beacons WHERE received_at < least($1, clock_timestamp())
            ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )) RETURNING (received_at AT TIME ZONE 'UTC')::date AS day
    ), noted AS (
        INSERT INTO purged_traffic_days SELECT DISTINCT day, true FROM gone ORDER BY day
        ON CONFLICT DO NOTHING
    )
    SELECT count(*) INTO removed FROM gone;
    RETURN removed;
END $$;

-- What is here already.
SELECT recount_invalid_day(day) FROM (
    SELECT day FROM invalid_beacons
    UNION SELECT (received_at AT TIME ZONE 'UTC')::date FROM forged_beacons
) AS kept;
