"""What a token's bucket pays: in time, late, or not at all; never more than any budget."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from ctv_ads.domain.campaign import Campaign
from tests.builders import NOON, PRICE_MICROS, a_campaign_draft
from tests.worlds import World

_OPEN = """
INSERT INTO token_buckets (line_item_id, bucket, organization_id, campaign_id, unit, budget_day,
                           granted_micros, opened_at)
SELECT line_item_id, %s, organization_id, campaign_id, %s, %s, %s, now()
FROM line_items WHERE line_item_id = %s"""
_RELEASE = """
UPDATE token_buckets SET closed_at = now(), expires_at = now(), released_at = now()
WHERE line_item_id = %s AND bucket = %s"""
_BILL = "SELECT * FROM bill_by_bucket(%s, %s::uuid[], %s, %s, %s)"
TODAY = NOON.date()


@dataclass(slots=True)
class Books:
    """A campaign for some impressions, and its buckets, by plain SQL of the pipeline's role."""

    connection: psycopg.Connection[dict[str, Any]]
    campaign: Campaign
    line_items: list[str] = field(default_factory=list)

    @property
    def line_item(self) -> str:
        return self.campaign.line_items[0].line_item_id

    def grants(self, bucket: int, tokens: int, *, day: date = TODAY, unit: str = "micros") -> None:
        self.connection.execute(_OPEN, (bucket, unit, day, tokens, self.line_item))

    def releases(self, bucket: int) -> None:
        self.connection.execute(_RELEASE, (self.line_item, bucket))

    def bills(
        self, *buckets: int, price_micros: int = PRICE_MICROS, decided_at: datetime = NOON
    ) -> list[str]:
        count = len(buckets)
        rows = self.connection.execute(
            _BILL,
            (
                list(range(count)),
                [self.line_item] * count,
                list(buckets),
                [price_micros] * count,
                [decided_at] * count,
            ),
        ).fetchall()
        assert all((row["outcome"] == "over_budget") == (row["micros"] == 0) for row in rows) or (
            price_micros == 0
        )
        return [row["outcome"] for row in rows]

    def billed(self) -> set[int]:
        """Return what each book says was billed: they agree when there is one amount."""
        row = self.connection.execute(
            "SELECT c.billed_micros AS campaign, l.billed_micros AS line_item,"
            " (SELECT coalesce(sum(d.billed_micros), 0)::bigint FROM line_item_days d"
            "  WHERE d.line_item_id = l.line_item_id) AS days"
            " FROM line_items l JOIN campaigns c USING (campaign_id) WHERE l.line_item_id = %s",
            (self.line_item,),
        ).fetchone()
        return set((row or {}).values())

    def says(self, change: str, *values: object) -> None:
        self.connection.execute(
            f"UPDATE line_items SET {change} WHERE line_item_id = %s".encode(),  # noqa: S608
            (*values, self.line_item),
        )


@pytest.fixture
def books(postgres_of_session: World) -> Iterator[Books]:
    world = postgres_of_session
    draft = a_campaign_draft(budget_micros=10 * PRICE_MICROS)
    campaign = world.a_serving_campaign(world.a_tenant(), draft)
    with psycopg.connect(world.schema.owner_dsn, row_factory=dict_row) as connection:
        yield Books(connection, campaign)


def test_what_was_reserved_is_billed_in_time(books: Books) -> None:
    books.grants(7, 2 * PRICE_MICROS)
    assert books.bills(7, 7) == ["in_time", "in_time"]
    assert books.billed() == {2 * PRICE_MICROS}


def test_beyond_its_bucket_an_event_is_late_and_billed_of_what_nobody_reserved(
    books: Books,
) -> None:
    books.grants(7, PRICE_MICROS)
    books.grants(8, 8 * PRICE_MICROS)
    assert books.bills(7, 7, 7) == ["in_time", "late", "over_budget"]
    assert books.billed() == {2 * PRICE_MICROS}
    assert books.bills(*[8] * 8) == ["in_time"] * 8
    assert books.billed() == {10 * PRICE_MICROS}


@pytest.mark.parametrize("bucket", [0, 99, 4294967295])
def test_an_unknown_bucket_is_late(books: Books, bucket: int) -> None:
    books.grants(7, 9 * PRICE_MICROS)
    assert books.bills(bucket, bucket) == ["late", "over_budget"]


def test_a_released_bucket_pays_nothing_of_its_own_and_leaves_its_rest_to_all(
    books: Books,
) -> None:
    books.grants(7, 6 * PRICE_MICROS)
    books.grants(8, 4 * PRICE_MICROS)
    assert books.bills(7, 7) == ["in_time", "in_time"]
    books.releases(7)
    assert books.bills(7, 8, 7) == ["late", "in_time", "late"]
    assert books.bills(*[7] * 3) == ["late", "late", "over_budget"]


def test_a_budget_cut_below_what_is_reserved_stays_a_limit(books: Books) -> None:
    books.grants(7, 10 * PRICE_MICROS)
    books.connection.execute(
        "UPDATE campaigns SET budget_micros = %s WHERE campaign_id = %s",
        (3 * PRICE_MICROS, books.campaign.campaign_id),
    )
    assert books.bills(*[7] * 4) == ["in_time"] * 3 + ["over_budget"]
    assert books.billed() == {3 * PRICE_MICROS}


@pytest.mark.parametrize(
    "change",
    [
        f"budget_micros = {2 * PRICE_MICROS}",
        f"goal_unit = 'micros', goal_amount = {2 * PRICE_MICROS}",
        f"daily_budget_micros = {2 * PRICE_MICROS}",
    ],
)
def test_each_limit_of_a_line_item_holds_in_time_and_late(books: Books, change: str) -> None:
    books.says(change)
    books.grants(7, PRICE_MICROS)
    assert books.bills(0, 0, 7) == ["late", "over_budget", "in_time"]
    assert books.bills(0, 7) == ["over_budget", "over_budget"]
    assert books.billed() == {2 * PRICE_MICROS}


def test_a_day_is_the_line_items_own_and_the_next_one_pays_again(books: Books) -> None:
    books.says("daily_budget_micros = %s, timezone = 'Asia/Tokyo'", PRICE_MICROS)
    before_midnight = datetime(2026, 11, 20, 14, 59, tzinfo=UTC)
    assert books.bills(0, 0, decided_at=before_midnight) == ["late", "over_budget"]
    after_midnight = before_midnight + timedelta(minutes=1)
    assert books.bills(0, 0, decided_at=after_midnight) == ["late", "over_budget"]


def test_a_bucket_is_paid_by_its_own_day_whenever_it_is_claimed(books: Books) -> None:
    books.says("daily_budget_micros = %s", PRICE_MICROS)
    books.grants(7, PRICE_MICROS, day=TODAY - timedelta(days=1))
    books.grants(8, PRICE_MICROS, day=TODAY)
    assert books.bills(7, 8) == ["in_time", "in_time"]


def test_what_costs_nothing_counts_by_impressions_and_takes_no_money(books: Books) -> None:
    books.grants(7, 2, unit="impressions")
    assert books.bills(7, 7, 7, price_micros=0) == ["in_time", "in_time", "late"]
    assert books.billed() == {0}
    row = books.connection.execute(
        "SELECT billed_events FROM line_item_days WHERE line_item_id = %s", (books.line_item,)
    ).fetchone()
    assert row == {"billed_events": 3}


def test_a_bucket_of_another_unit_pays_nothing(books: Books) -> None:
    books.grants(7, 10 * PRICE_MICROS, unit="impressions")
    assert books.bills(7) == ["late"]
    row = books.connection.execute(
        "SELECT outstanding_micros FROM token_buckets WHERE line_item_id = %s", (books.line_item,)
    ).fetchone()
    assert row == {"outstanding_micros": 10 * PRICE_MICROS}


def test_what_does_not_fit_leaves_the_rest_to_what_does(books: Books) -> None:
    positions, ids = [0, 1, 2], [books.line_item] * 3
    prices = [9 * PRICE_MICROS, 2 * PRICE_MICROS, PRICE_MICROS]
    rows = books.connection.execute(
        _BILL, (positions, ids, [0, 0, 0], prices, [NOON] * 3)
    ).fetchall()
    assert [row["micros"] for row in rows] == [9 * PRICE_MICROS, 0, PRICE_MICROS]
