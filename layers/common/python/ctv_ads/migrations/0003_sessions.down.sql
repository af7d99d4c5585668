DROP POLICY own_advertisers ON campaign_daily_stats;
DROP POLICY own_advertisers ON creatives;
DROP POLICY own_advertisers ON line_items;
DROP POLICY own_advertisers ON campaigns;
DROP POLICY own_advertisers ON advertisers;
DROP FUNCTION current_advertisers();
DROP FUNCTION api_key_by_prefix(text);
DROP FUNCTION email_token_owner(text);
DROP FUNCTION invitation_by_token(text);
DROP FUNCTION session_by_token(text);
DROP FUNCTION person_by_email(text);
DROP FUNCTION account_by_email(text, uuid);
DROP TRIGGER audit ON users;
DROP FUNCTION audit_person();
DROP TABLE email_tokens, api_key_uses, api_keys, invitations, refresh_tokens, sessions;
REVOKE INSERT, DELETE ON memberships FROM ctv_api;
REVOKE UPDATE (role, advertiser_ids) ON memberships FROM ctv_api;
REVOKE INSERT ON organizations FROM ctv_api;
REVOKE UPDATE (name) ON organizations FROM ctv_api;
DROP POLICY oneself ON users;
DROP POLICY anybody_registers ON users;
REVOKE INSERT (user_id, email, name, password_hash, email_verified_at) ON users FROM ctv_api;
REVOKE UPDATE (name, password_hash, password_changed_at, email_verified_at, version, updated_at)
    ON users FROM ctv_api;
ALTER TABLE memberships DROP COLUMN advertiser_ids;
ALTER TABLE users
    DROP CONSTRAINT users_name_has_a_length,
    DROP COLUMN email_verified_at, DROP COLUMN password_changed_at, DROP COLUMN updated_at,
    DROP COLUMN version;
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
GRANT EXECUTE ON FUNCTION account_by_email(text) TO ctv_api;
