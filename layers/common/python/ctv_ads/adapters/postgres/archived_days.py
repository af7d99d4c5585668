"""Days of events: what of them is archived, reading them for it, and dropping them after that."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import psycopg

from ctv_ads.adapters.postgres.database import Database
from ctv_ads.domain.event_archive import ArchivedDay, ArchivedKind
from ctv_ads.ports.event_archive import Lines

# Statements are put together from names of ours.
# ruff: noqa: S608
_TRY_LOCK = (
    "SELECT pg_try_advisory_xact_lock(hashtext('archive ' || %s || %s::date::text)) AS is_ours"
)
_UTC = "SET LOCAL timezone = 'UTC'"
_EXPRESSIONS = {
    "uuid": "e.{name}",
    "smallint": "e.{name}",
    "bigint": "e.{name}",
    # Neither quotes nor a difference between nothing and an empty text, for simple readers.
    "text": "nullif(translate(e.{name}, E',\"\\r\\n', ''), '')",
    "timestamp": "e.{name}::timestamp",
}


@dataclass(frozen=True, slots=True)
class ArchivedTable:
    """Where events of a kind are, and how they are handled there. Texts are SQL of ours."""

    kind: ArchivedKind
    name: str
    archived_days: str
    """The table that tells which days are archived."""
    days: str
    """Gives the days that are here as `day`, the oldest first."""
    source: str
    """What follows FROM, in which the events are `e`."""
    order: str
    """The primary key's, so that the same events make the same files."""
    drop: str
    elsewhere: Mapping[str, str]
    """Columns that are no columns of `e`."""

    @property
    def copy(self) -> bytes:
        """The statement that gives a day's events as lines of CSV."""
        selected = ", ".join(
            self.elsewhere.get(name, _EXPRESSIONS[kind].format(name=name))
            for name, kind in self.kind.columns
        )
        return (
            f"COPY (SELECT {selected} FROM {self.source} WHERE e.day = %s ORDER BY {self.order})"
            " TO STDOUT (FORMAT csv)"
        ).encode()

    @property
    def is_archived(self) -> bytes:
        """The statement that compares how many events are here with how many are archived."""
        # Events are only ever added: as many as are archived are those that are archived.
        return f"""
SELECT coalesce((
    SELECT dropped_at IS NOT NULL OR events = (SELECT count(*) FROM {self.name} WHERE day = %(day)s)
    FROM {self.archived_days} WHERE day = %(day)s
), false) AS it_is""".encode()

    @property
    def was_dropped(self) -> bytes:
        """The statement that finds a day that was dropped."""
        table = self.archived_days
        return f"SELECT 1 FROM {table} WHERE day = %s AND dropped_at IS NOT NULL".encode()

    @property
    def remember(self) -> bytes:
        """The statement that notes what was archived."""
        return f"""
INSERT INTO {self.archived_days} AS a (day, events, schema_version, archived_at)
VALUES (%s, %s, %s, clock_timestamp())
ON CONFLICT (day) DO UPDATE SET events = excluded.events,
    schema_version = excluded.schema_version, archived_at = excluded.archived_at""".encode()


class PostgresArchivedDays:
    """Implements `ports.EventDays`, but for making days ahead."""

    def __init__(self, database: Database, table: ArchivedTable) -> None:
        self._database = database
        self._table = table

    def days(self) -> Sequence[date]:
        """Return the days that are here, the oldest first."""
        with self._database.transaction() as connection:
            return [row["day"] for row in connection.execute(self._table.days.encode())]

    def is_archived(self, day: date) -> bool:
        """Tell whether the archive has as many events of the day as are here, or all that were."""
        with self._database.transaction() as connection:
            row = connection.execute(self._table.is_archived, {"day": day}).fetchone() or {}
        return bool(row["it_is"])

    def archive(self, day: date, write: Callable[[Lines], ArchivedDay]) -> ArchivedDay | None:
        """Stream a day's events to `write`, and remember how many they were."""
        table = self._table
        with self._database.transaction() as connection:
            row = connection.execute(_TRY_LOCK, (table.kind.name, day)).fetchone() or {}
            was_dropped = connection.execute(table.was_dropped, (day,)).fetchone()
            if not row["is_ours"] or was_dropped:
                return None
            connection.execute(_UTC)
            with connection.cursor().copy(table.copy, (day,)) as copy:
                archived = write(_lines(copy))
            values = (day, archived.events, archived.schema_version)
            connection.execute(table.remember, values)
        return archived

    def drop(self, day: date) -> bool:
        """Drop a day if the archive has all of it."""
        with self._database.transaction() as connection:
            try:
                with connection.transaction():
                    row = connection.execute(self._table.drop.encode(), (day,)).fetchone() or {}
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                return False  # somebody records or reads; the next run tries again
        return bool(row["it_was"])


def _lines(copy: psycopg.Copy) -> Iterator[bytes]:
    for block in copy:
        yield bytes(block)
