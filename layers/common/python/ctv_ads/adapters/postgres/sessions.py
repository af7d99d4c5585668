"""Sessions and their refresh tokens, kept as hashes."""

from collections.abc import Sequence
from datetime import datetime

from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.domain.ids import UserId
from ctv_ads.domain.session import RefreshToken, Revocation, SessionId

_OPEN = """
INSERT INTO sessions (session_id, organization_id, user_id, user_agent, created_at)
VALUES (%s, current_organization(), %s, %s, %s)"""
_ADD = """
INSERT INTO refresh_tokens (token_hash, organization_id, session_id, issued_at, expires_at)
VALUES (%s, current_organization(), %s, %s, %s)"""
# The session is locked, not the token: of two that come at once, the second sees the first's use.
_LOCK = """
SELECT s.session_id FROM refresh_tokens t JOIN sessions s USING (session_id)
WHERE t.token_hash = %s FOR UPDATE OF s"""
_FIND = """
SELECT t.session_id, t.expires_at, t.used_at IS NOT NULL AS was_used,
       s.revoked_at IS NOT NULL AS session_is_revoked
FROM refresh_tokens t JOIN sessions s USING (session_id)
WHERE t.token_hash = %s"""
_USE = "UPDATE refresh_tokens SET used_at = %s WHERE token_hash = %s"
_REVOKE = """
UPDATE sessions SET revoked_at = %s, revoked_because = %s
WHERE session_id = %s AND revoked_at IS NULL"""
_REVOKE_ALL = """
UPDATE sessions SET revoked_at = %s, revoked_because = %s
WHERE user_id = %s AND revoked_at IS NULL"""
_REVOKE_OWN = "SELECT session_id FROM end_own_sessions(%s, %s, %s) AS session_id"


class PostgresSessions:
    """Implements `ports.Sessions`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(
        self, session_id: SessionId, user_id: UserId, *, user_agent: str, now: datetime
    ) -> None:
        """Store a new session."""
        self._connection.execute(_OPEN, (session_id, user_id, user_agent, now))

    def add_token(
        self, session_id: SessionId, token_hash: str, *, now: datetime, expires_at: datetime
    ) -> None:
        """Store the next refresh token of a session."""
        self._connection.execute(_ADD, (token_hash, session_id, now, expires_at))

    def token(self, token_hash: str) -> RefreshToken | None:
        """Return a refresh token, its session locked, or None."""
        self._connection.execute(_LOCK, (token_hash,))
        row = self._connection.execute(_FIND, (token_hash,)).fetchone()
        if row is None:
            return None
        return RefreshToken(
            session_id=SessionId(str(row["session_id"])),
            expires_at=row["expires_at"],
            was_used=row["was_used"],
            session_is_revoked=row["session_is_revoked"],
        )

    def use(self, token_hash: str, now: datetime) -> None:
        """Mark a refresh token as used."""
        self._connection.execute(_USE, (now, token_hash))

    def revoke(self, session_id: SessionId, because: Revocation, now: datetime) -> None:
        """End a session; one that has ended stays as it is."""
        self._connection.execute(_REVOKE, (now, because.value, session_id))

    def revoke_all(self, user_id: UserId, because: Revocation, now: datetime) -> None:
        """End every session that a person has in this organization."""
        self._connection.execute(_REVOKE_ALL, (now, because.value, user_id))

    def revoke_own(
        self, because: Revocation, now: datetime, *, but: str = ""
    ) -> Sequence[SessionId]:
        """End the acting person's sessions, in all organizations, but one; return them."""
        rows = self._connection.execute(_REVOKE_OWN, (because.value, now, but))
        return [SessionId(str(row["session_id"])) for row in rows]
