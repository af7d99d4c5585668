REVOKE INSERT ON advertisers, placements FROM ctv_api;
REVOKE UPDATE (name, domain, product_category, version, updated_at, deleted_at) ON advertisers
    FROM ctv_api;
REVOKE UPDATE (name, version, updated_at, deleted_at) ON placements FROM ctv_api;
REVOKE UPDATE (name, advertiser_id, budget_micros, cpm_micros, starts_at, ends_at, timezone)
    ON campaigns FROM ctv_api;
REVOKE UPDATE (name, type, priority, rate_micros, version, updated_at) ON line_items FROM ctv_api;
DROP TABLE creative_assignments;
ALTER TABLE creatives DROP CONSTRAINT creatives_of_campaigns;
DROP INDEX placements_listed;
DROP INDEX advertisers_listed;
DROP INDEX campaigns_advertiser;
DROP INDEX line_items_listed;
-- A rate that is no CPM means nothing without its type.
UPDATE line_items SET rate_micros = NULL WHERE rate_type <> 'cpm';
ALTER TABLE line_items
    DROP CONSTRAINT line_items_of_campaigns,
    DROP CONSTRAINT rate_fits_its_type,
    DROP CONSTRAINT rate_is_positive,
    ADD CONSTRAINT line_items_rate_micros_check CHECK (rate_micros > 0 AND rate_micros % 1000 = 0),
    DROP COLUMN creative_rotation,
    DROP COLUMN separation,
    DROP COLUMN frequency_caps,
    DROP COLUMN targeting,
    DROP COLUMN dayparts,
    DROP COLUMN timezone,
    DROP COLUMN ends_at,
    DROP COLUMN starts_at,
    DROP COLUMN pacing,
    DROP COLUMN goal_amount,
    DROP COLUMN goal_unit,
    DROP COLUMN daily_budget_micros,
    DROP COLUMN budget_micros,
    DROP COLUMN rate_type,
    DROP COLUMN status;
ALTER TABLE placements
    DROP COLUMN trusted_caller,
    DROP COLUMN blocked_domains,
    DROP COLUMN blocked_categories,
    DROP COLUMN floor_cpm_micros,
    DROP COLUMN vast_version,
    DROP COLUMN max_ad_ms,
    DROP COLUMN min_ad_ms,
    DROP COLUMN max_ads,
    DROP COLUMN default_break_ms,
    DROP COLUMN channel,
    DROP COLUMN app_bundle;
