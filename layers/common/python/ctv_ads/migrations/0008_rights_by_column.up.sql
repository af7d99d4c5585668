-- What the API's role may write is listed column by column, so that it can neither state what was
-- billed nor date what it makes back; password hashes it gets one at a time, of one person.

REVOKE INSERT ON organizations, memberships, advertisers, placements, campaigns, line_items,
    creatives, sessions, refresh_tokens, invitations, api_keys, api_key_uses, email_tokens,
    idempotency_keys, creative_assignments FROM ctv_api;
GRANT INSERT (organization_id, name) ON organizations TO ctv_api;
GRANT INSERT (organization_id, user_id, role, advertiser_ids) ON memberships TO ctv_api;
GRANT INSERT (advertiser_id, organization_id, name, domain, product_category) ON advertisers
    TO ctv_api;
GRANT INSERT (placement_id, organization_id, key, name, app_bundle, channel, default_break_ms,
              max_ads, min_ad_ms, max_ad_ms, vast_version, floor_cpm_micros, blocked_categories,
              blocked_domains, trusted_caller) ON placements TO ctv_api;
GRANT INSERT (campaign_id, organization_id, advertiser_id, name, budget_micros, cpm_micros,
              starts_at, ends_at, timezone, created_by) ON campaigns TO ctv_api;
GRANT INSERT (line_item_id, organization_id, campaign_id, name, type, priority, is_default, status,
              rate_type, rate_micros, budget_micros, daily_budget_micros, goal_unit, goal_amount,
              pacing, starts_at, ends_at, timezone, dayparts, targeting, frequency_caps,
              separation, creative_rotation) ON line_items TO ctv_api;
-- A tag is born waiting for its check. Without facts and reasons, which are not in this list, the
-- table's own checks let nothing be born ready or rejected.
GRANT INSERT (creative_id, organization_id, campaign_id, kind, status, name, filename,
              content_type, declared_size_bytes, tag_url, click_through_url, universal_ad_id,
              trackers, verifications, replaces, created_by) ON creatives TO ctv_api;
GRANT INSERT (organization_id, campaign_id, line_item_id, creative_id, weight, sequence,
              starts_at, ends_at) ON creative_assignments TO ctv_api;
GRANT INSERT (organization_id, user_id, key, request_fingerprint) ON idempotency_keys TO ctv_api;
-- Their times are the application's: it is its clock by which they run out.
GRANT INSERT (session_id, organization_id, user_id, user_agent, created_at) ON sessions TO ctv_api;
GRANT INSERT (token_hash, organization_id, session_id, issued_at, expires_at) ON refresh_tokens
    TO ctv_api;
GRANT INSERT (invitation_id, organization_id, email, role, advertiser_ids, token_hash, invited_by,
              created_at, expires_at) ON invitations TO ctv_api;
GRANT INSERT (api_key_id, organization_id, name, role, prefix, token_hash, created_by, created_at,
              expires_at) ON api_keys TO ctv_api;
GRANT INSERT (api_key_id, organization_id, last_used_at) ON api_key_uses TO ctv_api;
GRANT INSERT (token_hash, organization_id, user_id, purpose, created_at, expires_at)
    ON email_tokens TO ctv_api;

-- Hashes of passwords and keys are read through the doors only.
REVOKE SELECT ON users, api_keys, invitations FROM ctv_api;
GRANT SELECT (user_id, email, name, created_at, version, updated_at, password_changed_at,
              email_verified_at) ON users TO ctv_api;
GRANT SELECT (api_key_id, organization_id, name, role, prefix, created_by, created_at, expires_at,
              deleted_at) ON api_keys TO ctv_api;
GRANT SELECT (invitation_id, organization_id, email, role, advertiser_ids, invited_by, created_at,
              expires_at, accepted_at, deleted_at) ON invitations TO ctv_api;

-- Who acts, in the organization they act for.
CREATE FUNCTION own_account()
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
    WHERE u.user_id = nullif(current_setting('app.user_id', true), '')::uuid
      AND m.organization_id = current_organization()
    $$;

-- Copies a campaign of the organization with all its columns, whatever columns there are: rows are
-- copied by jsonb_populate_record, which takes a row and changes what is named. Returns the copy's
-- id, or null without such a campaign.
CREATE FUNCTION copy_campaign(original uuid, copy_name text, made_at timestamptz) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    made uuid := uuidv7();
    fresh jsonb := jsonb_build_object(
        'campaign_id', made, 'version', 1, 'created_at', made_at, 'updated_at', made_at
    );
    own jsonb := fresh || jsonb_build_object('created_by', current_setting('app.user_id'));
    items uuid[];
    copied_items uuid[];
    films uuid[];
    copied_films uuid[];
BEGIN
    INSERT INTO campaigns
    SELECT copy.* FROM campaigns c
    CROSS JOIN LATERAL jsonb_populate_record(c, own || jsonb_build_object(
        'name', copy_name, 'status', 'draft', 'billed_micros', 0
    )) AS copy
    WHERE c.campaign_id = original AND c.organization_id = current_organization()
      AND c.deleted_at IS NULL;
    IF NOT FOUND THEN RETURN NULL; END IF;

    items := ARRAY(
        SELECT line_item_id FROM line_items
        WHERE campaign_id = original AND deleted_at IS NULL ORDER BY line_item_id
    );
    copied_items := ARRAY(SELECT uuidv7() FROM unnest(items));
    INSERT INTO line_items
    SELECT copy.* FROM unnest(items, copied_items) AS pair (old_id, new_id)
    JOIN line_items l ON l.line_item_id = pair.old_id
    CROSS JOIN LATERAL jsonb_populate_record(l, fresh || jsonb_build_object(
        'line_item_id', pair.new_id, 'billed_micros', 0
    )) AS copy;

    films := ARRAY(
        SELECT creative_id FROM creatives
        WHERE campaign_id = original AND status = 'ready' AND deleted_at IS NULL
        ORDER BY creative_id
    );
    copied_films := ARRAY(SELECT uuidv7() FROM unnest(films));
    INSERT INTO creatives
    SELECT copy.* FROM unnest(films, copied_films) AS pair (old_id, new_id)
    JOIN creatives r ON r.creative_id = pair.old_id
    CROSS JOIN LATERAL jsonb_populate_record(r, own || jsonb_build_object(
        'creative_id', pair.new_id, 'replaces', NULL
    )) AS copy;

    INSERT INTO creative_assignments
    SELECT copy.* FROM creative_assignments a
    JOIN unnest(items, copied_items) AS item (old_id, new_id) ON item.old_id = a.line_item_id
    JOIN unnest(films, copied_films) AS film (old_id, new_id) ON film.old_id = a.creative_id
    CROSS JOIN LATERAL jsonb_populate_record(a, jsonb_build_object(
        'campaign_id', made, 'line_item_id', item.new_id, 'creative_id', film.new_id
    )) AS copy;
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION own_account(), copy_campaign(uuid, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION own_account(), copy_campaign(uuid, text, timestamptz) TO ctv_api;
