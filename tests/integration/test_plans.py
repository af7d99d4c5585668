"""Lists, search and detail use indexes, and go on using them under row-level security."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

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
from ctv_ads.domain.supply import SupplyBy, SupplyQuery
from ctv_ads.migrate import migrate_up, packaged_migrations
from local.bench.filling import Filled, fill
from local.bench.statements import (
    Statement,
    indexes_of,
    nodes_of,
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

    def plans(self, statements: list[Statement]) -> list[dict[str, Any]]:
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
    ("by", "table"), [(SupplyBy.PLACEMENT, "delivery_days"), (SupplyBy.HOUR, "delivery_hours")]
)
def test_requests_of_an_organization_are_found_among_those_of_all(
    full: Full, by: SupplyBy, table: str
) -> None:
    period = "hour" if by is SupplyBy.HOUR else "day"
    with psycopg.connect(full.dsn, autocommit=True) as owner:
        owner.execute(
            f"INSERT INTO {table} (organization_id, campaign_id, line_item_id, creative_id,"  # noqa: S608
            f" placement_id, country, device_type, {period}, requests)"
            " SELECT md5(o::text)::uuid, none, none, none, md5(o::text)::uuid, '', '', d, 1"
            " FROM generate_series(1, 300) o, generate_series(DATE '2026-08-01', DATE '2026-11-30',"
            " '1 day') d, (SELECT '00000000-0000-0000-0000-000000000000'::uuid AS none) n".encode()
        )
        owner.execute(f"ANALYZE {table}".encode())
    days: Any = {"first_day": date(2026, 11, 1), "last_day": date(2026, 11, 30)}
    with PostgresStores(full.database).transaction(full.caller) as store:
        with recorded_statements() as statements:
            store.supply.report(SupplyQuery(by=by, limit=50, **days))
        plan = full.plans(statements)[0]
    assert f"{table}_of_requests" in indexes_of(plan)
    assert table not in sequential_scans(plan)


@pytest.mark.parametrize("sort", ["billed_micros", "-billed_micros"])
def test_a_sort_without_an_index_joins_the_rows_of_its_page_only(full: Full, sort: str) -> None:
    with PostgresStores(full.database).transaction(full.caller) as store:
        first = store.campaign_lists.page(ListQuery(limit=20, sort=sort))
        with recorded_statements() as statements:
            second = store.campaign_lists.page(
                ListQuery(limit=20, sort=sort, cursor=first.next_cursor)
            )
    shown = [campaign.billed_micros for campaign in (*first.items, *second.items)]
    assert shown == sorted(shown, reverse=sort.startswith("-"))
    assert len({campaign.campaign_id for campaign in (*first.items, *second.items)}) == 40
    _, plan = full.plans(statements)
    (cut,) = [node for node in nodes_of(plan) if node["Node Type"] == "Limit"]
    assert {node.get("Relation Name") for node in nodes_of(cut)} - {None} == {"campaigns"}
    lookups = [node for node in nodes_of(plan) if node.get("Index Name") == "campaigns_pkey"]
    assert [node["Node Type"] for node in lookups] == ["Index Scan"]


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


@pytest.fixture(scope="module")
def words(full: Full) -> Full:
    """The database with advertisers, placements and a campaign's line items by the ten thousand."""
    filled = full.filled
    values = {"organization": filled.organization_id, "campaign": filled.campaign_ids[0]}
    with psycopg.connect(full.dsn) as owner:
        for statement in _THOUSANDS:
            owner.execute(statement, values)
    with psycopg.connect(full.dsn, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")
    return full


_THOUSANDS = (
    (
        "INSERT INTO advertisers (advertiser_id, organization_id, name, domain)"
        " SELECT uuidv7(), %(organization)s, 'Firm ' || n, 'firm' || n || '.example'"
        " FROM generate_series(1, 20000) n"
    ),
    (
        "INSERT INTO placements (placement_id, organization_id, key, name)"
        " SELECT uuidv7(), %(organization)s, 'slot-' || n, 'Channel ' || n"
        " FROM generate_series(1, 20000) n"
    ),
    (
        "INSERT INTO line_items (line_item_id, organization_id, campaign_id, name)"
        " SELECT uuidv7(), %(organization)s, %(campaign)s, 'Daypart ' || n"
        " FROM generate_series(1, 20000) n"
    ),
)


@pytest.mark.parametrize(
    ("search", "arguments", "index"),
    [
        ("campaigns_named (text)", "'%Campaign 0100%'", "campaigns_by_words"),
        ("advertisers_named (text)", "'%firm12345%'", "advertisers_by_words"),
        ("placements_named (text)", "'%slot-12345%'", "placements_by_words"),
        ("line_items_named (uuid, text)", "'{campaign}', '%Daypart 12345%'", "line_items_by_words"),
    ],
)
def test_a_search_uses_the_words_of_the_name(
    words: Full, search: str, arguments: str, index: str
) -> None:
    name, _, parameters = search.partition(" ")
    arguments = arguments.format(campaign=words.filled.campaign_ids[0])
    with psycopg.connect(words.dsn, row_factory=dict_row) as owner:
        owner.execute(
            "SELECT set_config('app.organization_id', %s, true)", (words.filled.organization_id,)
        )
        found = owner.execute("SELECT prosrc FROM pg_proc WHERE proname = %s", (name,))
        body = (found.fetchone() or {})["prosrc"]
        owner.execute(f"PREPARE search {parameters} AS {body}".encode())
        plan = plan_of(owner, Statement(f"EXECUTE search ({arguments})", None))
    assert index in indexes_of(plan)
    assert sequential_scans(plan) == []


def test_what_is_searched_is_found_by_name_and_by_address(words: Full) -> None:
    with PostgresStores(words.database).transaction(words.caller) as store:
        for lists, query, name in (
            (store.advertisers, "%IRM 12345%", "Firm 12345"),
            (store.advertisers, "%firm12345.ex%", "Firm 12345"),
            (store.placements, "%CHANNEL 12345%", "Channel 12345"),
            (store.placements, "%slot-12345%", "Channel 12345"),
        ):
            page = lists.page(ListQuery(limit=5, sort="name", filters={"q": query}))
            assert ([item.terms.name for item in page.items], page.totals) == ([name], {"count": 1})
        filters = {"campaign_id": words.filled.campaign_ids[0], "q": "%PART 12345%"}
        found = store.line_items.page(ListQuery(limit=5, sort="name", filters=filters))
        assert [item.terms.name for item in found.items] == ["Daypart 12345"]


@pytest.mark.parametrize(
    ("kind", "sort", "index"),
    [
        ("advertisers", "name", "advertisers_by_name"),
        ("advertisers", "-created_at", "advertisers_by_creation"),
        ("placements", "-name", "placements_by_name"),
        ("placements", "key", "placements_by_key"),
        ("placements", "created_at", "placements_by_creation"),
    ],
)
def test_what_is_booked_with_is_listed_in_its_order_too(
    words: Full, kind: str, sort: str, index: str
) -> None:
    with PostgresStores(words.database).transaction(words.caller) as store:
        lists = getattr(store, kind)
        first = lists.page(ListQuery(limit=20, sort=sort))
        with recorded_statements() as statements:
            lists.page(ListQuery(limit=20, sort=sort, cursor=first.next_cursor))
    _, plan = words.plans(statements)
    assert [node["Index Name"] for node in nodes_of(plan) if "Index Name" in node] == [index]
    assert "Sort" not in {node["Node Type"] for node in nodes_of(plan)}
    (cursor,) = [node["Index Cond"] for node in nodes_of(plan) if "Index Cond" in node]
    assert "ROW(" in cursor, "the index begins where the page before ended"


@pytest.mark.parametrize("kind", ["advertisers", "placements", "line_items"])
def test_a_search_reads_no_table_from_end_to_end(words: Full, kind: str) -> None:
    filters = {"campaign_id": words.filled.campaign_ids[0]} if kind == "line_items" else {}
    with (
        PostgresStores(words.database).transaction(words.caller) as store,
        recorded_statements() as statements,
    ):
        lists = getattr(store, kind)
        lists.page(ListQuery(limit=20, sort="name", filters={**filters, "q": "%12345%"}))
    for plan in words.plans(statements):
        assert {"advertisers", "placements", "line_items"} & set(sequential_scans(plan)) == set()


@pytest.mark.parametrize(
    "search",
    [
        "campaigns_named('%')",
        "advertisers_named('%')",
        "placements_named('%')",
        "line_items_named('{campaign}', '%')",
    ],
)
def test_the_search_without_an_organization_finds_nothing(words: Full, search: str) -> None:
    query = f"SELECT {search.format(campaign=words.filled.campaign_ids[0])}"
    with words.database.transaction() as connection:
        assert connection.execute(query.encode()).fetchall() == []
