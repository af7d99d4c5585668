-- What was delivered, by hour and by day, for each campaign, line item, creative, placement, country
-- and device type. Requests, opportunities and breaks that stayed empty belong to no campaign: they
-- are in rows of the placement, whose campaign, line item and creative are all zeros.

ALTER TABLE campaign_daily_stats RENAME TO delivery_days;
ALTER TABLE delivery_days
    -- Unknown to the versions before: all zeros, and empty texts.
    ADD COLUMN placement_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    ADD COLUMN country text NOT NULL DEFAULT '',
    ADD COLUMN device_type text NOT NULL DEFAULT '',
    ADD COLUMN requests bigint NOT NULL DEFAULT 0,
    ADD COLUMN opportunities bigint NOT NULL DEFAULT 0,
    ADD COLUMN no_fills bigint NOT NULL DEFAULT 0,
    ADD COLUMN ads_served bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT campaign_daily_stats_pkey,
    ADD CONSTRAINT delivery_days_pkey PRIMARY KEY
        (campaign_id, day, line_item_id, creative_id, placement_id, country, device_type);
ALTER TABLE delivery_days RENAME CONSTRAINT campaign_daily_stats_organization_id_fkey
    TO delivery_days_organization_id_fkey;
ALTER TABLE delivery_days ALTER COLUMN placement_id DROP DEFAULT,
    ALTER COLUMN country DROP DEFAULT,
    ALTER COLUMN device_type DROP DEFAULT;
CREATE INDEX delivery_days_placement ON delivery_days (organization_id, placement_id, day);

CREATE TABLE delivery_hours (
    organization_id uuid NOT NULL REFERENCES organizations,
    campaign_id uuid NOT NULL,
    line_item_id uuid NOT NULL,
    creative_id uuid NOT NULL,
    placement_id uuid NOT NULL,
    country text NOT NULL,
    device_type text NOT NULL,
    hour timestamptz NOT NULL,
    requests bigint NOT NULL DEFAULT 0,
    opportunities bigint NOT NULL DEFAULT 0,
    no_fills bigint NOT NULL DEFAULT 0,
    ads_served bigint NOT NULL DEFAULT 0,
    impressions bigint NOT NULL DEFAULT 0,
    starts bigint NOT NULL DEFAULT 0,
    first_quartiles bigint NOT NULL DEFAULT 0,
    midpoints bigint NOT NULL DEFAULT 0,
    third_quartiles bigint NOT NULL DEFAULT 0,
    completes bigint NOT NULL DEFAULT 0,
    clicks bigint NOT NULL DEFAULT 0,
    errors bigint NOT NULL DEFAULT 0,
    billed_micros bigint NOT NULL DEFAULT 0,
    unbilled_impressions bigint NOT NULL DEFAULT 0,
    -- A HyperLogLog of the sessions that saw an impression (Apache DataSketches' compact form).
    sessions bytea,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (campaign_id, hour, line_item_id, creative_id, placement_id, country, device_type)
);
-- Half-empty pages, so that counting up a row finds room beside it.
ALTER TABLE delivery_hours SET (fillfactor = 70);
ALTER TABLE delivery_days SET (fillfactor = 70);
SELECT separate_tenants('delivery_hours');

CREATE TABLE delivery_errors (
    organization_id uuid NOT NULL REFERENCES organizations,
    campaign_id uuid NOT NULL,
    line_item_id uuid NOT NULL,
    creative_id uuid NOT NULL,
    placement_id uuid NOT NULL,
    country text NOT NULL,
    device_type text NOT NULL,
    hour timestamptz NOT NULL,
    -- VAST 4.2 section 2.3.6.3; 0: the player named none.
    vast_error_code smallint NOT NULL,
    errors bigint NOT NULL,
    PRIMARY KEY (campaign_id, hour, line_item_id, creative_id, placement_id, country, device_type,
                 vast_error_code)
);
SELECT separate_tenants('delivery_errors');

-- Counts of decisions that were added: the same message again adds nothing.
CREATE TABLE decision_counts_taken (
    message_id uuid PRIMARY KEY,
    taken_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX decision_counts_taken_by_time ON decision_counts_taken (taken_at);

CREATE POLICY own_advertisers ON delivery_hours AS RESTRICTIVE TO ctv_api USING (
    (SELECT current_advertisers() IS NULL) OR campaign_id IN (SELECT campaign_id FROM campaigns)
);
CREATE POLICY own_advertisers ON delivery_errors AS RESTRICTIVE TO ctv_api USING (
    (SELECT current_advertisers() IS NULL) OR campaign_id IN (SELECT campaign_id FROM campaigns)
);
GRANT SELECT ON delivery_hours, delivery_errors TO ctv_api;
GRANT SELECT, INSERT, UPDATE ON delivery_hours, delivery_errors TO ctv_pipeline;
GRANT SELECT, INSERT, DELETE ON decision_counts_taken TO ctv_pipeline;
