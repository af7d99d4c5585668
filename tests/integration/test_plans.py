"""Lists, search and detail use indexes, and go on using them under row-level security."""

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.store import PostgresStores
from ctv_ads.domain.access import Caller, Role
from ctv_ads.domain.ids import CampaignId, OrganizationId, UserId
from ctv_ads.domain.listing import ListQuery
from ctv_ads.migrate import migrate_up, packaged_migrations
from local.bench.filling import Filled, fill
from local.bench.statements import (
    Statement,
    indexes_of,
    plan_of,
    recorded_statements,
    sequential_scans,
)
from local.ports import HOST
from local.postgres import OWNER, PostgresServer
from tests.worlds import Schema

CAMPAIGNS = 2000
BIG = {"campaigns", "line_items"}


@dataclass(frozen=True, slots=True)
class Full:
    """A database of its own, full of campaigns of three organizations."""

    dsn: str
    database: Database
    filled: Filled

    @property
    def caller(self) -> Caller:
        filled = self.filled
        return Caller(UserId(filled.user_id), OrganizationId(filled.organization_id), Role.OWNER)

    def plans(self, statements: list[Statement]) -> list[dict[str, object]]:
        with self.database.transaction(self.caller) as connection:
            return [plan_of(connection, each) for each in statements if not each.is_identity]


@pytest.fixture(scope="module")
def full(postgres_server: PostgresServer, schema: Schema) -> Iterator[Full]:
    name = f"plans_{new_id()}"
    dsn = f"postgresql://{OWNER}:{postgres_server.password}@{HOST}:{postgres_server.port}/{name}"
    with psycopg.connect(schema.owner_dsn, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        with psycopg.connect(dsn, autocommit=True) as connection:
            migrate_up(connection, packaged_migrations())
            filled = fill(connection, password_hash="-", campaigns=CAMPAIGNS)
        database = Database({**schema.api_secret, "dbname": name})
        yield Full(dsn, database, filled)
        database.close()
        owner.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def assert_no_big_table_is_read_whole(full: Full, statements: list[Statement]) -> set[str]:
    plans = full.plans(statements)
    assert plans
    for plan in plans:
        assert BIG & set(sequential_scans(plan)) == set()
    return {index for plan in plans for index in indexes_of(plan)}


@pytest.mark.parametrize(
    ("sort", "index"),
    [
        ("-created_at", "campaigns_by_creation"),
        ("created_at", "campaigns_by_creation"),
        ("name", "campaigns_by_name"),
        ("-starts_at", "campaigns_by_start"),
        ("ends_at", "campaigns_by_end"),
        ("-budget_micros", "campaigns_by_budget"),
        ("status", "campaigns_by_status"),
    ],
)
def test_a_list_is_read_in_its_order(full: Full, sort: str, index: str) -> None:
    with PostgresStores(full.database).transaction(full.caller) as store:
        first = store.campaign_lists.page(ListQuery(limit=20, sort=sort))
        with recorded_statements() as statements:
            store.campaign_lists.page(ListQuery(limit=20, sort=sort, cursor=first.next_cursor))
    assert index in assert_no_big_table_is_read_whole(full, statements)


@pytest.mark.parametrize(
    "filters",
    [
        {"statuses": ["active"]},
        {"q": "Campaign 0100"},
        {"q": "x"},
    ],
)
def test_what_is_filtered_reads_no_other_organization(
    full: Full, filters: dict[str, object]
) -> None:
    with (
        PostgresStores(full.database).transaction(full.caller) as store,
        recorded_statements() as statements,
    ):
        store.campaign_lists.page(ListQuery(limit=20, sort="name", filters=filters))
    assert_no_big_table_is_read_whole(full, statements)


def test_a_campaign_is_found_by_its_id(full: Full) -> None:
    campaign_id = CampaignId(full.filled.campaign_ids[7])
    with (
        PostgresStores(full.database).transaction(full.caller) as store,
        recorded_statements() as statements,
    ):
        assert len(store.campaigns.get(campaign_id).line_items) > 0
    assert_no_big_table_is_read_whole(full, statements)


def test_the_search_uses_the_words_of_the_name(full: Full) -> None:
    with psycopg.connect(full.dsn, row_factory=dict_row) as owner:
        owner.execute(
            "SELECT set_config('app.organization_id', %s, true)", (full.filled.organization_id,)
        )
        found = owner.execute("SELECT prosrc FROM pg_proc WHERE proname = 'campaigns_named'")
        body = (found.fetchone() or {})["prosrc"]
        owner.execute(f"PREPARE search (text) AS {body}".encode())
        plan = plan_of(owner, Statement("EXECUTE search ('%Campaign 0100%')", None))
    assert "campaigns_by_words" in indexes_of(plan)


def test_the_search_without_an_organization_finds_nothing(full: Full) -> None:
    with full.database.transaction() as connection:
        assert connection.execute("SELECT campaigns_named('%')").fetchall() == []
