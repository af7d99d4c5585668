"""One kept connection: mended when it breaks, named when PostgreSQL is down."""

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from ctv_ads.adapters.postgres.database import Connection, Database
from ctv_ads.errors import DependencyUnavailableError
from local.ports import free_port
from local.postgres import PostgresServer
from tests.builders import a_tenant
from tests.worlds import Schema


@pytest.fixture
def database(schema: Schema) -> Iterator[Database]:
    database = Database(schema.pipeline_secret)
    yield database
    database.close()


def answer(database: Database) -> int:
    with database.transaction() as connection:
        row = connection.execute("SELECT 42 AS answer").fetchone()
    assert row is not None
    return int(row["answer"])


def backend(database: Database) -> int:
    with database.transaction() as connection:
        return connection.info.backend_pid


def test_a_connection_is_kept(database: Database) -> None:
    assert backend(database) == backend(database)


def test_the_organization_of_a_transaction_ends_with_it(database: Database) -> None:
    caller = a_tenant().caller
    with database.transaction(caller) as connection:
        assert _organization(connection) == caller.organization_id
    assert _organization(connection) == ""
    connection.rollback()


def _organization(connection: Connection) -> object:
    row = connection.execute("SELECT current_setting('app.organization_id', true) AS it").fetchone()
    return row and row["it"]


def test_a_connection_that_died_between_two_transactions_is_replaced(
    database: Database, schema: Schema
) -> None:
    dead = backend(database)
    _terminate(schema, dead)
    assert answer(database) == 42
    assert backend(database) != dead


def test_a_connection_that_dies_in_a_transaction_is_told_and_then_replaced(
    database: Database, schema: Schema
) -> None:
    def die_inside() -> None:
        with database.transaction() as connection:
            _terminate(schema, connection.info.backend_pid)
            connection.execute("SELECT 1")

    with pytest.raises(DependencyUnavailableError, match="postgresql"):
        die_inside()
    assert answer(database) == 42


def _terminate(schema: Schema, backend_pid: int) -> None:
    with psycopg.connect(schema.owner_dsn) as owner:
        owner.execute("SELECT pg_terminate_backend(%s, 5000)", (backend_pid,))


def test_what_raises_is_rolled_back_and_the_connection_goes_on(database: Database) -> None:
    dead = backend(database)

    def fail_inside() -> None:
        with database.transaction() as connection:
            connection.execute("CREATE TEMPORARY TABLE left_over (n int)")
            raise KeyError("a fault of ours")

    with pytest.raises(KeyError):
        fail_inside()
    with database.transaction() as connection:
        row = connection.execute("SELECT to_regclass('pg_temp.left_over') AS it").fetchone()
    assert row == {"it": None}
    assert backend(database) == dead


def test_a_wrong_statement_is_our_fault_and_not_postgresqls(database: Database) -> None:
    def mistake(connection: Connection) -> None:
        connection.execute("SELECT no_such_column")

    with pytest.raises(psycopg.errors.UndefinedColumn), database.transaction() as connection:
        mistake(connection)
    assert answer(database) == 42


def test_nobody_listening_is_told_quickly_and_without_the_password() -> None:
    secret = {
        "host": "127.0.0.1",
        "port": str(free_port()),
        "dbname": "ctv_ads",
        "username": "ctv_api",
        "password": "a-secret-word",
        "sslmode": "disable",
    }
    started = time.monotonic()
    with pytest.raises(DependencyUnavailableError, match="postgresql") as unavailable:
        answer(Database(secret))
    assert time.monotonic() - started < 2
    assert "a-secret-word" not in str(unavailable.value)


def test_a_wrong_password_is_told_without_the_password(schema: Schema) -> None:
    wrong = {**schema.api_secret, "password": "a-wrong-word"}
    with pytest.raises(DependencyUnavailableError, match="postgresql") as unavailable:
        answer(Database(wrong))
    assert "a-wrong-word" not in str(unavailable.value)


def test_a_restarted_server_is_found_again() -> None:
    with TemporaryDirectory(prefix="ctv-postgres-") as folder:
        server = PostgresServer(
            Path(folder) / "data", free_port(), password="of-tests", durable=False
        )
        database = Database(
            {
                "host": "127.0.0.1",
                "port": str(server.port),
                "dbname": "ctv_ads",
                "username": "ctv_owner",
                "password": server.password,
                "sslmode": "disable",
            }
        )
        with server:
            assert answer(database) == 42
        with pytest.raises(DependencyUnavailableError, match="postgresql"):
            answer(database)
        with server:
            assert answer(database) == 42
            database.close()
