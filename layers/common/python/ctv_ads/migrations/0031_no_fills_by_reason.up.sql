-- Why answers held no ad, by hour: of each row of `delivery_hours` with no-fills the reasons
-- (domain/reasons.py), which decisions tell since this version. They belong to placements only.
CREATE TABLE delivery_no_fills (
    organization_id uuid NOT NULL,
    placement_id uuid NOT NULL,
    country text NOT NULL,
    device_type text NOT NULL,
    hour timestamptz NOT NULL,
    reason text NOT NULL,
    no_fills bigint NOT NULL,
    PRIMARY KEY (organization_id, hour, placement_id, country, device_type, reason)
);
SELECT separate_tenants('delivery_no_fills');
-- A viewer who is bound to advertisers sees what is theirs: this is nobody's.
CREATE POLICY own_advertisers ON delivery_no_fills AS RESTRICTIVE TO ctv_api USING (
    (SELECT current_advertisers() IS NULL)
);
GRANT SELECT ON delivery_no_fills TO ctv_api;
GRANT SELECT, INSERT, UPDATE ON delivery_no_fills TO ctv_pipeline;

-- Reports of placements look for an organization's requests. What recording writes is not in these.
CREATE INDEX delivery_days_of_requests ON delivery_days (organization_id, day)
    WHERE campaign_id = '00000000-0000-0000-0000-000000000000';
CREATE INDEX delivery_hours_of_requests ON delivery_hours (organization_id, hour)
    WHERE campaign_id = '00000000-0000-0000-0000-000000000000';
