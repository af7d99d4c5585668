-- Spending by granted tokens (docs/decisions: granted tokens). What is promised to players is
-- reserved here first, so that what is billed and what is reserved never exceed a budget together.

-- One grant of tokens to a line item. Tokens are micros; of a line item that costs nothing and has
-- a goal in impressions they are impressions. The number of a bucket is in the token of each ad
-- that was decided on it; numbers of one line item only grow.
CREATE TABLE token_buckets (
    line_item_id uuid NOT NULL,
    bucket bigint NOT NULL CHECK (bucket BETWEEN 1 AND 4294967295),
    shard smallint NOT NULL DEFAULT 0 CHECK (shard >= 0),
    organization_id uuid NOT NULL REFERENCES organizations,
    campaign_id uuid NOT NULL,
    unit text NOT NULL DEFAULT 'micros' CHECK (unit IN ('micros', 'impressions')),
    -- The line item's local day, whose daily budget pays.
    budget_day date NOT NULL,
    granted_micros bigint NOT NULL CHECK (granted_micros > 0),
    returned_micros bigint NOT NULL DEFAULT 0 CHECK (returned_micros >= 0),
    billed_micros bigint NOT NULL DEFAULT 0 CHECK (billed_micros >= 0),
    opened_at timestamptz NOT NULL,
    -- Since when decisions can no longer spend from it, and when the rest is free again at the
    -- earliest.
    closed_at timestamptz,
    expires_at timestamptz,
    -- Set by the pacing controller and by nobody else: what is left is free again from here on.
    -- A state and no comparison of clocks, because whoever bills may have another clock.
    released_at timestamptz,
    outstanding_micros bigint NOT NULL GENERATED ALWAYS AS (
        CASE WHEN released_at IS NULL THEN granted_micros - returned_micros - billed_micros
             ELSE 0 END
    ) STORED,
    PRIMARY KEY (line_item_id, bucket),
    CONSTRAINT no_more_than_was_granted CHECK (returned_micros + billed_micros <= granted_micros),
    CONSTRAINT closed_buckets_expire CHECK ((closed_at IS NULL) = (expires_at IS NULL)),
    FOREIGN KEY (organization_id, campaign_id, line_item_id)
        REFERENCES line_items (organization_id, campaign_id, line_item_id)
);
-- No index holds an amount: billing updates amounts in place.
CREATE INDEX token_buckets_reserved ON token_buckets (campaign_id) WHERE released_at IS NULL;
CREATE INDEX token_buckets_live ON token_buckets (line_item_id) WHERE closed_at IS NULL;
CREATE INDEX token_buckets_to_release ON token_buckets (expires_at)
    WHERE released_at IS NULL AND closed_at IS NOT NULL;
CREATE INDEX token_buckets_to_delete ON token_buckets (released_at) WHERE released_at IS NOT NULL;

-- What a line item was billed on each of its local days; events of no price count as events.
CREATE TABLE line_item_days (
    line_item_id uuid NOT NULL,
    budget_day date NOT NULL,
    organization_id uuid NOT NULL REFERENCES organizations,
    campaign_id uuid NOT NULL,
    billed_micros bigint NOT NULL DEFAULT 0 CHECK (billed_micros >= 0),
    billed_events bigint NOT NULL DEFAULT 0 CHECK (billed_events >= 0),
    PRIMARY KEY (line_item_id, budget_day),
    FOREIGN KEY (organization_id, campaign_id, line_item_id)
        REFERENCES line_items (organization_id, campaign_id, line_item_id)
);
INSERT INTO line_item_days
    (line_item_id, budget_day, organization_id, campaign_id, billed_micros, billed_events)
SELECT s.line_item_id, s.day, s.organization_id, s.campaign_id, sum(s.billed_micros),
       sum(s.impressions - s.unbilled_impressions)
FROM campaign_daily_stats s
GROUP BY s.line_item_id, s.day, s.organization_id, s.campaign_id;

-- How each line item stood when the controller last looked at it, in tokens.
CREATE TABLE line_item_delivery (
    line_item_id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    campaign_id uuid NOT NULL,
    last_bucket bigint NOT NULL DEFAULT 0,
    due_micros bigint NOT NULL DEFAULT 0,
    delivered_micros bigint NOT NULL DEFAULT 0,
    urgency smallint NOT NULL DEFAULT 0,
    limited_by text NOT NULL DEFAULT 'nothing'
        CHECK (limited_by IN ('nothing', 'pacing', 'day', 'goal', 'line_item', 'campaign')),
    observed_at timestamptz NOT NULL,
    FOREIGN KEY (organization_id, campaign_id, line_item_id)
        REFERENCES line_items (organization_id, campaign_id, line_item_id)
);
SELECT separate_tenants('token_buckets');
SELECT separate_tenants('line_item_days');
SELECT separate_tenants('line_item_delivery');

-- Whether the last of a row of amounts was afforded, each only if it still fits after those
-- before it that did.
CREATE FUNCTION afford_next(state bigint[], amount bigint, limit_amount bigint) RETURNS bigint[]
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT CASE WHEN state[1] + amount <= limit_amount
                      THEN ARRAY[state[1] + amount, 1] ELSE ARRAY[state[1], 0] END $$;
CREATE FUNCTION was_afforded(state bigint[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE AS $$ SELECT state[2] = 1 $$;
CREATE AGGREGATE affords(amount bigint, limit_amount bigint) (
    SFUNC = afford_next, STYPE = bigint[], FINALFUNC = was_afforded, INITCOND = '{0,0}'
);

-- Bills events that are new, in the order of their positions, by the buckets their tokens name.
-- An event whose bucket still holds its price reserved is billed in time. Any other (of no
-- bucket, of one that was released, used up or unknown) is late: billed out of what nobody
-- reserved, else not at all. Locks the campaigns concerned in the order of their ids, and updates
-- buckets, campaigns, line items and their days; whoever calls stores the events in the same
-- transaction. Outcome: in_time, late, or over_budget (then micros is 0).
CREATE FUNCTION bill_by_bucket(
    positions integer[], line_items uuid[], buckets bigint[], prices bigint[],
    decided timestamptz[]
) RETURNS TABLE (event_position integer, micros bigint, outcome text)
    LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp
    AS $$
#variable_conflict use_column
DECLARE
    unlimited CONSTANT bigint := 9223372036854775807;
BEGIN
    PERFORM 1 FROM campaigns
    WHERE campaign_id IN (SELECT l.campaign_id FROM line_items l
                          WHERE l.line_item_id = ANY ($2))
    ORDER BY campaign_id FOR NO KEY UPDATE;

    RETURN QUERY
    WITH due AS MATERIALIZED (
        SELECT u.at_position, u.line_item_id, u.price, l.organization_id, l.campaign_id,
               b.bucket, b.outstanding_micros, greatest(u.price, 1) AS tokens,
               coalesce(b.budget_day, (u.decided_at AT TIME ZONE
                                       coalesce(l.timezone, c.timezone))::date) AS budget_day
        FROM unnest($1, $2, $3, $4, $5)
            AS u (at_position, line_item_id, bucket, price, decided_at)
        JOIN line_items l USING (line_item_id)
        JOIN campaigns c ON c.campaign_id = l.campaign_id
        LEFT JOIN token_buckets b ON b.line_item_id = u.line_item_id AND b.bucket = u.bucket
            AND b.released_at IS NULL AND (b.unit = 'micros') = (u.price > 0)
    ), bucket_fits AS (
        SELECT line_item_id, bucket, sum(tokens) <= min(outstanding_micros) AS all_fit
        FROM due WHERE bucket IS NOT NULL GROUP BY line_item_id, bucket
    ), timed AS (
        SELECT d.*, true AS in_time
        FROM due d JOIN bucket_fits f USING (line_item_id, bucket) WHERE f.all_fit
        UNION ALL
        SELECT d.*, affords(d.tokens, d.outstanding_micros)
                        OVER (PARTITION BY d.line_item_id, d.bucket ORDER BY d.at_position)
        FROM due d JOIN bucket_fits f USING (line_item_id, bucket) WHERE NOT f.all_fit
        UNION ALL
        SELECT d.*, false FROM due d WHERE d.bucket IS NULL
    ), late AS (
        SELECT DISTINCT campaign_id, line_item_id, budget_day FROM timed
        WHERE NOT in_time AND price > 0
    ), campaign_rooms AS (
        -- What is in time was reserved within the budget; it is held against it again because
        -- people may have cut the budget since.
        SELECT c.campaign_id, r.in_time,
               c.budget_micros - c.billed_micros - CASE WHEN r.in_time THEN 0 ELSE (
                   SELECT coalesce(sum(b.outstanding_micros), 0)::bigint FROM token_buckets b
                   WHERE b.campaign_id = c.campaign_id AND b.released_at IS NULL
                     AND b.unit = 'micros'
               ) END AS room
        FROM campaigns c
        JOIN (SELECT DISTINCT campaign_id, in_time FROM timed WHERE price > 0) r
            USING (campaign_id)
    ), line_item_rooms AS (
        SELECT l.line_item_id, r.in_time,
               least(
                   l.budget_micros - l.billed_micros,
                   CASE WHEN l.goal_unit = 'micros' THEN l.goal_amount - l.billed_micros END
               ) - CASE WHEN r.in_time THEN 0 ELSE (
                   SELECT coalesce(sum(b.outstanding_micros), 0)::bigint FROM token_buckets b
                   WHERE b.line_item_id = l.line_item_id AND b.released_at IS NULL
                     AND b.unit = 'micros'
               ) END AS room
        FROM line_items l
        JOIN (SELECT DISTINCT line_item_id, in_time FROM timed WHERE price > 0) r
            USING (line_item_id)
        WHERE l.budget_micros IS NOT NULL OR l.goal_unit = 'micros'
    ), day_rooms AS (
        SELECT l.line_item_id, r.budget_day, r.in_time,
               l.daily_budget_micros - coalesce(d.billed_micros, 0)
               - CASE WHEN r.in_time THEN 0 ELSE (
                   SELECT coalesce(sum(b.outstanding_micros), 0)::bigint FROM token_buckets b
                   WHERE b.line_item_id = l.line_item_id AND b.released_at IS NULL
                     AND b.unit = 'micros' AND b.budget_day = r.budget_day
               ) END AS room
        FROM line_items l
        JOIN (SELECT DISTINCT line_item_id, budget_day, in_time FROM timed WHERE price > 0) r
            USING (line_item_id)
        LEFT JOIN line_item_days d USING (line_item_id, budget_day)
        WHERE l.daily_budget_micros IS NOT NULL
    ), tight AS (
        SELECT campaign_id FROM late
        UNION
        SELECT t.campaign_id FROM timed t JOIN campaign_rooms r USING (campaign_id, in_time)
        GROUP BY t.campaign_id, t.in_time HAVING sum(t.price) > min(r.room)
        UNION
        SELECT t.campaign_id FROM timed t JOIN line_item_rooms r USING (line_item_id, in_time)
        GROUP BY t.campaign_id, t.line_item_id, t.in_time HAVING sum(t.price) > min(r.room)
        UNION
        SELECT t.campaign_id FROM timed t
        JOIN day_rooms r USING (line_item_id, budget_day, in_time)
        GROUP BY t.campaign_id, t.line_item_id, t.budget_day, t.in_time
        HAVING sum(t.price) > min(r.room)
    ), within_day AS (
        SELECT t.*, affords(t.price, coalesce(r.room, unlimited)) OVER (
                   PARTITION BY t.line_item_id, t.budget_day, t.in_time ORDER BY t.at_position
               ) AS fits
        FROM timed t JOIN tight USING (campaign_id)
        LEFT JOIN day_rooms r USING (line_item_id, budget_day, in_time)
        WHERE t.price > 0
    ), within_line_item AS (
        SELECT w.at_position, w.campaign_id, w.in_time, w.price,
               affords(w.price, coalesce(r.room, unlimited)) OVER (
                   PARTITION BY w.line_item_id, w.in_time ORDER BY w.at_position
               ) AS fits
        FROM within_day w LEFT JOIN line_item_rooms r USING (line_item_id, in_time)
        WHERE w.fits
    ), within_campaign AS (
        SELECT w.at_position,
               affords(w.price, r.room) OVER (
                   PARTITION BY w.campaign_id, w.in_time ORDER BY w.at_position
               ) AS fits
        FROM within_line_item w JOIN campaign_rooms r USING (campaign_id, in_time)
        WHERE w.fits
    ), judged AS MATERIALIZED (
        SELECT t.*, t.price = 0 OR k.campaign_id IS NULL OR coalesce(w.fits, false) AS is_billed
        FROM timed t
        LEFT JOIN tight k USING (campaign_id)
        LEFT JOIN within_campaign w USING (at_position)
    ), buckets_billed AS (
        UPDATE token_buckets b SET billed_micros = b.billed_micros + s.tokens
        FROM (SELECT line_item_id, bucket, sum(tokens)::bigint AS tokens FROM judged
              WHERE in_time AND is_billed GROUP BY line_item_id, bucket) s
        WHERE b.line_item_id = s.line_item_id AND b.bucket = s.bucket
    ), campaigns_billed AS (
        UPDATE campaigns c SET billed_micros = c.billed_micros + s.micros
        FROM (SELECT campaign_id, sum(price)::bigint AS micros FROM judged
              WHERE is_billed GROUP BY campaign_id) s
        WHERE c.campaign_id = s.campaign_id AND s.micros > 0
    ), line_items_billed AS (
        UPDATE line_items l SET billed_micros = l.billed_micros + s.micros
        FROM (SELECT line_item_id, sum(price)::bigint AS micros FROM judged
              WHERE is_billed GROUP BY line_item_id) s
        WHERE l.line_item_id = s.line_item_id AND s.micros > 0
    ), days_billed AS (
        INSERT INTO line_item_days AS d (line_item_id, budget_day, organization_id, campaign_id,
                                         billed_micros, billed_events)
        SELECT line_item_id, budget_day, organization_id, campaign_id, sum(price)::bigint,
               count(*)
        FROM judged WHERE is_billed
        GROUP BY line_item_id, budget_day, organization_id, campaign_id
        ORDER BY line_item_id, budget_day
        ON CONFLICT (line_item_id, budget_day) DO UPDATE SET
            billed_micros = d.billed_micros + excluded.billed_micros,
            billed_events = d.billed_events + excluded.billed_events
    )
    SELECT at_position, CASE WHEN is_billed THEN price ELSE 0 END,
           CASE WHEN NOT is_billed THEN 'over_budget' WHEN in_time THEN 'in_time'
                ELSE 'late' END
    FROM judged ORDER BY at_position;
END $$;
REVOKE ALL ON FUNCTION bill_by_bucket(integer[], uuid[], bigint[], bigint[], timestamptz[])
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION bill_by_bucket(integer[], uuid[], bigint[], bigint[], timestamptz[])
    TO ctv_pipeline;

GRANT SELECT ON token_buckets, line_item_days, line_item_delivery TO ctv_api;
GRANT SELECT, INSERT, DELETE ON token_buckets TO ctv_pipeline;
GRANT UPDATE (returned_micros, billed_micros, closed_at, expires_at, released_at) ON token_buckets
    TO ctv_pipeline;
GRANT SELECT, INSERT ON line_item_days, line_item_delivery TO ctv_pipeline;
GRANT UPDATE (billed_micros, billed_events) ON line_item_days TO ctv_pipeline;
GRANT UPDATE (last_bucket, due_micros, delivered_micros, urgency, limited_by, observed_at)
    ON line_item_delivery TO ctv_pipeline;
