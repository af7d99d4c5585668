DROP FUNCTION copy_campaign(uuid, text, timestamptz);
DROP FUNCTION own_account();
-- Revoking from a table revokes from its columns too.
REVOKE SELECT ON users, api_keys, invitations FROM ctv_api;
GRANT SELECT ON users, api_keys, invitations TO ctv_api;
REVOKE INSERT ON organizations, memberships, advertisers, placements, campaigns, line_items,
    creatives, sessions, refresh_tokens, invitations, api_keys, api_key_uses, email_tokens,
    idempotency_keys, creative_assignments FROM ctv_api;
GRANT INSERT ON organizations, memberships, advertisers, placements, campaigns, line_items,
    creatives, sessions, refresh_tokens, invitations, api_keys, api_key_uses, email_tokens,
    idempotency_keys, creative_assignments TO ctv_api;
