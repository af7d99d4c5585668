-- Lists that stay fast: one index per order and filter, each led by the organization, because
-- row-level security asks for the organization in every statement.

CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

-- No index holds billed_micros: billing updates it all the time, and may do so in place only
-- while no index needs to know.
CREATE INDEX campaigns_by_creation ON campaigns (organization_id, created_at, campaign_id)
    WHERE deleted_at IS NULL;
CREATE INDEX campaigns_by_name ON campaigns (organization_id, lower(name), campaign_id)
    WHERE deleted_at IS NULL;
CREATE INDEX campaigns_by_start ON campaigns (organization_id, starts_at, campaign_id)
    WHERE deleted_at IS NULL;
CREATE INDEX campaigns_by_end ON campaigns (organization_id, ends_at, campaign_id)
    WHERE deleted_at IS NULL;
CREATE INDEX campaigns_by_budget ON campaigns (organization_id, budget_micros, campaign_id)
    WHERE deleted_at IS NULL;
CREATE INDEX campaigns_by_status ON campaigns (organization_id, status, campaign_id)
    WHERE deleted_at IS NULL;
CREATE INDEX campaigns_by_advertiser ON campaigns (organization_id, advertiser_id, campaign_id)
    WHERE deleted_at IS NULL;
CREATE INDEX campaigns_by_words ON campaigns USING gin (organization_id, name gin_trgm_ops)
    WHERE deleted_at IS NULL;

-- ILIKE is not leakproof, so under row-level security PostgreSQL compares names only after it
-- has read all rows of the organization. This function, which keeps to the organization
-- itself, may use the index.
CREATE FUNCTION campaigns_named(pattern text) RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 50 SET search_path = public, pg_temp
    AS $$
    SELECT campaign_id FROM campaigns
    WHERE organization_id = current_organization() AND name ILIKE $1 AND deleted_at IS NULL
    $$;
REVOKE ALL ON FUNCTION campaigns_named(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION campaigns_named(text) TO ctv_api;

CREATE INDEX audit_events_by_time ON audit_events (organization_id, occurred_at, audit_event_id);
CREATE INDEX audit_events_by_actor
    ON audit_events (organization_id, actor_id, occurred_at, audit_event_id);
CREATE INDEX audit_events_by_request ON audit_events (organization_id, request_id);

-- Ends the campaigns that can deliver nothing more. The pipeline may end them and cannot
-- change a status in any other way. Rows that are being billed right now are left to the next
-- minute: waiting for them here would hold up the publication.
CREATE FUNCTION complete_campaigns(as_of timestamptz) RETURNS SETOF uuid
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    WITH over AS (
        SELECT c.campaign_id FROM campaigns c
        WHERE c.status = 'active' AND c.deleted_at IS NULL AND (
            c.ends_at <= $1
            OR c.budget_micros - c.billed_micros < (
                -- What the cheapest line item takes at a time: an impression, a completed
                -- view, or any part of a flat price.
                SELECT coalesce(min(CASE l.rate_type
                    WHEN 'cpm' THEN coalesce(l.rate_micros, c.cpm_micros) / 1000
                    WHEN 'cpcv' THEN l.rate_micros
                    ELSE 1
                END), c.cpm_micros / 1000)
                FROM line_items l
                WHERE l.campaign_id = c.campaign_id AND l.deleted_at IS NULL
            )
        )
        ORDER BY c.campaign_id
        FOR UPDATE OF c SKIP LOCKED
    )
    UPDATE campaigns c SET status = 'completed', version = c.version + 1, updated_at = $1
    FROM over WHERE c.campaign_id = over.campaign_id
    RETURNING c.campaign_id
    $$;
REVOKE ALL ON FUNCTION complete_campaigns(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION complete_campaigns(timestamptz) TO ctv_pipeline;

-- A repeated create gets the headers of the first answer too, such as its ETag.
ALTER TABLE idempotency_keys ADD COLUMN headers jsonb NOT NULL DEFAULT '{}';
GRANT UPDATE (headers) ON idempotency_keys TO ctv_api;
