-- What reports call spend is what is owed: credits are taken from the counts of hours, days and daily
-- budgets in the transaction that gives them, and days of flat rates are counted like what is
-- delivered, at no creative and no placement (all zeros).

-- Takes what was credited of a line item from its local days: from the day that paid, and should
-- that have less, from its neighbours. Whoever calls holds the campaign.
CREATE FUNCTION return_daily_spend(whose uuid, spent_on date, micros bigint, events bigint) RETURNS void
    LANGUAGE sql VOLATILE SET search_path = public, pg_temp
    AS $$
    WITH before AS (
        SELECT budget_day, billed_micros, billed_events,
               coalesce(sum(billed_micros) OVER nearer, 0) AS micros_before,
               coalesce(sum(billed_events) OVER nearer, 0) AS events_before
        FROM line_item_days WHERE line_item_id = whose
        WINDOW nearer AS (ORDER BY abs(budget_day - spent_on), budget_day
                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    )
    UPDATE line_item_days d SET
        billed_micros = d.billed_micros
            - least(b.billed_micros, greatest(0, micros - b.micros_before)),
        billed_events = d.billed_events
            - least(b.billed_events, greatest(0, events - b.events_before))
    FROM before b
    WHERE d.line_item_id = whose AND d.budget_day = b.budget_day
      AND (b.micros_before < micros OR b.events_before < events)
    $$;
REVOKE ALL ON FUNCTION return_daily_spend(uuid, date, bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION return_daily_spend(uuid, date, bigint, bigint) TO ctv_pipeline;

-- What was credited before. Of days that were dropped, counting them anew does it.
UPDATE delivery_hours h SET billed_micros = h.billed_micros - c.micros
FROM (
    SELECT e.line_item_id, e.creative_id, e.placement_id, coalesce(e.country, '') AS country,
           coalesce(e.device_type, '') AS device_type,
           date_trunc('hour', e.decided_at, 'UTC') AS hour, sum(c.amount_micros)::bigint AS micros
    FROM credited_events c JOIN ad_events e USING (day, decision_id, slot, event)
    GROUP BY 1, 2, 3, 4, 5, 6
) c
WHERE (h.line_item_id, h.creative_id, h.placement_id, h.country, h.device_type, h.hour)
    = (c.line_item_id, c.creative_id, c.placement_id, c.country, c.device_type, c.hour);
UPDATE delivery_days d SET billed_micros = d.billed_micros - c.micros
FROM (
    SELECT e.line_item_id, e.creative_id, e.placement_id, coalesce(e.country, '') AS country,
           coalesce(e.device_type, '') AS device_type, c.day, sum(c.amount_micros)::bigint AS micros
    FROM credited_events c JOIN ad_events e USING (day, decision_id, slot, event)
    GROUP BY 1, 2, 3, 4, 5, 6
) c
WHERE (d.line_item_id, d.creative_id, d.placement_id, d.country, d.device_type, d.day)
    = (c.line_item_id, c.creative_id, c.placement_id, c.country, c.device_type, c.day);
SELECT return_daily_spend(line_item_id, day, sum(amount_micros)::bigint, count(*))
FROM credited_events GROUP BY line_item_id, day ORDER BY line_item_id, day;

-- Flat rates that were entered before.
INSERT INTO delivery_hours (organization_id, campaign_id, line_item_id, creative_id, placement_id,
                            country, device_type, hour, billed_micros)
SELECT e.organization_id, e.campaign_id, e.line_item_id, n.nobody, n.nobody, '', '',
       e.day::timestamp AT TIME ZONE 'UTC', e.amount_micros
FROM ledger_entries e
CROSS JOIN (SELECT '00000000-0000-0000-0000-000000000000'::uuid AS nobody) n
WHERE e.kind = 'flat'
ON CONFLICT (campaign_id, hour, line_item_id, creative_id, placement_id, country, device_type)
DO UPDATE SET billed_micros = delivery_hours.billed_micros + excluded.billed_micros;
INSERT INTO delivery_days (organization_id, campaign_id, line_item_id, creative_id, placement_id,
                           country, device_type, day, billed_micros)
SELECT e.organization_id, e.campaign_id, e.line_item_id, n.nobody, n.nobody, '', '', e.day,
       e.amount_micros
FROM ledger_entries e
CROSS JOIN (SELECT '00000000-0000-0000-0000-000000000000'::uuid AS nobody) n
WHERE e.kind = 'flat'
ON CONFLICT (campaign_id, day, line_item_id, creative_id, placement_id, country, device_type)
DO UPDATE SET billed_micros = delivery_days.billed_micros + excluded.billed_micros;
