-- Who changes or resets their password ends their sessions wherever they have them: whoever knows
-- the old password may have signed in to any of a person's organizations. Each organization's audit
-- tells of its own. Returns the sessions that ended now.
CREATE FUNCTION end_own_sessions(because text, ended_at timestamptz, kept text) RETURNS SETOF uuid
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
    UPDATE sessions SET revoked_at = ended_at, revoked_because = because
    WHERE user_id = nullif(current_setting('app.user_id', true), '')::uuid
      AND session_id::text <> kept AND revoked_at IS NULL
    RETURNING session_id
    $$;
REVOKE ALL ON FUNCTION end_own_sessions(text, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION end_own_sessions(text, timestamptz, text) TO ctv_api;
