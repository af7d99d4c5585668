"""Bring the schema up to date: plain SQL files, numbered, up and down, checksummed.

All of it runs under one advisory lock, each file in a transaction of its own together with
its row in `schema_migrations`, so two migrators at once and a crash in between do no harm.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources

import psycopg
from psycopg import sql

from ctv_ads.errors import MigrationError

_NAME = re.compile(r"(?P<number>\d{4})_(?P<title>[a-z0-9_]+)\.(?P<way>up|down)\.sql")
_LOCK = "SELECT pg_advisory_lock(hashtext('ctv_ads migrations'))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtext('ctv_ads migrations'))"
_HISTORY = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number text PRIMARY KEY,
    title text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step and the way back."""

    number: str
    title: str
    up: str
    down: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the way up: an applied migration is never edited."""
        return hashlib.sha256(self.up.encode()).hexdigest()


def packaged_migrations() -> Sequence[Migration]:
    """Return the migrations that ship with this package, in order.

    Raises:
        MigrationError: a file is misnamed, lacks its way up or down, or shares its number.
    """
    files: dict[tuple[str, str], dict[str, str]] = {}
    for entry in resources.files("ctv_ads.migrations").iterdir():
        if not entry.name.endswith(".sql"):
            continue
        match = _NAME.fullmatch(entry.name)
        if match is None:
            raise MigrationError(f"{entry.name} is not named NNNN_title.up.sql or .down.sql")
        files.setdefault((match["number"], match["title"]), {})[match["way"]] = entry.read_text()
    for (number, title), ways in files.items():
        if ways.keys() != {"up", "down"}:
            raise MigrationError(f"{number}_{title} needs one .up.sql and one .down.sql")
        if sum(other == number for other, _ in files) > 1:
            raise MigrationError(f"more than one migration has the number {number}")
    return [
        Migration(number, title, ways["up"], ways["down"])
        for (number, title), ways in sorted(files.items())
    ]


def migrate_up(
    connection: psycopg.Connection[tuple[str, ...]], migrations: Sequence[Migration]
) -> Sequence[str]:
    """Apply what is missing and return its numbers. `connection` must be in autocommit.

    Raises:
        MigrationError: an applied file has changed, one is out of order, or SQL failed.
    """
    with _alone(connection):
        connection.execute(_HISTORY)
        applied = _applied(connection)
        _refuse_changed_history(migrations, applied)
        missing = [m for m in migrations if m.number not in applied]
        for migration in missing:
            _apply(connection, migration)
        return [m.number for m in missing]


def migrate_down(
    connection: psycopg.Connection[tuple[str, ...]],
    migrations: Sequence[Migration],
    *,
    to: str = "0000",
) -> Sequence[str]:
    """Take back every applied migration after number `to`, newest first; return their numbers.

    Raises:
        MigrationError: an applied file has changed, or SQL failed.
    """
    with _alone(connection):
        connection.execute(_HISTORY)
        applied = _applied(connection)
        _refuse_changed_history(migrations, applied)
        doomed = [m for m in reversed(migrations) if m.number in applied and m.number > to]
        for migration in doomed:
            _take_back(connection, migration)
        return [m.number for m in doomed]


def ensure_role(connection: psycopg.Connection[tuple[str, ...]], name: str, password: str) -> None:
    """Create the login role if it is missing and set its password.

    The password is hashed here: PostgreSQL may log the statement.
    """
    hashed = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
    with _alone(connection):
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
        verb = sql.SQL("ALTER ROLE {} PASSWORD {}" if known else "CREATE ROLE {} LOGIN PASSWORD {}")
        connection.execute(verb.format(sql.Identifier(name), sql.Literal(hashed.decode())))


@contextmanager
def _alone(connection: psycopg.Connection[tuple[str, ...]]) -> Iterator[None]:
    """Keep other migrators out meanwhile."""
    connection.execute(_LOCK)
    try:
        yield
    finally:
        connection.execute(_UNLOCK)


def _applied(connection: psycopg.Connection[tuple[str, ...]]) -> Mapping[str, str]:
    rows = connection.execute("SELECT number, checksum FROM schema_migrations").fetchall()
    return {row[0]: row[1] for row in rows}


def _refuse_changed_history(migrations: Sequence[Migration], applied: Mapping[str, str]) -> None:
    known = {m.number: m for m in migrations}
    newest_known = max(known, default="")
    for number, checksum in sorted(applied.items()):
        if number > newest_known:
            # The schema is ahead: a newer version was here and its deployment was rolled back.
            continue
        if number not in known:
            raise MigrationError(f"migration {number} is applied but not known to this version")
        if known[number].checksum != checksum:
            raise MigrationError(f"migration {number} was edited after it had been applied")
    newest = max(applied, default="")
    for migration in migrations:
        if migration.number not in applied and migration.number < newest:
            raise MigrationError(f"migration {migration.number} comes before {newest}, applied")


def _apply(connection: psycopg.Connection[tuple[str, ...]], migration: Migration) -> None:
    with connection.transaction():
        _run(connection, migration, migration.up)
        connection.execute(
            "INSERT INTO schema_migrations (number, title, checksum) VALUES (%s, %s, %s)",
            (migration.number, migration.title, migration.checksum),
        )


def _take_back(connection: psycopg.Connection[tuple[str, ...]], migration: Migration) -> None:
    with connection.transaction():
        _run(connection, migration, migration.down)
        connection.execute("DELETE FROM schema_migrations WHERE number = %s", (migration.number,))


def _run(connection: psycopg.Connection[tuple[str, ...]], migration: Migration, text: str) -> None:
    try:
        connection.execute(text.encode())
    except psycopg.Error as error:
        raise MigrationError(f"migration {migration.number}_{migration.title}: {error}") from error
