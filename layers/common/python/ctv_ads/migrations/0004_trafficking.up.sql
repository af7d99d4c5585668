-- Everything that people book: placements' defaults, line items' terms, creative assignments.

ALTER TABLE placements
    ADD COLUMN app_bundle text,
    ADD COLUMN channel text,
    ADD COLUMN default_break_ms integer CHECK (default_break_ms > 0),
    ADD COLUMN max_ads smallint CHECK (max_ads > 0),
    ADD COLUMN min_ad_ms integer CHECK (min_ad_ms > 0),
    ADD COLUMN max_ad_ms integer CHECK (max_ad_ms > 0),
    ADD COLUMN vast_version text NOT NULL DEFAULT '4.2',
    ADD COLUMN floor_cpm_micros bigint NOT NULL DEFAULT 0 CHECK (floor_cpm_micros >= 0),
    ADD COLUMN blocked_categories text[] NOT NULL DEFAULT '{}',
    ADD COLUMN blocked_domains text[] NOT NULL DEFAULT '{}',
    ADD COLUMN trusted_caller boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT ad_lengths_are_ordered CHECK (min_ad_ms <= max_ad_ms);

ALTER TABLE line_items
    ADD COLUMN status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'paused')),
    ADD COLUMN rate_type text NOT NULL DEFAULT 'cpm' CHECK (rate_type IN ('cpm', 'cpcv', 'flat')),
    ADD COLUMN budget_micros bigint CHECK (budget_micros >= 0),
    ADD COLUMN daily_budget_micros bigint CHECK (daily_budget_micros >= 0),
    ADD COLUMN goal_unit text CHECK (goal_unit IN ('impressions', 'micros', 'percent')),
    ADD COLUMN goal_amount bigint CHECK (goal_amount > 0),
    ADD COLUMN pacing text NOT NULL DEFAULT 'even'
        CHECK (pacing IN ('asap', 'even', 'front_loaded')),
    -- Without times or a time zone of its own a line item has its campaign's.
    ADD COLUMN starts_at timestamptz,
    ADD COLUMN ends_at timestamptz,
    ADD COLUMN timezone text,
    ADD COLUMN dayparts jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(dayparts) = 'array'),
    -- {dimension: {"include": [...], "exclude": [...]}}
    ADD COLUMN targeting jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(targeting) = 'object'),
    ADD COLUMN frequency_caps jsonb NOT NULL DEFAULT '[]'
        CHECK (jsonb_typeof(frequency_caps) = 'array'),
    ADD COLUMN separation jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(separation) = 'array'),
    ADD COLUMN creative_rotation text NOT NULL DEFAULT 'even'
        CHECK (creative_rotation IN ('even', 'weighted', 'sequential', 'optimized')),
    ADD CONSTRAINT a_goal_has_unit_and_amount CHECK ((goal_unit IS NULL) = (goal_amount IS NULL)),
    ADD CONSTRAINT line_item_flight_has_a_length CHECK (starts_at < ends_at),
    -- Only a CPM is inherited, and only of a CPM a thousandth must be exact.
    DROP CONSTRAINT line_items_rate_micros_check,
    ADD CONSTRAINT rate_is_positive CHECK (rate_micros > 0),
    ADD CONSTRAINT rate_fits_its_type CHECK (
        CASE WHEN rate_type = 'cpm' THEN coalesce(rate_micros, 0) % 1000 = 0
             ELSE rate_micros IS NOT NULL END
    ),
    ADD CONSTRAINT line_items_of_campaigns UNIQUE (organization_id, campaign_id, line_item_id);
CREATE INDEX line_items_listed ON line_items (campaign_id, line_item_id) WHERE deleted_at IS NULL;
CREATE INDEX campaigns_advertiser ON campaigns (advertiser_id) WHERE deleted_at IS NULL;
CREATE INDEX advertisers_listed ON advertisers (organization_id, advertiser_id)
    WHERE deleted_at IS NULL;
CREATE INDEX placements_listed ON placements (organization_id, placement_id)
    WHERE deleted_at IS NULL;

-- Which creatives a line item rotates. Without any it rotates all of its campaign.
ALTER TABLE creatives
    ADD CONSTRAINT creatives_of_campaigns UNIQUE (organization_id, campaign_id, creative_id);
CREATE TABLE creative_assignments (
    organization_id uuid NOT NULL REFERENCES organizations,
    campaign_id uuid NOT NULL,
    line_item_id uuid NOT NULL,
    creative_id uuid NOT NULL,
    weight smallint NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 1000),
    sequence smallint CHECK (sequence > 0),
    starts_at timestamptz,
    ends_at timestamptz,
    PRIMARY KEY (line_item_id, creative_id),
    CONSTRAINT assignment_has_a_length CHECK (starts_at < ends_at),
    -- Both of the same campaign.
    FOREIGN KEY (organization_id, campaign_id, line_item_id)
        REFERENCES line_items (organization_id, campaign_id, line_item_id),
    FOREIGN KEY (organization_id, campaign_id, creative_id)
        REFERENCES creatives (organization_id, campaign_id, creative_id)
);
CREATE INDEX creative_assignments_creative ON creative_assignments (creative_id);
SELECT separate_tenants('creative_assignments');
-- Found in the audit by the line item's id, beside the line item's own changes.
SELECT audit_table('creative_assignments', 'creative_assignment', 'line_item_id');

GRANT INSERT ON advertisers, placements TO ctv_api;
GRANT UPDATE (name, domain, product_category, version, updated_at, deleted_at) ON advertisers
    TO ctv_api;
GRANT UPDATE (name, app_bundle, channel, default_break_ms, max_ads, min_ad_ms, max_ad_ms,
              vast_version, floor_cpm_micros, blocked_categories, blocked_domains, trusted_caller,
              version, updated_at, deleted_at) ON placements TO ctv_api;
GRANT UPDATE (name, advertiser_id, budget_micros, cpm_micros, starts_at, ends_at, timezone)
    ON campaigns TO ctv_api;
GRANT UPDATE (name, status, type, priority, rate_type, rate_micros, budget_micros,
              daily_budget_micros, goal_unit, goal_amount, pacing, starts_at, ends_at, timezone,
              dayparts, targeting, frequency_caps, separation, creative_rotation, version,
              updated_at) ON line_items TO ctv_api;
GRANT SELECT, INSERT, UPDATE (weight, sequence, starts_at, ends_at), DELETE
    ON creative_assignments TO ctv_api;
GRANT SELECT ON creative_assignments TO ctv_pipeline;
