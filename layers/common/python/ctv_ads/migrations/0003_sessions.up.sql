-- Sessions with rotating refresh tokens, invitations, API keys, tokens sent by email.
--
-- Tokens are 256 random bits, so their SHA-256 is kept: there is nothing to guess from it.
-- What comes before an organization is known goes through narrow doors (SECURITY DEFINER
-- functions), each of which answers only to one who holds the token.

ALTER TABLE users
    ADD COLUMN version integer NOT NULL DEFAULT 1,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN password_changed_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN email_verified_at timestamptz,
    ADD CONSTRAINT users_name_has_a_length CHECK (length(name) BETWEEN 1 AND 200);
UPDATE users SET email_verified_at = created_at;

-- A viewer may be bound to some advertisers; null means all of them.
ALTER TABLE memberships ADD COLUMN advertiser_ids uuid[],
    ADD CONSTRAINT only_viewers_are_scoped CHECK (advertiser_ids IS NULL OR role = 'viewer');

-- One signing in is one session; its refresh tokens are a family.
CREATE TABLE sessions (
    session_id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    user_id uuid NOT NULL REFERENCES users,
    user_agent text NOT NULL DEFAULT '' CHECK (length(user_agent) <= 200),
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_because text CHECK (
        revoked_because IN ('logout', 'reuse', 'password_changed', 'password_reset', 'removed')
    ),
    CONSTRAINT revoked_says_why CHECK ((revoked_at IS NULL) = (revoked_because IS NULL))
);
CREATE INDEX sessions_person ON sessions (user_id, organization_id) WHERE revoked_at IS NULL;

CREATE TABLE refresh_tokens (
    token_hash char(64) PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    session_id uuid NOT NULL REFERENCES sessions,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

CREATE TABLE invitations (
    invitation_id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    email text NOT NULL CHECK (email = lower(email)),
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'trafficker', 'analyst', 'viewer')),
    advertiser_ids uuid[] CHECK (advertiser_ids IS NULL OR role = 'viewer'),
    token_hash char(64) NOT NULL UNIQUE,
    invited_by uuid NOT NULL REFERENCES users (user_id),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    deleted_at timestamptz
);
CREATE UNIQUE INDEX invitations_one_open ON invitations (organization_id, email)
    WHERE accepted_at IS NULL AND deleted_at IS NULL;

CREATE TABLE api_keys (
    api_key_id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'trafficker', 'analyst', 'viewer')),
    prefix text NOT NULL UNIQUE CHECK (prefix ~ '^[a-z2-7]{12}$'),
    token_hash char(64) NOT NULL,
    created_by uuid NOT NULL REFERENCES users (user_id),
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    deleted_at timestamptz
);
CREATE INDEX api_keys_organization ON api_keys (organization_id, api_key_id DESC)
    WHERE deleted_at IS NULL;
-- Apart from its key, so that using a key is no change of it for the audit.
CREATE TABLE api_key_uses (
    api_key_id uuid PRIMARY KEY REFERENCES api_keys,
    organization_id uuid NOT NULL REFERENCES organizations,
    last_used_at timestamptz NOT NULL
);

-- Proofs of holding an address: reset a password, verify an email.
CREATE TABLE email_tokens (
    token_hash char(64) PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    user_id uuid NOT NULL REFERENCES users,
    purpose text NOT NULL CHECK (purpose IN ('reset_password', 'verify_email')),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX email_tokens_person ON email_tokens (user_id, purpose) WHERE used_at IS NULL;

SELECT separate_tenants(name) FROM unnest(ARRAY[
    'sessions', 'refresh_tokens', 'invitations', 'api_keys', 'api_key_uses', 'email_tokens'
]) AS name;
SELECT audit_table('sessions', 'session', 'session_id');
SELECT audit_table('invitations', 'invitation', 'invitation_id');
SELECT audit_table('api_keys', 'api_key', 'api_key_id');

-- A person belongs to no single organization: their change is told to the one they act for.
CREATE FUNCTION audit_person() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
BEGIN
    IF current_organization() IS NOT NULL
       AND audited(to_jsonb(OLD)) IS DISTINCT FROM audited(to_jsonb(NEW)) THEN
        INSERT INTO audit_events
            (organization_id, actor_id, request_id, action, entity, entity_id, before, after)
        VALUES (
            current_organization(),
            nullif(current_setting('app.user_id', true), '')::uuid,
            nullif(current_setting('app.request_id', true), ''),
            'update', 'user', NEW.user_id, audited(to_jsonb(OLD)), audited(to_jsonb(NEW))
        );
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER audit AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION audit_person();

-- The doors.
DROP FUNCTION account_by_email(text);
CREATE FUNCTION account_by_email(wanted text, wanted_organization uuid DEFAULT NULL)
    RETURNS TABLE (
        user_id uuid, organization_id uuid, organization_name text, role text, email text,
        name text, password_hash text, version integer, email_verified boolean,
        advertiser_ids uuid[]
    )
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT u.user_id, m.organization_id, o.name, m.role, u.email, u.name, u.password_hash,
           u.version, u.email_verified_at IS NOT NULL, m.advertiser_ids
    FROM users u
    JOIN memberships m USING (user_id)
    JOIN organizations o USING (organization_id)
    WHERE u.email = lower(wanted)
      AND (wanted_organization IS NULL OR m.organization_id = wanted_organization)
    ORDER BY m.created_at, m.organization_id
    LIMIT 1
    $$;
-- Also a person who belongs to no organization any more, who may be invited again.
CREATE FUNCTION person_by_email(wanted text)
    RETURNS TABLE (user_id uuid, password_hash text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT u.user_id, u.password_hash FROM users u WHERE u.email = lower(wanted) $$;
CREATE FUNCTION session_by_token(wanted_hash text)
    RETURNS TABLE (session_id uuid, organization_id uuid, user_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT s.session_id, s.organization_id, s.user_id
    FROM refresh_tokens t JOIN sessions s USING (session_id)
    WHERE t.token_hash = wanted_hash
    $$;
CREATE FUNCTION invitation_by_token(wanted_hash text)
    RETURNS TABLE (invitation_id uuid, organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT i.invitation_id, i.organization_id FROM invitations i WHERE i.token_hash = wanted_hash
    $$;
CREATE FUNCTION email_token_owner(wanted_hash text)
    RETURNS TABLE (user_id uuid, organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT t.user_id, t.organization_id FROM email_tokens t WHERE t.token_hash = wanted_hash
    $$;
-- A key works for as long as the person who made it belongs to the organization.
CREATE FUNCTION api_key_by_prefix(wanted text)
    RETURNS TABLE (
        api_key_id uuid, organization_id uuid, user_id uuid, key_role text, maker_role text,
        advertiser_ids uuid[], token_hash text, expires_at timestamptz, last_used_at timestamptz
    )
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    SELECT k.api_key_id, k.organization_id, k.created_by, k.role, m.role, m.advertiser_ids,
           k.token_hash, k.expires_at, u.last_used_at
    FROM api_keys k
    JOIN memberships m ON m.organization_id = k.organization_id AND m.user_id = k.created_by
    LEFT JOIN api_key_uses u ON u.api_key_id = k.api_key_id
    WHERE k.prefix = wanted AND k.deleted_at IS NULL
    $$;
REVOKE ALL ON FUNCTION account_by_email(text, uuid), person_by_email(text),
    session_by_token(text), invitation_by_token(text), email_token_owner(text),
    api_key_by_prefix(text), audit_person() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION account_by_email(text, uuid), person_by_email(text),
    session_by_token(text), invitation_by_token(text), email_token_owner(text),
    api_key_by_prefix(text) TO ctv_api;

-- Rights. One changes oneself only; the rest of one's organization is seen.
GRANT INSERT (user_id, email, name, password_hash, email_verified_at) ON users TO ctv_api;
GRANT UPDATE (name, password_hash, password_changed_at, email_verified_at, version, updated_at)
    ON users TO ctv_api;
CREATE POLICY anybody_registers ON users FOR INSERT TO ctv_api WITH CHECK (true);
CREATE POLICY oneself ON users FOR UPDATE TO ctv_api
    USING (user_id = nullif(current_setting('app.user_id', true), '')::uuid);
GRANT INSERT ON organizations TO ctv_api;
GRANT UPDATE (name) ON organizations TO ctv_api;
GRANT INSERT, DELETE, UPDATE (role, advertiser_ids) ON memberships TO ctv_api;
GRANT SELECT, INSERT, UPDATE (revoked_at, revoked_because) ON sessions TO ctv_api;
GRANT SELECT, INSERT, UPDATE (used_at) ON refresh_tokens TO ctv_api;
GRANT SELECT, INSERT, UPDATE (accepted_at, deleted_at) ON invitations TO ctv_api;
GRANT SELECT, INSERT, UPDATE (deleted_at) ON api_keys TO ctv_api;
GRANT SELECT, INSERT, UPDATE (last_used_at) ON api_key_uses TO ctv_api;
GRANT SELECT, INSERT, UPDATE (used_at) ON email_tokens TO ctv_api;

-- A viewer who is bound to advertisers sees theirs only, whichever statement asks. The settings
-- are read once per statement, not once per row.
CREATE FUNCTION current_advertisers() RETURNS uuid[]
    LANGUAGE sql STABLE
    AS $$ SELECT nullif(current_setting('app.advertiser_ids', true), '')::uuid[] $$;
CREATE POLICY own_advertisers ON advertisers AS RESTRICTIVE TO ctv_api USING (
    (SELECT current_advertisers() IS NULL) OR advertiser_id = ANY ((SELECT current_advertisers())::uuid[])
);
CREATE POLICY own_advertisers ON campaigns AS RESTRICTIVE TO ctv_api USING (
    (SELECT current_advertisers() IS NULL) OR advertiser_id = ANY ((SELECT current_advertisers())::uuid[])
);
CREATE POLICY own_advertisers ON line_items AS RESTRICTIVE TO ctv_api USING (
    (SELECT current_advertisers() IS NULL) OR campaign_id IN (SELECT campaign_id FROM campaigns)
);
CREATE POLICY own_advertisers ON creatives AS RESTRICTIVE TO ctv_api USING (
    (SELECT current_advertisers() IS NULL) OR campaign_id IN (SELECT campaign_id FROM campaigns)
);
CREATE POLICY own_advertisers ON campaign_daily_stats AS RESTRICTIVE TO ctv_api USING (
    (SELECT current_advertisers() IS NULL) OR campaign_id IN (SELECT campaign_id FROM campaigns)
);
