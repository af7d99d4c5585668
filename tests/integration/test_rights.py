"""What each role of the functions may do with each column: this list, and nothing else."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.database import connection_parameters
from tests.builders import Tenant
from tests.rights import ALL, API, NOTHING, OWNERS_FUNCTIONS, PRIVILEGES
from tests.worlds import Schema, World

_COLUMNS = """
SELECT c.relname AS table_name, array_agg(a.attname::text) AS columns
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
  AND c.relnamespace = 'public'::regnamespace
GROUP BY c.relname ORDER BY c.relname"""
Connection = psycopg.Connection[dict[str, Any]]


@pytest.fixture
def owner(schema: Schema) -> Iterator[Connection]:
    with psycopg.connect(schema.owner_dsn, row_factory=dict_row) as connection:
        yield connection


@pytest.fixture
def api(schema: Schema) -> Iterator[Connection]:
    parameters = connection_parameters(schema.api_secret)
    with psycopg.connect(**parameters, row_factory=dict_row) as connection:
        yield connection


def columns_by_table(owner: Connection) -> dict[str, set[str]]:
    return {row["table_name"]: set(row["columns"]) for row in owner.execute(_COLUMNS)}


def expected(table: str, privilege: str, columns: set[str]) -> set[str]:
    listed = API.get(table, NOTHING)[PRIVILEGES.index(privilege)]
    return columns if listed == ALL else set(str(listed).split())


def denied(connection: Connection, statement: str) -> bool:
    """Tell whether the right to it is missing; EXPLAIN asks for rights and does nothing."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(f"EXPLAIN {statement}".encode())
    except psycopg.errors.InsufficientPrivilege as error:
        return "permission denied" in str(error)
    return False


def attempt(table: str, privilege: str, column: str) -> str:
    return {
        "SELECT": f"SELECT {column} FROM {table}",  # noqa: S608
        "INSERT": f"INSERT INTO {table} ({column}) VALUES (DEFAULT)",  # noqa: S608
        "UPDATE": f"UPDATE {table} SET {column} = DEFAULT",  # noqa: S608
    }[privilege]


@pytest.mark.parametrize("privilege", PRIVILEGES)
def test_the_api_may_do_to_each_column_what_is_listed_and_nothing_else(
    owner: Connection, api: Connection, privilege: str
) -> None:
    tables = columns_by_table(owner)
    assert set(API) < set(tables)
    for table, columns in tables.items():
        allowed = {c for c in columns if not denied(api, attempt(table, privilege, c))}
        assert (table, allowed) == (table, expected(table, privilege, columns))


def test_the_api_deletes_memberships_and_assignments_only(
    owner: Connection, api: Connection
) -> None:
    for table in columns_by_table(owner):
        for statement, allowed in (
            (f"DELETE FROM {table}", API.get(table, NOTHING)[3]),  # noqa: S608
            (f"SELECT count(*) FROM {table}", bool(API.get(table, NOTHING)[0])),  # noqa: S608
        ):
            assert (statement, denied(api, statement)) == (statement, not allowed)
        with pytest.raises(psycopg.errors.InsufficientPrivilege), api.transaction():
            api.execute(f"TRUNCATE {table}".encode())


def test_what_was_billed_and_when_a_thing_was_made_are_never_the_apis_to_say(
    owner: Connection, api: Connection
) -> None:
    tables = columns_by_table(owner)
    billed = [table for table, columns in tables.items() if "billed_micros" in columns]
    assert {"campaigns", "line_items"} <= set(billed)
    for table in billed:
        assert denied(api, attempt(table, "INSERT", "billed_micros"))
        assert denied(api, attempt(table, "UPDATE", "billed_micros"))
    for table in ("campaigns", "line_items", "creatives", "advertisers", "placements", "users"):
        for column in ("created_at", "updated_at", "version"):
            assert denied(api, attempt(table, "INSERT", column))


def test_a_password_hash_is_told_of_who_acts_only(
    postgres_of_session: World, api: Connection
) -> None:
    mine, other = postgres_of_session.a_tenant(), postgres_of_session.a_tenant()

    def found(tenant: Tenant, organization_id: str) -> list[str]:
        query = "SELECT set_config('app.user_id', %s, true), set_config('app.organization_id', %s, true)"
        api.execute(query, (tenant.caller.user_id, organization_id))
        return [str(row["user_id"]) for row in api.execute("SELECT * FROM own_account()")]

    assert found(mine, mine.organization_id) == [mine.caller.user_id]
    assert found(other, mine.organization_id) == []
    api.rollback()
    assert api.execute("SELECT * FROM own_account()").fetchall() == []


def test_a_campaign_of_another_organization_is_not_copied(
    postgres_of_session: World, api: Connection
) -> None:
    world = postgres_of_session
    mine, theirs = world.a_tenant(), world.a_campaign(world.a_tenant())
    for name, value in (
        ("app.organization_id", mine.organization_id),
        ("app.user_id", mine.caller.user_id),
    ):
        api.execute("SELECT set_config(%s, %s, true)", (name, value))
    copy = "SELECT copy_campaign(%s, 'Mine', now()) AS made"
    for campaign_id in (theirs.campaign_id, new_id()):
        assert (api.execute(copy, (campaign_id,)).fetchone() or {})["made"] is None


def test_functions_that_act_as_the_owner_are_called_by_those_who_need_them(
    owner: Connection,
) -> None:
    rows = owner.execute("""
        SELECT p.proname AS name, p.proconfig::text AS config, p.prorettype = 'trigger'::regtype
            AS is_trigger, has_function_privilege('public', p.oid, 'EXECUTE') AS anybody,
            array_remove(ARRAY[
                CASE WHEN has_function_privilege('ctv_api', p.oid, 'EXECUTE') THEN 'ctv_api' END,
                CASE WHEN has_function_privilege('ctv_pipeline', p.oid, 'EXECUTE')
                     THEN 'ctv_pipeline' END
            ], NULL) AS callers
        FROM pg_proc p
        WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace""").fetchall()
    assert all("search_path=public, pg_temp" in row["config"] for row in rows)
    callable_ = {row["name"]: row["callers"] for row in rows if not row["is_trigger"]}
    assert callable_ == {name: [caller] for name, caller in OWNERS_FUNCTIONS.items()}
