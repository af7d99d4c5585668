DROP INDEX creatives_out_of_use, creatives_of_media;
-- Deleted creatives whose files are gone cannot be called ready by the older rule.
UPDATE creatives SET status = 'archived'
WHERE status = 'ready' AND deleted_at IS NOT NULL AND kind = 'video' AND media_key IS NULL;
ALTER TABLE creatives
    DROP CONSTRAINT ready_means_measured,
    ADD CONSTRAINT ready_means_measured CHECK (
        status <> 'ready' OR (
            facts IS NOT NULL
            AND (kind = 'vast_tag' OR (media_sha256 IS NOT NULL AND media_key IS NOT NULL))
        )
    );
DROP FUNCTION purge_invitations(timestamptz, integer);
DROP FUNCTION purge_email_tokens(timestamptz, integer);
DROP FUNCTION purge_sessions(timestamptz, integer);
DROP FUNCTION purge_refresh_tokens(timestamptz, integer);
DROP FUNCTION purge_idempotency_keys(timestamptz, integer);
DROP TRIGGER audit ON invitations;
SELECT audit_table('invitations', 'invitation', 'invitation_id');
DROP TRIGGER audit ON sessions;
SELECT audit_table('sessions', 'session', 'session_id');
DROP INDEX invitations_by_time, email_tokens_by_time, sessions_by_end, sessions_by_time,
    refresh_tokens_by_end, idempotency_keys_by_time;
