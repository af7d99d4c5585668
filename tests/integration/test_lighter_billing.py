"""`bill_by_bucket` of migration 0040 bills as the one of 0012 did, which its down script restores."""

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.campaign import Campaign
from ctv_ads.migrate import packaged_migrations
from tests.books import Owner, a_campaign_of
from tests.builders import NOON
from tests.token_books import ADD_LINE_ITEM
from tests.worlds import World

_OLD, _NEW = "bill_by_bucket_of_before", "bill_by_bucket"
_CREATE = "CREATE OR REPLACE FUNCTION "
_ROUNDS = 40
_OPEN = """
INSERT INTO token_buckets (line_item_id, bucket, organization_id, campaign_id, unit, budget_day,
                           granted_micros, opened_at, closed_at, expires_at, released_at)
SELECT line_item_id, %s, organization_id, campaign_id, %s, %s, %s, %s, %s, %s, %s
FROM line_items WHERE line_item_id = %s"""
_TABLES = tuple(
    f"SELECT {columns} FROM {table} WHERE campaign_id = ANY (%s::uuid[]) ORDER BY 1, 2".encode()  # noqa: S608
    for table, columns in (
        ("campaigns", "campaign_id, billed_micros"),
        ("line_items", "line_item_id, billed_micros"),
        ("line_item_days", "line_item_id, budget_day, billed_micros, billed_events"),
        ("token_buckets", "line_item_id, bucket, billed_micros, outstanding_micros"),
    )
)
Events = Sequence[Sequence[Any]]
"""Columns: positions, line items, buckets, prices, moments of decisions."""


@pytest.fixture
def connection(postgres_of_session: World) -> Iterator[Owner]:
    """A transaction with both functions, of which nothing stays."""
    (down,) = [one.down for one in packaged_migrations() if one.title == "lighter_billing"]
    (old,) = [one for one in down.split(_CREATE) if one.startswith(f"{_NEW}(")]
    with psycopg.connect(postgres_of_session.schema.owner_dsn, row_factory=dict_row) as connection:
        connection.execute(f"{_CREATE}{old.replace(_NEW, _OLD, 1)}".encode())
        yield connection
        connection.rollback()


def outcome(
    connection: Owner, function: str, batches: Sequence[Events], campaigns: Sequence[Campaign]
) -> list[Any]:
    """Bill batches one after the other; return what came of each and what it left, and undo it."""
    found: list[Any] = []
    ids = [campaign.campaign_id for campaign in campaigns]
    with connection.transaction(force_rollback=True):
        for events in batches:
            billed = f"SELECT * FROM {function}(%s, %s::uuid[], %s, %s, %s)"  # noqa: S608
            found.append(connection.execute(billed.encode(), list(events)).fetchall())
            found += [connection.execute(table, (ids,)).fetchall() for table in _TABLES]
    return found


def some_terms(chance: random.Random, connection: Owner, campaign: Campaign) -> list[str]:
    """Give the campaign three line items with budgets, goals and grants; return their ids."""
    added = [new_id(), new_id()]
    for line_item_id in added:
        connection.execute(ADD_LINE_ITEM, (line_item_id, None, None, campaign.campaign_id))
    ids = [str(campaign.line_items[0].line_item_id), *added]
    for line_item_id in ids:
        goal = chance.choice([None, "micros", "impressions"])
        terms = (
            chance.choice([None, 60, 300]),
            chance.choice([None, 40, 100]),
            goal,
            goal and chance.choice([50, 400]),
            chance.choice([None, "America/New_York"]),
            line_item_id,
        )
        connection.execute(
            "UPDATE line_items SET budget_micros = %s, daily_budget_micros = %s, goal_unit = %s,"
            " goal_amount = %s, timezone = %s WHERE line_item_id = %s",
            terms,
        )
        for bucket in (1, 2, 3):
            over = NOON if chance.random() < 0.25 else None
            day = (NOON + timedelta(days=chance.choice([-1, 0, 0, 1]))).date()
            unit, tokens = (
                chance.choice(["micros", "micros", "impressions"]),
                chance.choice([2, 45, 900]),
            )
            values = (bucket, unit, day, tokens, NOON, over, over, over, line_item_id)
            connection.execute(_OPEN, values)
    return ids


def some_events(chance: random.Random, line_items: Sequence[str]) -> Events:
    # All at one price or each at its own, all in time or some late: other ways to what fits.
    prices = chance.choice([[10], [0], [0, 1, 7, 10, 23]])
    buckets = chance.choice([[1], [1, 2], [0, 1, 1, 2, 3, 99]])
    rows = [
        (
            position,
            chance.choice(line_items),
            chance.choice(buckets),
            chance.choice(prices),
            NOON + timedelta(hours=chance.choice([-30, -12, -8, 0, 12]), microseconds=position),
        )
        for position in range(chance.choice([1, 5, 40]))
    ]
    chance.shuffle(rows)
    return [list(column) for column in zip(*rows, strict=True)]


@pytest.mark.parametrize("seed", range(3))
def test_both_bill_the_same_and_leave_the_same(
    postgres_of_session: World, connection: Owner, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same events every time
    campaigns = [a_campaign_of(postgres_of_session, 1) for _ in range(3)]
    seen = set()
    for _ in range(_ROUNDS):
        with connection.transaction(force_rollback=True):
            line_items = []
            for campaign in campaigns:
                connection.execute(
                    "UPDATE campaigns SET budget_micros = %s WHERE campaign_id = %s",
                    (chance.choice([30, 120, 10**6]), campaign.campaign_id),
                )
                line_items += some_terms(chance, connection, campaign)
            batches = [some_events(chance, line_items) for _ in range(3)]
            found = outcome(connection, _NEW, batches, campaigns)
            assert found == outcome(connection, _OLD, batches, campaigns)
        seen |= {row["outcome"] for row in found[0]}
    assert seen == {"in_time", "late", "over_budget"}
