"""Statements of the ledger of granted tokens (`token_buckets.py`)."""

_COSTS = "(l.rate_type <> 'flat' AND l.type <> 'house')"
_MAY_SPEND = f"""
    c.status = 'active' AND c.deleted_at IS NULL AND l.status = 'active' AND l.deleted_at IS NULL
    AND greatest(l.starts_at, c.starts_at) <= %(soon)s
    AND least(l.ends_at, c.ends_at) > %(now)s
    AND ({_COSTS} OR l.goal_unit = 'impressions')"""
LOOKS = f"""
SELECT coalesce(s.line_item_id, b.line_item_id)::text,
       coalesce(s.campaign_id, b.campaign_id)::text, s.line_item_id IS NOT NULL,
       b.bucket, b.shard, b.granted_micros, b.outstanding_micros, b.opened_at,
       (b.unit = 'micros') <> s.costs OR (s.has_days AND b.budget_day <> s.today), s.observed_at,
       s.is_due
FROM (
    SELECT l.line_item_id, l.campaign_id, {_COSTS} AS costs,
           l.daily_budget_micros IS NOT NULL AS has_days,
           (%(now)s AT TIME ZONE coalesce(l.timezone, c.timezone))::date AS today,
           v.observed_at,
           -- Whoever changed or decided on it may have another clock.
           v.next_look_at IS NULL
               OR v.next_look_at NOT BETWEEN %(now)s AND %(now)s + interval '6 minutes'
               OR greatest(l.updated_at, c.updated_at) > v.observed_at - interval '2 minutes'
               AS is_due
    FROM campaigns c JOIN line_items l USING (campaign_id)
    LEFT JOIN line_item_delivery v ON v.line_item_id = l.line_item_id
    WHERE {_MAY_SPEND}
) s
FULL JOIN (SELECT * FROM token_buckets WHERE closed_at IS NULL) b USING (line_item_id)
WHERE b.bucket IS NOT NULL OR s.is_due
ORDER BY 2, 1, b.bucket"""  # noqa: S608 - made of constants
LOCK_CAMPAIGNS = """
SELECT 1 FROM campaigns
WHERE campaign_id IN (SELECT campaign_id FROM line_items WHERE line_item_id = ANY (%s::uuid[]))
ORDER BY campaign_id FOR NO KEY UPDATE"""
ACCOUNTS = f"""
WITH wanted AS MATERIALIZED (
    SELECT l.*, c.budget_micros AS campaign_budget_micros,
           c.billed_micros AS campaign_billed_micros, c.cpm_micros, {_COSTS} AS costs,
           greatest(l.starts_at, c.starts_at) AS from_at, least(l.ends_at, c.ends_at) AS to_at,
           coalesce(l.timezone, c.timezone) AS zone,
           (%(now)s AT TIME ZONE coalesce(l.timezone, c.timezone))::date AS today
    FROM line_items l JOIN campaigns c USING (campaign_id)
    WHERE l.line_item_id = ANY (%(line_items)s::uuid[]) AND {_MAY_SPEND}
), campaign_reserves AS (
    SELECT campaign_id, sum(outstanding_micros)::bigint AS micros
    FROM token_buckets
    WHERE campaign_id IN (SELECT campaign_id FROM wanted) AND released_at IS NULL
      AND unit = 'micros'
    GROUP BY campaign_id
)
SELECT w.line_item_id, w.campaign_id, w.organization_id,
       coalesce(w.targeting -> 'placement' -> 'include', '[]') AS placements, w.type, w.rate_type, w.rate_micros, w.cpm_micros, w.pacing,
       w.from_at, w.to_at, w.zone, w.today, w.budget_micros, w.daily_budget_micros, w.goal_unit,
       w.goal_amount, w.dayparts, w.billed_micros, w.campaign_budget_micros,
       w.campaign_billed_micros, coalesce(k.micros, 0) AS campaign_reserved_micros,
       coalesce(r.reserved, 0) AS reserved, coalesce(r.day_reserved, 0) AS day_reserved,
       coalesce(d.billed_micros, 0) AS day_billed_micros, coalesce(e.events, 0) AS billed_events,
       coalesce(v.last_bucket, 0) AS last_bucket
FROM wanted w
LEFT JOIN campaign_reserves k USING (campaign_id)
LEFT JOIN line_item_days d ON d.line_item_id = w.line_item_id AND d.budget_day = w.today
LEFT JOIN line_item_delivery v ON v.line_item_id = w.line_item_id
LEFT JOIN LATERAL (
    SELECT sum(b.outstanding_micros)::bigint AS reserved,
           (sum(b.outstanding_micros) FILTER (WHERE b.budget_day = w.today))::bigint
               AS day_reserved
    FROM token_buckets b
    WHERE b.line_item_id = w.line_item_id AND b.released_at IS NULL
      AND (b.unit = 'micros') = w.costs
) r ON true
LEFT JOIN LATERAL (
    SELECT sum(x.billed_events)::bigint AS events FROM line_item_days x
    WHERE x.line_item_id = w.line_item_id AND w.goal_unit = 'impressions'
) e ON true
ORDER BY w.campaign_id, w.line_item_id"""  # noqa: S608 - made of constants
OPEN = """
INSERT INTO token_buckets (line_item_id, bucket, shard, organization_id, campaign_id, unit,
                           budget_day, granted_micros, opened_at)
SELECT n.line_item_id, n.bucket, n.shard, l.organization_id, l.campaign_id, n.unit,
       (%(now)s AT TIME ZONE coalesce(l.timezone, c.timezone))::date, n.amount, %(now)s
FROM unnest(%(line_items)s::uuid[], %(buckets)s::bigint[], %(shards)s::smallint[],
            %(units)s::text[], %(amounts)s::bigint[])
    AS n (line_item_id, bucket, shard, unit, amount)
JOIN line_items l USING (line_item_id)
JOIN campaigns c USING (campaign_id)"""
# What has not changed is written again only now and then: most line items are as they were.
OBSERVE = """
INSERT INTO line_item_delivery AS v (
    line_item_id, organization_id, campaign_id, last_bucket, due_micros, delivered_micros,
    urgency, limited_by, observed_at, next_look_at
)
SELECT n.line_item_id, l.organization_id, l.campaign_id, n.last_bucket, n.due, n.delivered,
       n.urgency, n.limited_by, %(now)s, %(now)s + n.wait_s * interval '1 second'
FROM unnest(%(line_items)s::uuid[], %(last_buckets)s::bigint[], %(due)s::bigint[],
            %(delivered)s::bigint[], %(urgencies)s::smallint[], %(limits)s::text[],
            %(waits)s::integer[])
    AS n (line_item_id, last_bucket, due, delivered, urgency, limited_by, wait_s)
JOIN line_items l USING (line_item_id)
ORDER BY n.line_item_id
ON CONFLICT (line_item_id) DO UPDATE SET
    last_bucket = excluded.last_bucket, due_micros = excluded.due_micros,
    delivered_micros = excluded.delivered_micros, urgency = excluded.urgency,
    limited_by = excluded.limited_by, observed_at = excluded.observed_at,
    next_look_at = excluded.next_look_at
WHERE v.last_bucket <> excluded.last_bucket OR v.urgency <> excluded.urgency
   OR v.limited_by <> excluded.limited_by OR v.observed_at < %(stale)s
   OR excluded.next_look_at > %(now)s"""
SETTLE = """
UPDATE token_buckets b SET
    -- More than nobody has claimed is no count: Valkey fell back to an older state, and what of it
    -- was shown meanwhile is not known. Then nothing is free before the bucket expires.
    returned_micros = CASE WHEN n.returned <= b.granted_micros - b.billed_micros
                           THEN greatest(b.returned_micros, n.returned)
                           ELSE b.returned_micros END,
    closed_at = coalesce(b.closed_at, %(now)s),
    expires_at = coalesce(b.expires_at, %(expires_at)s),
    released_at = CASE WHEN b.granted_micros - b.billed_micros IN (b.returned_micros, n.returned)
                       THEN %(now)s::timestamptz END
FROM unnest(%(line_items)s::uuid[], %(buckets)s::bigint[], %(returned)s::bigint[])
    AS n (line_item_id, bucket, returned)
WHERE b.line_item_id = n.line_item_id AND b.bucket = n.bucket AND b.released_at IS NULL"""
# Never waits for who bills at the moment; those are released at the next look.
RELEASE = """
UPDATE token_buckets b SET released_at = %(now)s
FROM (
    SELECT line_item_id, bucket FROM token_buckets
    WHERE closed_at IS NOT NULL AND released_at IS NULL AND expires_at <= %(now)s
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED
) x
WHERE b.line_item_id = x.line_item_id AND b.bucket = x.bucket"""
DELETE = """
DELETE FROM token_buckets b
USING (
    SELECT line_item_id, bucket FROM token_buckets
    WHERE released_at < %(before)s
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED
) x
WHERE b.line_item_id = x.line_item_id AND b.bucket = x.bucket"""
