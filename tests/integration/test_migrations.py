"""Migrations on real PostgreSQL: up, down, up again; changed history refused; two at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import sql

from ctv_ads.adapters.ids import new_id
from ctv_ads.errors import MigrationError
from ctv_ads.migrate import (
    Migration,
    ensure_role,
    migrate_down,
    migrate_up,
    packaged_migrations,
)
from local.ports import HOST
from local.postgres import OWNER, PostgresServer
from tests.worlds import Schema

Connection = psycopg.Connection[tuple[Any, ...]]

_SCHEMA_AS_TEXT = """
SELECT 'column', table_name || '.' || column_name,
       concat_ws(' ', data_type, is_nullable, column_default)
FROM information_schema.columns WHERE table_schema = 'public' AND table_name !~ '^ad_events_'
UNION ALL
SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'policy', tablename || '.' || policyname, concat_ws(' ', roles::text, cmd, qual, with_check)
FROM pg_policies
UNION ALL
SELECT 'guard', relname, relrowsecurity::text || coalesce(relacl::text, '') FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
UNION ALL
SELECT 'right', table_name || '.' || column_name, grantee || ' ' || privilege_type
FROM information_schema.column_privileges WHERE table_schema = 'public'
UNION ALL
SELECT 'function', proname, pg_get_functiondef(oid) || coalesce(proacl::text, '')
FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
UNION ALL
SELECT 'aggregate', aggfnoid::text, aggtransfn::text || ' ' || coalesce(agginitval, '')
FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid
WHERE p.pronamespace = 'public'::regnamespace
ORDER BY 1, 2, 3"""


@pytest.fixture
def database(postgres_server: PostgresServer, schema: Schema) -> Iterator[str]:
    """An empty database of its own, beside the one of the other tests."""
    name = f"migrations_{new_id()}"
    address = f"postgresql://{OWNER}:{postgres_server.password}@{HOST}:{postgres_server.port}"
    with psycopg.connect(schema.owner_dsn, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield f"{address}/{name}"
        owner.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def connected(dsn: str) -> Iterator[Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with connected(database) as connection:
        yield connection


def schema_as_text(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute(_SCHEMA_AS_TEXT).fetchall()


def a_migration(number: str, table: str) -> Migration:
    return Migration(number, table, f"CREATE TABLE {table} (n int)", f"DROP TABLE {table}")


def test_up_down_up_gives_the_same_schema(connection: Connection) -> None:
    migrations = packaged_migrations()
    numbers = [migration.number for migration in migrations]
    migrate_up(connection, [])
    empty = schema_as_text(connection)
    assert migrate_up(connection, migrations) == numbers
    full = schema_as_text(connection)
    assert len(full) > len(empty) + 100
    connection.execute("SELECT ensure_ad_event_partitions('2026-11-01', '2026-11-03')")
    assert migrate_down(connection, migrations) == numbers[::-1]
    assert schema_as_text(connection) == empty
    assert migrate_up(connection, migrations) == numbers
    assert schema_as_text(connection) == full


def test_each_way_down_undoes_what_its_way_up_did(connection: Connection) -> None:
    migrations = packaged_migrations()
    migrate_up(connection, [])
    for count, migration in enumerate(migrations, start=1):
        before = schema_as_text(connection)
        migrate_up(connection, migrations[:count])
        below = migrations[count - 2].number if count > 1 else "0000"
        assert migrate_down(connection, migrations[:count], to=below) == [migration.number]
        undone = set(before) ^ set(schema_as_text(connection))
        assert undone == set(), migration.title
        migrate_up(connection, migrations[:count])


def test_migrating_again_does_nothing(connection: Connection) -> None:
    migrate_up(connection, packaged_migrations())
    before = schema_as_text(connection)
    assert migrate_up(connection, packaged_migrations()) == []
    assert schema_as_text(connection) == before


def test_down_to_a_number_keeps_that_one(connection: Connection) -> None:
    steps = [a_migration(f"000{n}", f"t{n}") for n in (1, 2, 3)]
    migrate_up(connection, steps)
    assert migrate_down(connection, steps, to="0001") == ["0003", "0002"]
    assert migrate_up(connection, steps) == ["0002", "0003"]


def test_an_edited_migration_is_refused_and_nothing_is_applied(connection: Connection) -> None:
    first, second = a_migration("0001", "t1"), a_migration("0002", "t2")
    migrate_up(connection, [first])
    edited = replace(first, up=first.up + " -- better")
    with pytest.raises(MigrationError, match="0001 was edited"):
        migrate_up(connection, [edited, second])
    with pytest.raises(MigrationError, match="0001 was edited"):
        migrate_down(connection, [edited])
    assert migrate_up(connection, [first, second]) == ["0002"]


def test_a_hole_in_the_known_history_is_refused(connection: Connection) -> None:
    first, second = a_migration("0001", "t1"), a_migration("0002", "t2")
    migrate_up(connection, [first, second])
    with pytest.raises(MigrationError, match="0001 is applied but not known"):
        migrate_up(connection, [second])


def test_a_schema_ahead_of_a_rolled_back_version_is_left_as_it_is(connection: Connection) -> None:
    first, second = a_migration("0001", "t1"), a_migration("0002", "t2")
    migrate_up(connection, [first, second])
    assert migrate_up(connection, [first]) == []


def test_one_that_comes_late_is_refused(connection: Connection) -> None:
    first, second = a_migration("0001", "t1"), a_migration("0002", "t2")
    migrate_up(connection, [second])
    with pytest.raises(MigrationError, match="0001 comes before 0002"):
        migrate_up(connection, [first, second])


def test_a_failing_migration_leaves_those_before_it_and_nothing_of_itself(
    connection: Connection,
) -> None:
    broken = Migration("0002", "broken", "CREATE TABLE half (n int); SELECT 1/0", "SELECT 1")
    with pytest.raises(MigrationError, match="0002_broken: division by zero"):
        migrate_up(connection, [a_migration("0001", "t1"), broken])
    names = connection.execute("SELECT to_regclass('t1')::text, to_regclass('half')").fetchone()
    assert names == ("t1", None)
    mended = replace(broken, up="CREATE TABLE half (n int)")
    assert migrate_up(connection, [a_migration("0001", "t1"), mended]) == ["0002"]


def test_the_lock_is_given_back_even_after_a_failure(connection: Connection, database: str) -> None:
    with pytest.raises(MigrationError):
        migrate_up(connection, [Migration("0001", "broken", "SELECT 1/0", "SELECT 1")])
    with connected(database) as other:
        other.execute("SET lock_timeout = '2s'")
        assert migrate_up(other, [a_migration("0001", "t1")]) == ["0001"]


def test_of_several_migrators_at_once_one_does_the_work(database: str) -> None:
    def migrate(_: int) -> list[str]:
        with connected(database) as connection:
            return list(migrate_up(connection, packaged_migrations()))

    with ThreadPoolExecutor(4) as threads:
        applied = list(threads.map(migrate, range(4), timeout=60))
    assert sorted(applied)[:3] == [[], [], []]
    assert sorted(applied)[3] == [migration.number for migration in packaged_migrations()]


def test_several_deployments_at_once_make_a_role_together(database: str) -> None:
    name = f"role_{new_id()}"

    def ensure(number: int) -> None:
        with connected(database) as connection:
            for _ in range(10):
                ensure_role(connection, name, f"password-{number}")

    try:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(ensure, range(4), timeout=60))
    finally:
        with connected(database) as connection:
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))


def test_a_role_gets_the_password_it_is_given_last(
    database: str, postgres_server: PostgresServer
) -> None:
    name = f"role_{new_id()}"
    with connected(database) as connection:
        for password in ("first", 'it\'s \\ the "last" %s'):
            ensure_role(connection, name, password)
            with psycopg.connect(
                host=HOST,
                port=postgres_server.port,
                user=name,
                password=password,
                dbname="postgres",
            ) as login:
                assert login.execute("SELECT current_user").fetchone() == (name,)
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_a_password_never_reaches_the_server_in_the_clear(
    database: str, postgres_server: PostgresServer
) -> None:
    name = f"role_{new_id()}"
    with connected(database) as connection:
        connection.execute("SET log_statement = 'all'")
        ensure_role(connection, name, "a-word-for-no-log")
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))
    log = postgres_server.log.read_text(errors="replace")
    assert name in log
    assert "a-word-for-no-log" not in log
