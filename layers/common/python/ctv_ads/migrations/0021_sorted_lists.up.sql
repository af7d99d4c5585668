-- Advertisers and placements in the orders in which they are listed, as campaigns have them (0005).
-- Line items are listed within one campaign, whose rows an index finds already.
CREATE INDEX advertisers_by_name ON advertisers (organization_id, name, advertiser_id)
    WHERE deleted_at IS NULL;
CREATE INDEX advertisers_by_creation ON advertisers (organization_id, created_at, advertiser_id)
    WHERE deleted_at IS NULL;
CREATE INDEX placements_by_name ON placements (organization_id, name, placement_id)
    WHERE deleted_at IS NULL;
CREATE INDEX placements_by_key ON placements (organization_id, key, placement_id)
    WHERE deleted_at IS NULL;
CREATE INDEX placements_by_creation ON placements (organization_id, created_at, placement_id)
    WHERE deleted_at IS NULL;
