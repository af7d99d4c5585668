"""What is billed and reserved of each line item of a campaign, by SQL of its own."""

TOKEN_BOOKS = """
SELECT l.line_item_id::text, c.budget_micros, c.billed_micros AS campaign_billed,
       l.budget_micros AS own_budget, l.billed_micros, l.daily_budget_micros,
       (SELECT coalesce(sum(b.outstanding_micros), 0)::bigint FROM token_buckets b
        WHERE b.campaign_id = c.campaign_id) AS campaign_outstanding,
       (SELECT coalesce(sum(b.outstanding_micros), 0)::bigint FROM token_buckets b
        WHERE b.line_item_id = l.line_item_id) AS outstanding,
       (SELECT coalesce(max(d.micros), 0)::bigint FROM (
            SELECT sum(x.micros) AS micros FROM (
                SELECT budget_day, billed_micros AS micros FROM line_item_days
                WHERE line_item_id = l.line_item_id
                UNION ALL
                SELECT budget_day, outstanding_micros FROM token_buckets
                WHERE line_item_id = l.line_item_id
            ) x GROUP BY budget_day
        ) d) AS fullest_day
FROM line_items l JOIN campaigns c USING (campaign_id) WHERE c.campaign_id = %s"""
ADD_LINE_ITEM = """
INSERT INTO line_items (line_item_id, organization_id, campaign_id, name, budget_micros,
                        daily_budget_micros, pacing)
SELECT %s, organization_id, campaign_id, 'second', %s, %s, 'asap'
FROM campaigns WHERE campaign_id = %s"""
