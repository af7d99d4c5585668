CREATE OR REPLACE FUNCTION bill_by_bucket(
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
CREATE OR REPLACE FUNCTION chain_ledger_entry() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    latest ledger_chains;
BEGIN
    -- One at a time for an advertiser, so that days are opened one after the other. Whoever enters
    -- for several does so in the order of their ids.
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.advertiser_id::text, 41));
    UPDATE ledger_chains c SET entries = c.entries + 1
    WHERE c.advertiser_id = NEW.advertiser_id AND c.day = NEW.day
    RETURNING c.entries, c.head_hash INTO NEW.sequence, NEW.previous_hash;
    IF NOT FOUND THEN
        SELECT c.* INTO latest FROM ledger_chains c WHERE c.advertiser_id = NEW.advertiser_id
        ORDER BY c.opened DESC, c.day DESC LIMIT 1;
        NEW.sequence := 1;
        NEW.previous_hash := coalesce(latest.head_hash, decode(repeat('00', 32), 'hex'));
        INSERT INTO ledger_chains (advertiser_id, day, organization_id, entries, head_hash, opened,
                                   previous_day, start_hash)
        VALUES (NEW.advertiser_id, NEW.day, NEW.organization_id, 1, NEW.previous_hash,
                coalesce(latest.opened, 0) + 1, latest.day, NEW.previous_hash);
    END IF;
    NEW.recorded_at := date_trunc('milliseconds', clock_timestamp());
    NEW.entry_hash := sha256(NEW.previous_hash || convert_to(ledger_line(NEW), 'UTF8'));
    UPDATE ledger_chains SET head_hash = NEW.entry_hash
    WHERE advertiser_id = NEW.advertiser_id AND day = NEW.day;
    RETURN NEW;
END $$;
