"""Recorded events by day: partitions, what of them is archived, and reading them for it."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date

import psycopg

from ctv_ads.adapters.postgres.database import Database
from ctv_ads.domain.event_archive import COLUMNS, ArchivedDay
from ctv_ads.ports.event_archive import Lines

_MAKE = "SELECT ensure_ad_event_partitions(%s, %s) AS made"
_DAYS = """
SELECT to_date(right(c.relname, 8), 'YYYYMMDD') AS day
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'ad_events'::regclass ORDER BY day"""
# Events are only ever added: as many as are archived are those that are archived.
_IS_ARCHIVED = """
SELECT coalesce((
    SELECT dropped_at IS NOT NULL OR events = (SELECT count(*) FROM ad_events WHERE day = %(day)s)
    FROM archived_days WHERE day = %(day)s
), false) AS it_is"""
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtext('archive ' || %s::date::text)) AS is_ours"
_WAS_DROPPED = "SELECT 1 FROM archived_days WHERE day = %s AND dropped_at IS NOT NULL"
_UTC = "SET LOCAL timezone = 'UTC'"
_OF_LINE_ITEM = {"organization_id": "l.organization_id", "campaign_id": "l.campaign_id"}
_EXPRESSIONS = {
    "uuid": "e.{name}",
    "smallint": "e.{name}",
    "bigint": "e.{name}",
    # Neither quotes nor a difference between nothing and an empty text, for simple readers.
    "text": "nullif(translate(e.{name}, E',\"\\r\\n', ''), '')",
    "timestamp": "e.{name}::timestamp",
}
_SELECTED = ", ".join(
    _OF_LINE_ITEM.get(name, _EXPRESSIONS[kind].format(name=name)) for name, kind in COLUMNS
)
# In the order of the primary key, so that the same events make the same files.
_COPY = f"""
COPY (
    SELECT {_SELECTED} FROM ad_events e LEFT JOIN line_items l USING (line_item_id)
    WHERE e.day = %s ORDER BY e.decision_id, e.slot, e.event
) TO STDOUT (FORMAT csv)"""  # noqa: S608 - of names of ours
_REMEMBER = """
INSERT INTO archived_days AS a (day, events, schema_version, archived_at)
VALUES (%s, %s, %s, clock_timestamp())
ON CONFLICT (day) DO UPDATE SET events = excluded.events,
    schema_version = excluded.schema_version, archived_at = excluded.archived_at"""
_DROP = "SELECT drop_archived_day(%s) AS it_was"


class PostgresEventDays:
    """Implements `ports.EventDays`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make_ahead(self, first: date, last: date) -> int:
        """Make the partitions of these days; return how many were not there."""
        with self._database.transaction() as connection:
            row = connection.execute(_MAKE, (first, last)).fetchone() or {}
        return int(row["made"])

    def days(self) -> Sequence[date]:
        """Return the days that have a partition, the oldest first."""
        with self._database.transaction() as connection:
            return [row["day"] for row in connection.execute(_DAYS)]

    def is_archived(self, day: date) -> bool:
        """Tell whether the archive has as many events of the day as are here, or all that were."""
        with self._database.transaction() as connection:
            row = connection.execute(_IS_ARCHIVED, {"day": day}).fetchone() or {}
        return bool(row["it_is"])

    def archive(self, day: date, write: Callable[[Lines], ArchivedDay]) -> ArchivedDay | None:
        """Stream a day's events to `write`, and remember how many they were."""
        with self._database.transaction() as connection:
            row = connection.execute(_TRY_LOCK, (day,)).fetchone() or {}
            was_dropped = connection.execute(_WAS_DROPPED, (day,)).fetchone()
            if not row["is_ours"] or was_dropped:
                return None
            connection.execute(_UTC)
            with connection.cursor().copy(_COPY, (day,)) as copy:
                archived = write(_lines(copy))
            values = (day, archived.events, archived.schema_version)
            connection.execute(_REMEMBER, values)
        return archived

    def drop(self, day: date) -> bool:
        """Drop a day's partition if the archive has all of it."""
        with self._database.transaction() as connection:
            try:
                with connection.transaction():
                    row = connection.execute(_DROP, (day,)).fetchone() or {}
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                return False  # somebody records or reads; the next run tries again
        return bool(row["it_was"])


def _lines(copy: psycopg.Copy) -> Iterator[bytes]:
    for block in copy:
        yield bytes(block)
