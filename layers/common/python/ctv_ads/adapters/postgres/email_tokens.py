"""Tokens sent by email; of each only the hash."""

from datetime import datetime

from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.domain.ids import UserId
from ctv_ads.domain.people import EmailPurpose

_OUTDATE = """
UPDATE email_tokens SET used_at = %s WHERE user_id = %s AND purpose = %s AND used_at IS NULL"""
_ADD = """
INSERT INTO email_tokens (token_hash, organization_id, user_id, purpose, created_at, expires_at)
VALUES (%s, current_organization(), %s, %s, %s, %s)"""
_USE = """
UPDATE email_tokens SET used_at = %(now)s
WHERE token_hash = %(hash)s AND purpose = %(purpose)s AND used_at IS NULL
  AND expires_at > %(now)s"""


class PostgresEmailTokens:
    """Implements `ports.EmailTokens`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self,
        user_id: UserId,
        purpose: EmailPurpose,
        token_hash: str,
        *,
        now: datetime,
        expires_at: datetime,
    ) -> None:
        """Store a token; earlier ones for the same purpose are no longer good."""
        self._connection.execute(_OUTDATE, (now, user_id, purpose.value))
        self._connection.execute(_ADD, (token_hash, user_id, purpose.value, now, expires_at))

    def use(self, token_hash: str, purpose: EmailPurpose, now: datetime) -> bool:
        """Use a token up; tell whether it was good."""
        values = {"now": now, "hash": token_hash, "purpose": purpose.value}
        return self._connection.execute(_USE, values).rowcount > 0
