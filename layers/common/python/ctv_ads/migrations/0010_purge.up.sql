-- What has served its time is removed, in batches, by functions that the pipeline's role may call;
-- it may delete nothing else. Rows that another purge holds are left to that one. Nothing is
-- removed before it is over, whatever moment the caller names.

CREATE INDEX idempotency_keys_by_time ON idempotency_keys (created_at);
CREATE INDEX refresh_tokens_by_end ON refresh_tokens (expires_at);
CREATE INDEX sessions_by_time ON sessions (created_at);
CREATE INDEX sessions_by_end ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;
CREATE INDEX email_tokens_by_time ON email_tokens (created_at);
CREATE INDEX invitations_by_time ON invitations (created_at);

-- Only purges delete sessions and invitations. That they ran their course is no act of anybody,
-- and what people did to them stays in the audit.
DROP TRIGGER audit ON sessions;
CREATE TRIGGER audit AFTER INSERT OR UPDATE ON sessions
    FOR EACH ROW EXECUTE FUNCTION audit('session', 'session_id');
DROP TRIGGER audit ON invitations;
CREATE TRIGGER audit AFTER INSERT OR UPDATE ON invitations
    FOR EACH ROW EXECUTE FUNCTION audit('invitation', 'invitation_id');

CREATE FUNCTION purge_idempotency_keys(over_before timestamptz, most integer) RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    WITH gone AS (
        DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM idempotency_keys
            WHERE created_at < least($1, clock_timestamp())
            ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )) RETURNING 1
    )
    SELECT count(*) FROM gone
    $$;

-- Expired refresh tokens: from then on there is nothing that a copy of one could be used for.
CREATE FUNCTION purge_refresh_tokens(over_before timestamptz, most integer) RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    WITH gone AS (
        DELETE FROM refresh_tokens WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM refresh_tokens
            WHERE expires_at < least($1, clock_timestamp())
            ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )) RETURNING 1
    )
    SELECT count(*) FROM gone
    $$;

-- Sessions that were ended, with what is left of their tokens, and those that ran out of tokens.
CREATE FUNCTION purge_sessions(over_before timestamptz, most integer) RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    WITH over AS (
        SELECT s.session_id FROM sessions s
        WHERE s.revoked_at < least($1, clock_timestamp())
           OR (s.created_at < least($1, clock_timestamp()) AND NOT EXISTS (
               SELECT FROM refresh_tokens t WHERE t.session_id = s.session_id
           ))
        LIMIT $2 FOR UPDATE OF s SKIP LOCKED
    ), tokens AS (
        DELETE FROM refresh_tokens t USING over WHERE t.session_id = over.session_id
    ), gone AS (
        DELETE FROM sessions s USING over WHERE s.session_id = over.session_id RETURNING 1
    )
    SELECT count(*) FROM gone
    $$;

CREATE FUNCTION purge_email_tokens(over_before timestamptz, most integer) RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    WITH gone AS (
        DELETE FROM email_tokens WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM email_tokens
            WHERE created_at < $1 AND least(used_at, expires_at) < least($1, clock_timestamp())
            ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )) RETURNING 1
    )
    SELECT count(*) FROM gone
    $$;

CREATE FUNCTION purge_invitations(over_before timestamptz, most integer) RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    WITH gone AS (
        DELETE FROM invitations WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM invitations
            WHERE created_at < $1
              AND least(accepted_at, deleted_at, expires_at) < least($1, clock_timestamp())
            ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )) RETURNING 1
    )
    SELECT count(*) FROM gone
    $$;

REVOKE ALL ON FUNCTION purge_idempotency_keys(timestamptz, integer),
    purge_refresh_tokens(timestamptz, integer), purge_sessions(timestamptz, integer),
    purge_email_tokens(timestamptz, integer), purge_invitations(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purge_idempotency_keys(timestamptz, integer),
    purge_refresh_tokens(timestamptz, integer), purge_sessions(timestamptz, integer),
    purge_email_tokens(timestamptz, integer), purge_invitations(timestamptz, integer)
    TO ctv_pipeline;

-- Files of creatives: a file that nothing plays any more is removed, and its creatives forget it.
-- A deleted creative keeps the status it had.
ALTER TABLE creatives
    DROP CONSTRAINT ready_means_measured,
    ADD CONSTRAINT ready_means_measured CHECK (
        status <> 'ready' OR deleted_at IS NOT NULL OR (
            facts IS NOT NULL
            AND (kind = 'vast_tag' OR (media_sha256 IS NOT NULL AND media_key IS NOT NULL))
        )
    );
CREATE INDEX creatives_of_media ON creatives (media_key) WHERE media_key IS NOT NULL;
CREATE INDEX creatives_out_of_use ON creatives ((coalesce(deleted_at, updated_at)))
    WHERE media_key IS NOT NULL AND (status <> 'ready' OR deleted_at IS NOT NULL);
