"""`python -m local.migrate up|down [--to NNNN]`: move this machine's schema.

It uses the server of a running copy (PORT), or starts the one in DATA_DIR for the while.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg

from ctv_ads.errors import MigrationError
from ctv_ads.migrate import ensure_role, migrate_down, migrate_up, packaged_migrations
from local.data_folder import DataFolder
from local.options import Options
from local.ports import is_free
from local.postgres import PostgresServer
from local.processes import LocalError
from local.secrets import Secrets


def main(arguments: Sequence[str] | None = None) -> int:
    """Migrate, print what was done, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=["up", "down"])
    parser.add_argument("--to", default="", help="down: keep the migrations up to this number")
    chosen = parser.parse_args(arguments)
    packaged = packaged_migrations()
    try:
        with owner_of_this_machine(Options.from_environment(os.environ)) as connection:
            if chosen.way == "up":
                done = migrate_up(connection, packaged)
            else:
                # Without a number the newest alone is taken back: the rest is a lot to lose.
                newest = _newest(connection)
                before = [m.number for m in packaged if m.number < newest]
                done = migrate_down(connection, packaged, to=chosen.to or max(before, default=""))
    except (LocalError, MigrationError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{chosen.way}: {', '.join(done) or 'nothing to do'}")
    return 0


@contextmanager
def owner_of_this_machine(options: Options) -> Iterator[psycopg.Connection[tuple[str, ...]]]:
    """Connect as the schema's owner, with the roles of the functions in place."""
    folder = DataFolder(options.data_dir)
    folder.claim()
    secrets = Secrets.load(options.data_dir / "secrets.json")
    server = PostgresServer(
        options.data_dir / "postgres",
        options.ports.postgres,
        password=secrets.owner_password,
        log=options.data_dir / "logs" / "postgresql.log",
    )
    starts_it = is_free(options.ports.postgres)
    if starts_it:
        folder.open()
        server.start()
    try:
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            ensure_role(connection, "ctv_api", secrets.api_password)
            ensure_role(connection, "ctv_pipeline", secrets.pipeline_password)
            yield connection
    except psycopg.OperationalError as error:
        raise LocalError(f"PostgreSQL on port {server.port} does not let us in: {error}") from error
    finally:
        if starts_it:
            server.stop()
            folder.close()


def _newest(connection: psycopg.Connection[tuple[str, ...]]) -> str:
    row = connection.execute("SELECT to_regclass('schema_migrations')::text").fetchone()
    if row is None or row[0] is None:
        return ""
    newest = connection.execute("SELECT max(number) FROM schema_migrations").fetchone()
    return (newest[0] if newest else "") or ""


if __name__ == "__main__":
    sys.exit(main())
