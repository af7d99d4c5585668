"""Why messages were refused, for whoever looks into the dead-letter queue."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from ctv_ads.adapters.postgres.database import Database

_NOTE = """
INSERT INTO refused_messages AS r (message_id, queue, reason, refused_at)
SELECT message_id, %s, reason, %s
FROM unnest(%s::text[], %s::text[]) AS u (message_id, reason) ORDER BY message_id
ON CONFLICT (message_id) DO UPDATE SET
    reason = excluded.reason, refused_at = excluded.refused_at, times = r.times + 1"""
_REASONS = """
SELECT message_id, reason FROM refused_messages WHERE message_id = ANY (%s)"""
# No queue keeps a message for longer than 14 days, its dead letters for another 14.
_FORGET = "DELETE FROM refused_messages WHERE refused_at < %s - interval '28 days'"


class PostgresRefusedMessages:
    """Implements `ports.RefusedMessages`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, queue: str, reasons: Mapping[str, str], *, now: datetime) -> None:
        """Keep why each message, by its id, was refused; what is old is forgotten."""
        if not reasons:
            return
        with self._database.transaction() as connection:
            connection.execute(_NOTE, (queue, now, list(reasons), list(reasons.values())))
            connection.execute(_FORGET, (now,))

    def reasons(self, message_ids: Sequence[str]) -> Mapping[str, str]:
        """Return why each of these was refused, as far as it is known."""
        with self._database.transaction() as connection:
            rows = connection.execute(_REASONS, (list(message_ids),)).fetchall()
        return {row["message_id"]: row["reason"] for row in rows}
