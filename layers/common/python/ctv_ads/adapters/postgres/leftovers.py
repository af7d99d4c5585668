"""Rows that have served their time."""

from collections.abc import Sequence
from datetime import datetime

from ctv_ads.adapters.postgres.database import Database
from ctv_ads.ports.purge import Leftover

# When each kind is over is told by its function, in migration 0010.
_PURGE = {kind: f"SELECT purge_{kind.value}(%s, %s) AS removed" for kind in Leftover}
# A creative out of use was archived, or deleted, and never comes back; copies share one file.
_UNUSED_MEDIA = """
SELECT DISTINCT r.media_key FROM creatives r
WHERE r.media_key IS NOT NULL AND (r.status <> 'ready' OR r.deleted_at IS NOT NULL)
  AND coalesce(r.deleted_at, r.updated_at) < %(over_before)s
  AND NOT EXISTS (
      SELECT FROM creatives o WHERE o.media_key = r.media_key AND (
          (o.status = 'ready' AND o.deleted_at IS NULL)
          OR coalesce(o.deleted_at, o.updated_at) >= %(over_before)s
      )
  )
LIMIT %(most)s"""
_FORGET_MEDIA = """
UPDATE creatives SET media_key = NULL, version = version + 1, updated_at = %s
WHERE media_key = ANY (%s)"""


class PostgresLeftovers:
    """Implements `ports.Leftovers`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def purge(self, kind: Leftover, *, over_before: datetime, most: int) -> int:
        """Remove up to `most` rows that were over before then; return how many."""
        with self._database.transaction() as connection:
            row = connection.execute(_PURGE[kind].encode(), (over_before, most)).fetchone()
        return int(row["removed"]) if row else 0

    def unused_media(self, *, over_before: datetime, most: int) -> Sequence[str]:
        """Return up to `most` keys of files that no ready creative plays since before then."""
        values = {"over_before": over_before, "most": most}
        with self._database.transaction() as connection:
            rows = connection.execute(_UNUSED_MEDIA, values).fetchall()
        return [row["media_key"] for row in rows]

    def forget_media(self, keys: Sequence[str], *, now: datetime) -> None:
        """Let the creatives of these files have none any more."""
        with self._database.transaction() as connection:
            connection.execute(_FORGET_MEDIA, (now, list(keys)))
