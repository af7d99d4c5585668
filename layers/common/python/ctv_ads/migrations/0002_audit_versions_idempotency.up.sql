-- Every write leaves an audit event in its own transaction, written by a trigger, so that no
-- code path can forget it. Who and which request come from the transaction's settings.

CREATE TABLE audit_events (
    audit_event_id uuid PRIMARY KEY DEFAULT uuidv7(),
    organization_id uuid NOT NULL REFERENCES organizations,
    occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Without an actor it was the system, such as the validation of an upload.
    actor_id uuid REFERENCES users (user_id),
    request_id text,
    action text NOT NULL CHECK (action IN ('create', 'update', 'delete')),
    entity text NOT NULL,
    entity_id uuid NOT NULL,
    before jsonb,
    after jsonb
);
CREATE INDEX audit_events_newest ON audit_events (organization_id, audit_event_id DESC);
CREATE INDEX audit_events_entity ON audit_events (organization_id, entity, entity_id, audit_event_id DESC);

-- Called with the entity's name and its id column. What only counts (billed_micros, version,
-- updated_at) is no change, and no column that ends in _hash is ever kept.
CREATE FUNCTION audit() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    was jsonb;
    is_now jsonb;
    what text := 'update';
BEGIN
    IF TG_OP <> 'INSERT' THEN was := audited(to_jsonb(OLD)); END IF;
    IF TG_OP <> 'DELETE' THEN is_now := audited(to_jsonb(NEW)); END IF;
    IF was IS NOT DISTINCT FROM is_now THEN RETURN NULL; END IF;
    IF was IS NULL THEN
        what := 'create';
    ELSIF is_now IS NULL
          OR (was ->> 'deleted_at' IS NULL AND is_now ->> 'deleted_at' IS NOT NULL) THEN
        what := 'delete';
    END IF;
    INSERT INTO audit_events
        (organization_id, actor_id, request_id, action, entity, entity_id, before, after)
    VALUES (
        (coalesce(is_now, was) ->> 'organization_id')::uuid,
        nullif(current_setting('app.user_id', true), '')::uuid,
        nullif(current_setting('app.request_id', true), ''),
        what, TG_ARGV[0], (coalesce(is_now, was) ->> TG_ARGV[1])::uuid, was, is_now
    );
    RETURN NULL;
END $$;

CREATE FUNCTION audited(stored jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT jsonb_object_agg(key, value) FROM jsonb_each(stored)
    WHERE key NOT IN ('billed_micros', 'version', 'updated_at') AND key NOT LIKE '%\_hash'
    $$;

-- Makes a tenant table audited, and its rows separated by organization.
CREATE FUNCTION audit_table(audited_table text, entity text, id_column text) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    EXECUTE format(
        'CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON %I '
        'FOR EACH ROW EXECUTE FUNCTION audit(%L, %L)',
        audited_table, entity, id_column
    );
END $$;

CREATE FUNCTION separate_tenants(tenant_table text) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format(
        'CREATE POLICY one_organization ON %I TO ctv_api '
        'USING (organization_id = current_organization()) '
        'WITH CHECK (organization_id = current_organization())',
        tenant_table
    );
    EXECUTE format(
        'CREATE POLICY all_organizations ON %I TO ctv_pipeline USING (true) WITH CHECK (true)',
        tenant_table
    );
END $$;
REVOKE ALL ON FUNCTION audit_table(text, text, text), separate_tenants(text) FROM PUBLIC;

SELECT audit_table('organizations', 'organization', 'organization_id');
SELECT audit_table('memberships', 'membership', 'user_id');
SELECT audit_table('advertisers', 'advertiser', 'advertiser_id');
SELECT audit_table('placements', 'placement', 'placement_id');
SELECT audit_table('campaigns', 'campaign', 'campaign_id');
SELECT audit_table('line_items', 'line_item', 'line_item_id');
SELECT audit_table('creatives', 'creative', 'creative_id');

-- What was already answered to a create with this key.
CREATE TABLE idempotency_keys (
    organization_id uuid NOT NULL REFERENCES organizations,
    user_id uuid NOT NULL REFERENCES users,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request_fingerprint text NOT NULL,
    -- Null only inside the transaction that does the work.
    status smallint,
    body text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, user_id, key)
);

SELECT separate_tenants('audit_events');
SELECT separate_tenants('idempotency_keys');
GRANT SELECT ON audit_events TO ctv_api;
GRANT SELECT, INSERT, UPDATE (status, body) ON idempotency_keys TO ctv_api;

-- Versions, by which a stale edit is told from a fresh one.
ALTER TABLE advertisers ADD COLUMN version integer NOT NULL DEFAULT 1,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE placements ADD COLUMN version integer NOT NULL DEFAULT 1,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE line_items ADD COLUMN version integer NOT NULL DEFAULT 1,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE creatives ADD COLUMN version integer NOT NULL DEFAULT 1;
