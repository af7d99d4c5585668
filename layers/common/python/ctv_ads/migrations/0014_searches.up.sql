-- Searching advertisers, placements and line items the way campaigns are searched (0005): ILIKE is
-- not leakproof, so under row-level security PostgreSQL compares names only after it has read all
-- rows. These functions, which keep to the organization themselves, may use an index.

CREATE INDEX advertisers_by_words ON advertisers
    USING gin (organization_id, name gin_trgm_ops, domain gin_trgm_ops) WHERE deleted_at IS NULL;
CREATE FUNCTION advertisers_named(pattern text) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 50 SET search_path = public, pg_temp
    AS $$
    SELECT advertiser_id FROM advertisers
    WHERE organization_id = current_organization() AND (name ILIKE $1 OR domain ILIKE $1)
      AND deleted_at IS NULL
    $$;

CREATE INDEX placements_by_words ON placements
    USING gin (organization_id, name gin_trgm_ops, key gin_trgm_ops) WHERE deleted_at IS NULL;
CREATE FUNCTION placements_named(pattern text) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 50 SET search_path = public, pg_temp
    AS $$
    SELECT placement_id FROM placements
    WHERE organization_id = current_organization() AND (name ILIKE $1 OR key ILIKE $1)
      AND deleted_at IS NULL
    $$;

-- Line items are looked for within one campaign.
CREATE INDEX line_items_by_words ON line_items USING gin (campaign_id, name gin_trgm_ops)
    WHERE deleted_at IS NULL;
CREATE FUNCTION line_items_named(campaign uuid, pattern text) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 50 SET search_path = public, pg_temp
    AS $$
    SELECT line_item_id FROM line_items
    WHERE organization_id = current_organization() AND campaign_id = $1 AND name ILIKE $2
      AND deleted_at IS NULL
    $$;

REVOKE ALL ON FUNCTION advertisers_named(text), placements_named(text),
    line_items_named(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION advertisers_named(text), placements_named(text),
    line_items_named(uuid, text) TO ctv_api;
