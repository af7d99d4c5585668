"""A campaign is activated when one of its line items can serve, or says why none can."""

from datetime import timedelta
from typing import Any

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.activation import (
    MOST_NAMED,
    BookedLineItem,
    Rotated,
    obstacles_to_activation,
)
from ctv_ads.domain.campaign import Campaign, LineItemType
from ctv_ads.domain.ids import CampaignId, LineItemId
from ctv_ads.domain.line_item import LineItem, LineItemStatus, LineItemTerms, RateType
from tests.builders import DAY, NOON, PRICE_MICROS, a_campaign


def a_line_item(*, name: str = "Evenings", billed_micros: int = 0, **terms: Any) -> LineItem:
    return LineItem(
        line_item_id=LineItemId(new_id()),
        campaign_id=CampaignId(new_id()),
        terms=LineItemTerms(name=name, type=LineItemType.STANDARD, priority=8, **terms),
        is_default=False,
        billed_micros=billed_micros,
        version=1,
        created_at=NOON,
        updated_at=NOON,
    )


SERVES = BookedLineItem(a_line_item())
PAUSED = BookedLineItem(a_line_item(status=LineItemStatus.PAUSED))
ENDS = NOON + 30 * DAY
TICK = timedelta.resolution


def found(
    *line_items: BookedLineItem, campaign: Campaign | None = None, ready_creatives: int = 1
) -> list[tuple[str, str]]:
    obstacles = obstacles_to_activation(
        campaign or a_campaign(), line_items, ready_creatives=ready_creatives, now=NOON
    )
    return [(obstacle.path, obstacle.code) for obstacle in obstacles]


def of_one(*rotated: Rotated, campaign: Campaign | None = None, **terms: Any) -> list[Any]:
    """What keeps a campaign's only line item from serving; paths within the line item."""
    only = BookedLineItem(a_line_item(**terms), rotated)
    path = f"line_items.{only.line_item.line_item_id}."
    return [(where.removeprefix(path), code) for where, code in found(only, campaign=campaign)]


def test_nothing_stands_in_the_way_of_a_campaign_that_has_all() -> None:
    assert found(SERVES) == []


def test_without_a_ready_creative_it_cannot_serve() -> None:
    assert found(SERVES, ready_creatives=0) == [("creatives", "no_ready_creative")]


@pytest.mark.parametrize(("left", "stands"), [(timedelta(0), True), (TICK, False)])
def test_a_flight_that_has_ended_cannot_serve(left: timedelta, *, stands: bool) -> None:
    campaign = a_campaign(ends_at=NOON + left)
    assert found(SERVES, campaign=campaign) == ([("ends_at", "flight_ended")] if stands else [])


@pytest.mark.parametrize("money", [(0, 0), (PRICE_MICROS - 1, 0), (100_000, 80_001)])
def test_what_pays_for_no_impression_cannot_serve(money: tuple[int, int]) -> None:
    campaign = a_campaign(budget_micros=money[0], billed_micros=money[1])
    assert found(SERVES, campaign=campaign) == [("budget_micros", "budget_too_small")]


def test_what_pays_for_one_impression_can() -> None:
    assert found(SERVES, campaign=a_campaign(budget_micros=100_000, billed_micros=80_000)) == []


def test_the_cheapest_line_item_tells_what_the_budget_must_pay_for() -> None:
    cheap = BookedLineItem(a_line_item(rate_micros=1_000_000))
    assert found(SERVES, cheap, campaign=a_campaign(budget_micros=1_000)) == []
    assert found(SERVES, cheap, campaign=a_campaign(budget_micros=999)) == [
        ("budget_micros", "budget_too_small")
    ]


def test_without_line_items_the_campaigns_own_price_counts() -> None:
    campaign = a_campaign(budget_micros=PRICE_MICROS - 1)
    assert found(campaign=campaign) == [("budget_micros", "budget_too_small")]


def test_what_the_whole_campaign_lacks_is_said_once_and_all_of_it() -> None:
    campaign = a_campaign(budget_micros=0, ends_at=NOON)
    paths = [path for path, _ in found(SERVES, SERVES, campaign=campaign, ready_creatives=0)]
    assert paths == ["creatives", "ends_at", "budget_micros"]


def test_one_line_item_that_can_serve_is_enough() -> None:
    assert found(PAUSED, SERVES, PAUSED) == []


def test_when_all_are_paused_each_is_named() -> None:
    other = BookedLineItem(a_line_item(name="Mornings", status=LineItemStatus.PAUSED))
    obstacles = obstacles_to_activation(a_campaign(), [PAUSED, other], ready_creatives=1, now=NOON)
    assert [obstacle.path for obstacle in obstacles] == [
        f"line_items.{item.line_item.line_item_id}.status" for item in (PAUSED, other)
    ]
    assert [obstacle.message for obstacle in obstacles] == [
        'line item "Evenings" is paused',
        'line item "Mornings" is paused',
    ]


def test_of_very_many_line_items_the_rest_is_counted() -> None:
    told = found(*[PAUSED] * (MOST_NAMED + 3))
    assert (len(told), told[-1]) == (MOST_NAMED + 1, ("line_items", "more_line_items"))
    assert len(found(*[PAUSED] * MOST_NAMED)) == MOST_NAMED


@pytest.mark.parametrize(
    ("terms", "obstacle"),
    [
        ({"ends_at": NOON}, ("ends_at", "flight_ended")),
        ({"starts_at": ENDS}, ("starts_at", "outside_campaign_flight")),
        ({"starts_at": ENDS, "ends_at": ENDS + DAY}, ("ends_at", "outside_campaign_flight")),
        ({"rate_micros": 1_000_001_000}, ("rate_micros", "campaign_budget_too_small")),
    ],
)
def test_each_reason_of_a_line_item_is_named(
    terms: dict[str, Any], obstacle: tuple[str, str]
) -> None:
    campaign = a_campaign()
    pricey = BookedLineItem(a_line_item(**terms))
    paused = PAUSED.line_item.line_item_id
    assert found(pricey, PAUSED, campaign=campaign) == [
        (f"line_items.{pricey.line_item.line_item_id}.{obstacle[0]}", obstacle[1]),
        (f"line_items.{paused}.status", "line_item_paused"),
    ]


@pytest.mark.parametrize(
    ("terms", "paths"),
    [
        ({"budget_micros": 0}, ["budget_micros"]),
        ({"budget_micros": PRICE_MICROS, "billed_micros": 1}, ["budget_micros"]),
        ({"budget_micros": PRICE_MICROS}, []),
        ({"daily_budget_micros": PRICE_MICROS - 1}, ["daily_budget_micros"]),
        ({"daily_budget_micros": PRICE_MICROS}, []),
        ({"rate_type": RateType.CPCV, "rate_micros": 500, "budget_micros": 499}, ["budget_micros"]),
        ({"rate_type": RateType.CPCV, "rate_micros": 500, "budget_micros": 500}, []),
        ({"rate_type": RateType.FLAT, "rate_micros": 500, "budget_micros": 1}, []),
    ],
)
def test_budgets_of_its_own_pay_for_one_impression(terms: dict[str, Any], paths: list[str]) -> None:
    assert of_one(**terms) == [(path, "budget_too_small") for path in paths]


@pytest.mark.parametrize(
    ("rotated", "code"),
    [
        ([Rotated(is_ready=True)], None),
        ([Rotated(is_ready=False)], "no_ready_creative"),
        ([Rotated(is_ready=False), Rotated(is_ready=True)], None),
        ([Rotated(is_ready=True, ends_at=NOON)], "assignments_over"),
        ([Rotated(is_ready=True, ends_at=NOON + TICK)], None),
        ([Rotated(is_ready=True, starts_at=ENDS)], "assignments_over"),
        ([Rotated(is_ready=True, starts_at=ENDS - TICK)], None),
        ([Rotated(is_ready=True, ends_at=NOON), Rotated(is_ready=False)], "assignments_over"),
    ],
)
def test_a_line_item_with_assigned_creatives_needs_one_of_them(
    rotated: list[Rotated], code: str | None
) -> None:
    assert of_one(*rotated) == ([("creatives", code)] if code else [])


def test_assignments_are_held_against_the_line_items_own_flight() -> None:
    early = Rotated(is_ready=True, ends_at=NOON + DAY)
    assert of_one(early, starts_at=NOON + DAY) == [("creatives", "assignments_over")]
    assert of_one(early, starts_at=NOON + DAY - TICK) == []
