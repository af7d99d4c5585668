DROP TABLE decision_counts_taken;
DROP TABLE delivery_errors;
DROP TABLE delivery_hours;

-- Finer than it was: what differs in new columns only becomes one row again.
CREATE TEMPORARY TABLE coarser ON COMMIT DROP AS
SELECT organization_id, campaign_id, line_item_id, creative_id, day,
       sum(impressions)::bigint AS impressions, sum(starts)::bigint AS starts,
       sum(first_quartiles)::bigint AS first_quartiles, sum(midpoints)::bigint AS midpoints,
       sum(third_quartiles)::bigint AS third_quartiles, sum(completes)::bigint AS completes,
       sum(clicks)::bigint AS clicks, sum(errors)::bigint AS errors,
       sum(billed_micros)::bigint AS billed_micros,
       sum(unbilled_impressions)::bigint AS unbilled_impressions, max(updated_at) AS updated_at
FROM delivery_days
WHERE campaign_id <> '00000000-0000-0000-0000-000000000000'
GROUP BY organization_id, campaign_id, line_item_id, creative_id, day;
TRUNCATE delivery_days;
DROP INDEX delivery_days_placement;
ALTER TABLE delivery_days RESET (fillfactor);
ALTER TABLE delivery_days
    DROP CONSTRAINT delivery_days_pkey,
    DROP COLUMN placement_id,
    DROP COLUMN country,
    DROP COLUMN device_type,
    DROP COLUMN requests,
    DROP COLUMN opportunities,
    DROP COLUMN no_fills,
    DROP COLUMN ads_served,
    ADD CONSTRAINT campaign_daily_stats_pkey PRIMARY KEY
        (campaign_id, day, line_item_id, creative_id);
ALTER TABLE delivery_days RENAME CONSTRAINT delivery_days_organization_id_fkey
    TO campaign_daily_stats_organization_id_fkey;
ALTER TABLE delivery_days RENAME TO campaign_daily_stats;
INSERT INTO campaign_daily_stats (organization_id, campaign_id, line_item_id, creative_id, day,
                                  impressions, starts, first_quartiles, midpoints,
                                  third_quartiles, completes, clicks, errors, billed_micros,
                                  unbilled_impressions, updated_at)
SELECT * FROM coarser;
