"""Answers given to creates with an idempotency key."""

from psycopg.types.json import Jsonb

from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.domain.access import Caller
from ctv_ads.ports.control_plane import GivenAnswer

_CLAIM = """
INSERT INTO idempotency_keys (organization_id, user_id, key, request_fingerprint)
VALUES (%(organization_id)s, %(user_id)s, %(key)s, %(fingerprint)s)
ON CONFLICT DO NOTHING"""
_FIND = """
SELECT request_fingerprint, status, body, headers FROM idempotency_keys
WHERE user_id = %(user_id)s AND key = %(key)s"""
_KEEP = """
UPDATE idempotency_keys SET status = %(status)s, body = %(body)s, headers = %(headers)s
WHERE user_id = %(user_id)s AND key = %(key)s"""


class PostgresIdempotencyKeys:
    """Implements `ports.IdempotencyKeys`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claim(self, caller: Caller, key: str, fingerprint: str) -> GivenAnswer | None:
        """Take the key for this transaction, or return what was answered under it before."""
        values = {
            "organization_id": caller.organization_id,
            "user_id": caller.user_id,
            "key": key,
            "fingerprint": fingerprint,
        }
        # Waits here while another transaction holds the same key.
        if self._connection.execute(_CLAIM, values).rowcount == 1:
            return None
        row = self._connection.execute(_FIND, values).fetchone() or {}
        return GivenAnswer(row["request_fingerprint"], row["status"], row["body"], row["headers"])

    def keep(self, caller: Caller, key: str, answer: GivenAnswer) -> None:
        """Keep the answer under the key that this transaction holds."""
        values = {
            "user_id": caller.user_id,
            "key": key,
            "status": answer.status,
            "body": answer.body,
            "headers": Jsonb(answer.headers),
        }
        self._connection.execute(_KEEP, values)
