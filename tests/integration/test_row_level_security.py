"""Tenants never see each other: PostgreSQL itself keeps them apart, whatever the code asks."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from ctv_ads.adapters.postgres.database import connection_parameters
from ctv_ads.domain.line_item import CreativeAssignment
from tests.builders import NOON, Tenant, a_beacon, some_claims
from tests.worlds import Schema, World

TENANT_TABLES = (
    "organizations",
    "memberships",
    "users",
    "advertisers",
    "placements",
    "campaigns",
    "line_items",
    "creatives",
    "creative_assignments",
    "delivery_days",
    "delivery_hours",
    "ledger_entries",
    "ledger_chains",
    "token_buckets",
    "line_item_days",
    "line_item_delivery",
    "audit_events",
)
Connection = psycopg.Connection[dict[str, Any]]


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


@pytest.fixture
def tenant(world: World) -> Tenant:
    """A tenant with a row in every table."""
    tenant = world.a_tenant()
    campaign = world.a_serving_campaign(tenant)
    line_item_id = campaign.line_items[0].line_item_id
    world.ledger.record([a_beacon(some_claims(line_item_id=line_item_id))])
    creative = world.a_ready_creative(tenant, campaign.campaign_id)
    with world.stores.transaction(tenant.caller) as store:
        line_item = store.line_items.get(line_item_id)
        assigned = CreativeAssignment(creative_id=creative.creative_id)
        store.line_items.assign(line_item, [assigned], NOON)
    with psycopg.connect(world.schema.owner_dsn) as owner:
        for statement in _SPENDING:
            owner.execute(statement, (line_item_id,))
    return tenant


_SPENDING = (
    (
        "INSERT INTO token_buckets (line_item_id, bucket, organization_id, campaign_id,"
        " budget_day, granted_micros, opened_at)"
        " SELECT line_item_id, 1, organization_id, campaign_id, '2026-11-23', 1, now()"
        " FROM line_items WHERE line_item_id = %s"
    ),
    (
        "INSERT INTO line_item_days (line_item_id, budget_day, organization_id, campaign_id)"
        " SELECT line_item_id, '2020-01-01', organization_id, campaign_id"
        " FROM line_items WHERE line_item_id = %s"
    ),
    (
        "INSERT INTO line_item_delivery (line_item_id, organization_id, campaign_id, observed_at)"
        " SELECT line_item_id, organization_id, campaign_id, now()"
        " FROM line_items WHERE line_item_id = %s"
    ),
)


@pytest.fixture
def api(schema: Schema) -> Iterator[Connection]:
    """The API's role, by raw SQL."""
    parameters = connection_parameters(schema.api_secret)
    with psycopg.connect(**parameters, row_factory=dict_row) as connection:
        yield connection


def act_for(connection: Connection, organization_id: str) -> None:
    connection.execute("SELECT set_config('app.organization_id', %s, true)", (organization_id,))


def rows_of(connection: Connection, table: str) -> list[dict[str, Any]]:
    columns = "user_id, email" if table == "users" else "*"
    return connection.execute(f"SELECT {columns} FROM {table}".encode()).fetchall()  # noqa: S608


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_without_an_organization_there_are_no_rows(
    api: Connection, tenant: Tenant, table: str
) -> None:
    assert rows_of(api, table) == []
    act_for(api, "")
    assert rows_of(api, table) == []


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_an_organization_has_its_own_rows_and_no_others(
    world: World, api: Connection, tenant: Tenant, table: str
) -> None:
    other = world.a_tenant()
    world.a_serving_campaign(other)
    act_for(api, tenant.organization_id)
    rows = rows_of(api, table)
    assert rows
    key, mine = (
        ("user_id", tenant.caller.user_id)
        if table == "users"
        else ("organization_id", tenant.organization_id)
    )
    assert {str(row[key]) for row in rows} == {mine}


def test_the_organization_ends_with_its_transaction(api: Connection, tenant: Tenant) -> None:
    act_for(api, tenant.organization_id)
    assert rows_of(api, "campaigns")
    api.commit()
    assert rows_of(api, "campaigns") == []


def test_every_table_that_names_an_organization_is_guarded(schema: Schema) -> None:
    query = """
    SELECT c.relname AS name, c.relrowsecurity AS guarded, count(p.*) AS policies
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id'
    LEFT JOIN pg_policies p ON p.tablename = c.relname AND p.permissive = 'PERMISSIVE'
    WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
    GROUP BY c.relname, c.relrowsecurity"""
    with psycopg.connect(schema.owner_dsn, row_factory=dict_row) as owner:
        found = owner.execute(query).fetchall()
    assert {row["name"] for row in found} >= set(TENANT_TABLES) - {"users"}
    assert [row for row in found if not row["guarded"] or row["policies"] != 2] == []


def test_no_role_of_a_function_owns_tables_or_steps_around_the_guard(schema: Schema) -> None:
    query = """
    SELECT rolname, rolsuper, rolbypassrls, rolcreaterole,
           (SELECT count(*) FROM pg_class c
            WHERE c.relowner = r.oid AND c.relpersistence <> 't') AS owned
    FROM pg_roles r WHERE rolname IN ('ctv_api', 'ctv_pipeline')"""
    with psycopg.connect(schema.owner_dsn) as owner:
        rows = owner.execute(query).fetchall()
    assert {row[0] for row in rows} == {"ctv_api", "ctv_pipeline"}
    assert all(row[1:] == (False, False, False, 0) for row in rows)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE campaigns SET billed_micros = 0",
        "UPDATE campaigns SET created_by = gen_random_uuid()",
        "UPDATE campaigns SET organization_id = gen_random_uuid()",
        "UPDATE line_items SET billed_micros = 0",
        "UPDATE creatives SET facts = NULL",
        "UPDATE delivery_days SET impressions = 0",
        "UPDATE memberships SET user_id = gen_random_uuid()",
        "UPDATE users SET email = 'mine@example.com'",
        "UPDATE sessions SET user_id = gen_random_uuid()",
        "UPDATE api_keys SET token_hash = ''",
        "UPDATE invitations SET role = 'owner'",
        "DELETE FROM users",
        "DELETE FROM campaigns",
        "DELETE FROM ad_events",
        "SELECT * FROM ad_events",
        "INSERT INTO ad_events (day) VALUES (now())",
        "INSERT INTO delivery_days (impressions) VALUES (1)",
        "INSERT INTO memberships (role) VALUES ('owner')",
        "SELECT * FROM schema_migrations",
        "SELECT ensure_ad_event_partitions('2030-01-01', '2030-01-01')",
        "CREATE TABLE mine (n int)",
        "ALTER TABLE campaigns DISABLE ROW LEVEL SECURITY",
        "SET ROLE ctv_pipeline",
    ],
)
def test_the_api_has_no_right_to(api: Connection, tenant: Tenant, statement: str) -> None:
    act_for(api, tenant.organization_id)
    with pytest.raises(
        (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue)
    ):
        api.execute(statement.encode())


def test_nobody_changes_another_person(world: World, api: Connection, tenant: Tenant) -> None:
    act_for(api, tenant.organization_id)
    assert api.execute("UPDATE users SET password_hash = 'x'").rowcount == 0
    api.execute("SELECT set_config('app.user_id', %s, true)", (tenant.caller.user_id,))
    assert api.execute("UPDATE users SET name = 'Myself'").rowcount == 1


def test_a_viewer_bound_to_advertisers_sees_theirs_only(
    world: World, api: Connection, tenant: Tenant
) -> None:
    scoped = (
        *("advertisers", "campaigns", "line_items", "creatives"),
        *("token_buckets", "line_item_days", "line_item_delivery"),
    )
    act_for(api, tenant.organization_id)
    assert all(rows_of(api, table) for table in scoped)
    for bound_to, sees in ((tenant.advertiser_id, True), (tenant.organization_id, False)):
        api.execute("SELECT set_config('app.advertiser_ids', %s, true)", (f"{{{bound_to}}}",))
        assert all(bool(rows_of(api, table)) is sees for table in scoped)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE campaigns SET budget_micros = 1",
        "UPDATE campaigns SET status = 'active'",
        "UPDATE ad_events SET billed_micros = 0",
        "DELETE FROM ad_events",
        "DELETE FROM ledger_entries",
        "SELECT * FROM users",
        "SELECT account_by_email('a@example.com')",
        "CREATE TABLE mine (n int)",
    ],
)
def test_the_pipeline_has_no_right_to(schema: Schema, statement: str) -> None:
    with (
        psycopg.connect(**connection_parameters(schema.pipeline_secret)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement.encode())


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("campaigns", ("advertiser_id, name, budget_micros, cpm_micros, starts_at, ends_at,"
         " created_by")),
        ("creatives", "campaign_id, name, filename, content_type, declared_size_bytes, created_by"),
        ("line_items", "campaign_id, name"),
    ],
)  # fmt: skip
def test_writing_for_another_organization_is_refused(
    world: World, api: Connection, tenant: Tenant, table: str, columns: str
) -> None:
    other = world.a_tenant()
    world.a_serving_campaign(other)
    values = {"mine": tenant.organization_id, "theirs": other.organization_id}
    act_for(api, tenant.organization_id)
    hidden = api.execute(
        f"UPDATE {table} SET deleted_at = now() WHERE organization_id = %(theirs)s".encode(),  # noqa: S608
        values,
    )
    assert hidden.rowcount == 0
    key = f"{table.removesuffix('s')}_id"
    insert = (
        f"INSERT INTO {table} ({key}, organization_id, {columns})"  # noqa: S608
        f" SELECT gen_random_uuid(), %(into)s, {columns} FROM {table} LIMIT 1"
    ).encode()
    assert api.execute(insert, {"into": tenant.organization_id}).rowcount == 1
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        api.execute(insert, {"into": other.organization_id})
