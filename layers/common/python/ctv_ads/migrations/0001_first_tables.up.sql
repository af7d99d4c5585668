-- Tenants, people, trafficking, beacons and their daily counts.
--
-- Two roles read and write: ctv_api sees one organization at a time (row-level security by
-- the transaction's app.organization_id), ctv_pipeline records and publishes for all.
-- The owner of the tables is neither.

CREATE FUNCTION current_organization() RETURNS uuid
    LANGUAGE sql STABLE
    AS $$ SELECT nullif(current_setting('app.organization_id', true), '')::uuid $$;

CREATE TABLE organizations (
    organization_id uuid PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    currency char(3) NOT NULL DEFAULT 'USD' CHECK (currency ~ '^[A-Z]{3}$'),
    timezone text NOT NULL DEFAULT 'UTC',
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE users (
    user_id uuid PRIMARY KEY,
    email text NOT NULL CHECK (email = lower(email)),
    name text NOT NULL,
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_email_key UNIQUE (email)
);

CREATE TABLE memberships (
    organization_id uuid NOT NULL REFERENCES organizations,
    user_id uuid NOT NULL REFERENCES users,
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'trafficker', 'analyst', 'viewer')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX memberships_user ON memberships (user_id);

CREATE TABLE advertisers (
    advertiser_id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    domain text,
    product_category text,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    UNIQUE (organization_id, advertiser_id)
);

CREATE TABLE placements (
    placement_id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    -- The public address of a placement, sent by devices; one name for one placement everywhere.
    key text NOT NULL UNIQUE CHECK (key ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE INDEX placements_organization ON placements (organization_id);

CREATE TABLE campaigns (
    campaign_id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    advertiser_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    status text NOT NULL DEFAULT 'draft'
        CHECK (status IN ('draft', 'active', 'paused', 'completed', 'archived')),
    budget_micros bigint NOT NULL CHECK (budget_micros >= 0),
    billed_micros bigint NOT NULL DEFAULT 0 CHECK (billed_micros >= 0),
    -- A multiple of 1,000 micros, so that one impression has an exact price.
    cpm_micros bigint NOT NULL CHECK (cpm_micros > 0 AND cpm_micros % 1000 = 0),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    timezone text NOT NULL DEFAULT 'UTC',
    version integer NOT NULL DEFAULT 1,
    created_by uuid NOT NULL REFERENCES users (user_id),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT budget_is_a_hard_limit CHECK (billed_micros <= budget_micros),
    CONSTRAINT flight_has_a_length CHECK (starts_at < ends_at),
    UNIQUE (organization_id, campaign_id),
    FOREIGN KEY (organization_id, advertiser_id) REFERENCES advertisers (organization_id, advertiser_id)
);
CREATE INDEX campaigns_newest ON campaigns (organization_id, campaign_id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX campaigns_servable ON campaigns (campaign_id)
    WHERE status = 'active' AND deleted_at IS NULL;

CREATE TABLE line_items (
    line_item_id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    campaign_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    type text NOT NULL DEFAULT 'standard'
        CHECK (type IN ('sponsorship', 'standard', 'bulk', 'price_priority', 'house')),
    priority smallint NOT NULL DEFAULT 8 CHECK (priority BETWEEN 1 AND 16),
    -- Without a rate of its own a line item sells at its campaign's CPM.
    rate_micros bigint CHECK (rate_micros > 0 AND rate_micros % 1000 = 0),
    billed_micros bigint NOT NULL DEFAULT 0 CHECK (billed_micros >= 0),
    is_default boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    FOREIGN KEY (organization_id, campaign_id) REFERENCES campaigns (organization_id, campaign_id)
);
CREATE INDEX line_items_campaign ON line_items (campaign_id);
CREATE UNIQUE INDEX line_items_one_default ON line_items (campaign_id) WHERE is_default;

CREATE TABLE creatives (
    creative_id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    campaign_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    filename text NOT NULL,
    content_type text NOT NULL,
    declared_size_bytes bigint NOT NULL CHECK (declared_size_bytes > 0),
    click_through_url text,
    status text NOT NULL DEFAULT 'uploading'
        CHECK (status IN ('uploading', 'validating', 'ready', 'rejected', 'archived')),
    facts jsonb,
    media_sha256 char(64),
    media_key text,
    rejections jsonb NOT NULL DEFAULT '[]',
    created_by uuid NOT NULL REFERENCES users (user_id),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT ready_means_measured CHECK (
        status <> 'ready' OR (facts IS NOT NULL AND media_sha256 IS NOT NULL AND media_key IS NOT NULL)
    ),
    CONSTRAINT rejected_says_why CHECK (status <> 'rejected' OR jsonb_array_length(rejections) > 0),
    FOREIGN KEY (organization_id, campaign_id) REFERENCES campaigns (organization_id, campaign_id)
);
CREATE INDEX creatives_campaign ON creatives (campaign_id);

-- Every beacon once: the first of its kind for one ad of one decision wins. The day is the
-- decision's, taken from the signed token, so that a repeat after midnight meets its first.
CREATE TABLE ad_events (
    day date NOT NULL,
    decision_id uuid NOT NULL,
    slot smallint NOT NULL,
    event text NOT NULL,
    line_item_id uuid NOT NULL,
    creative_id uuid NOT NULL,
    placement_id uuid NOT NULL,
    decided_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    price_micros bigint NOT NULL,
    billed_micros bigint NOT NULL DEFAULT 0,
    client_network text,
    user_agent_class text NOT NULL,
    vast_error_code smallint,
    PRIMARY KEY (day, decision_id, slot, event)
) PARTITION BY RANGE (day);

CREATE FUNCTION ensure_ad_event_partitions(first_day date, last_day date) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    made integer := 0;
    wanted date;
BEGIN
    -- One at a time: two callers at once must not both try to make the same partition.
    PERFORM pg_advisory_xact_lock(hashtext('ad_events partitions'));
    FOR wanted IN SELECT generate_series(first_day, last_day, interval '1 day')::date LOOP
        IF to_regclass(format('ad_events_%s', to_char(wanted, 'YYYYMMDD'))) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE ad_events_%s PARTITION OF ad_events FOR VALUES FROM (%L) TO (%L)',
                to_char(wanted, 'YYYYMMDD'), wanted, wanted + 1
            );
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;

CREATE TABLE campaign_daily_stats (
    organization_id uuid NOT NULL REFERENCES organizations,
    campaign_id uuid NOT NULL,
    line_item_id uuid NOT NULL,
    creative_id uuid NOT NULL,
    day date NOT NULL,
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
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (campaign_id, day, line_item_id, creative_id)
);

-- Signing in comes before any organization is known: one narrow door through row-level security.
CREATE FUNCTION account_by_email(wanted text)
    RETURNS TABLE (
        user_id uuid, organization_id uuid, organization_name text, role text,
        email text, name text, password_hash text
    )
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT u.user_id, m.organization_id, o.name, m.role, u.email, u.name, u.password_hash
    FROM users u
    JOIN memberships m USING (user_id)
    JOIN organizations o USING (organization_id)
    WHERE u.email = lower(wanted)
    ORDER BY m.created_at, m.organization_id
    LIMIT 1
    $$;
REVOKE ALL ON FUNCTION account_by_email(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION ensure_ad_event_partitions(date, date) FROM PUBLIC;

-- Rights of the two roles.
GRANT EXECUTE ON FUNCTION account_by_email(text) TO ctv_api;
GRANT EXECUTE ON FUNCTION ensure_ad_event_partitions(date, date) TO ctv_pipeline;
GRANT SELECT ON organizations, users, memberships, advertisers, placements, campaign_daily_stats
    TO ctv_api;
GRANT SELECT, INSERT ON campaigns, line_items, creatives TO ctv_api;
GRANT UPDATE (status, version, updated_at, deleted_at) ON campaigns TO ctv_api;
GRANT UPDATE (deleted_at) ON line_items TO ctv_api;
GRANT UPDATE (status, updated_at, deleted_at) ON creatives TO ctv_api;
GRANT SELECT ON organizations, advertisers, placements, campaigns, line_items, creatives,
    campaign_daily_stats, ad_events TO ctv_pipeline;
GRANT UPDATE (billed_micros) ON campaigns, line_items TO ctv_pipeline;
GRANT UPDATE (status, facts, media_sha256, media_key, rejections, updated_at) ON creatives
    TO ctv_pipeline;
GRANT INSERT ON ad_events TO ctv_pipeline;
GRANT INSERT, UPDATE ON campaign_daily_stats TO ctv_pipeline;

-- Row-level security: ctv_api sees the transaction's organization, ctv_pipeline all.
DO $$
DECLARE
    tenant_table text;
BEGIN
    FOREACH tenant_table IN ARRAY ARRAY[
        'organizations', 'memberships', 'advertisers', 'placements', 'campaigns', 'line_items',
        'creatives', 'campaign_daily_stats'
    ] LOOP
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
    END LOOP;
END $$;

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY members_of_the_organization ON users FOR SELECT TO ctv_api
    USING (user_id IN (SELECT user_id FROM memberships));
