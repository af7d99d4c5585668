-- How often films were seen to their end, by line item, as it is published: rounded, so that it
-- changes seldom (domain/completions.py). Rotation by completion rate and the value of completed
-- views learn from it.
CREATE TABLE measured_completions (
    line_item_id uuid NOT NULL,
    creative_id uuid NOT NULL,
    organization_id uuid NOT NULL REFERENCES organizations,
    campaign_id uuid NOT NULL,
    impressions bigint NOT NULL CHECK (impressions > 0),
    completes bigint NOT NULL CHECK (completes BETWEEN 0 AND impressions),
    measured_at timestamptz NOT NULL,
    PRIMARY KEY (line_item_id, creative_id)
);
CREATE INDEX measured_completions_campaign ON measured_completions (campaign_id);
SELECT separate_tenants('measured_completions');
GRANT SELECT, INSERT, UPDATE, DELETE ON measured_completions TO ctv_pipeline;
