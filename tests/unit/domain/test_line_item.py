"""What may be booked as a line item, rule by rule."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from ctv_ads.domain.advertiser import AdvertiserTerms, remarks_on_advertiser
from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.ids import CampaignId, CreativeId, LineItemId
from ctv_ads.domain.line_item import (
    CreativeAssignment,
    Goal,
    GoalUnit,
    LineItem,
    LineItemTerms,
    RateType,
    targeting_of,
)
from ctv_ads.domain.line_item_rules import (
    conflicts_of_change,
    problems_of_assignments,
    problems_of_line_item,
    remarks_on_line_item,
)
from ctv_ads.domain.pace import Pacing
from ctv_ads.domain.targeting import Rule
from ctv_ads.domain.taxonomy import ad_product_categories
from tests.builders import DAY, NOON, a_campaign

PLAIN = LineItemTerms(name="Evenings", type=LineItemType.STANDARD, priority=8, pacing=Pacing.ASAP)


def problems(**terms: Any) -> list[tuple[str, str]]:
    found = problems_of_line_item(replace(PLAIN, **terms), a_campaign())
    return [(problem.path, problem.code) for problem in found]


def test_a_line_item_that_inherits_everything_is_fine() -> None:
    assert problems() == []
    assert list(remarks_on_line_item(PLAIN, a_campaign())) == []


@pytest.mark.parametrize(
    ("rate_type", "rate_micros", "code"),
    [
        (RateType.CPM, None, None),
        (RateType.CPM, 1_000, None),
        (RateType.CPM, 1_001, "not_exact"),
        (RateType.CPCV, 1, None),
        (RateType.CPCV, None, "missing"),
        (RateType.FLAT, None, "missing"),
    ],
)
def test_a_rate_fits_its_type(
    rate_type: RateType, rate_micros: int | None, code: str | None
) -> None:
    expected = [("rate_micros", code)] if code else []
    assert problems(rate_type=rate_type, rate_micros=rate_micros) == expected


@pytest.mark.parametrize(
    ("budget", "daily", "expected"),
    [
        (1_000_000, None, []),
        (1_000_001, None, [("budget_micros", "above_campaign_budget")]),
        (None, 1_000_000, []),
        (None, 1_000_001, [("daily_budget_micros", "above_budget")]),
        (10, 10, []),
        (10, 11, [("daily_budget_micros", "above_budget")]),
    ],
)
def test_budgets_fit_into_one_another(
    budget: int | None, daily: int | None, expected: list[tuple[str, str]]
) -> None:
    assert problems(budget_micros=budget, daily_budget_micros=daily) == expected


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "expected"),
    [
        (NOON - DAY, NOON + 30 * DAY, []),
        (NOON - 2 * DAY, None, [("starts_at", "outside_campaign_flight")]),
        (None, NOON + 31 * DAY, [("ends_at", "outside_campaign_flight")]),
        (NOON, NOON, [("ends_at", "flight_without_length")]),
        (NOON + 30 * DAY, None, [("starts_at", "flight_without_length")]),
    ],
)
def test_a_flight_lies_within_the_campaigns(
    starts_at: datetime | None, ends_at: datetime | None, expected: list[tuple[str, str]]
) -> None:
    assert problems(starts_at=starts_at, ends_at=ends_at) == expected


@pytest.mark.parametrize(
    ("type_", "unit", "amount", "expected"),
    [
        (LineItemType.STANDARD, GoalUnit.IMPRESSIONS, 10**9, []),
        (LineItemType.STANDARD, GoalUnit.PERCENT, 50, [("goal.unit", "does_not_fit_type")]),
        (LineItemType.SPONSORSHIP, GoalUnit.PERCENT, 100, []),
        (LineItemType.HOUSE, GoalUnit.PERCENT, 101, [("goal.amount", "above_hundred")]),
    ],
)
def test_a_goal_fits_its_type(
    type_: LineItemType, unit: GoalUnit, amount: int, expected: list[tuple[str, str]]
) -> None:
    assert problems(type=type_, goal=Goal(unit, amount)) == expected


@pytest.mark.parametrize(("budget", "refused"), [(99, True), (100, False), (None, False)])
def test_a_budget_is_not_below_what_is_billed(budget: int | None, refused: bool) -> None:  # noqa: FBT001
    stored = LineItem(
        line_item_id=LineItemId("l"),
        campaign_id=CampaignId("c"),
        terms=PLAIN,
        is_default=False,
        billed_micros=100,
        version=1,
        created_at=NOON,
        updated_at=NOON,
    )
    conflicts = conflicts_of_change(replace(PLAIN, budget_micros=budget), stored)
    assert [conflict.code for conflict in conflicts] == ["below_billed"] * refused


def test_assignments_are_named_once_and_have_a_length() -> None:
    one = CreativeAssignment(creative_id=CreativeId("a"), starts_at=NOON, ends_at=NOON + DAY)
    assert problems_of_assignments([one]) == []
    open_ended = replace(one, ends_at=None)
    backwards = replace(one, creative_id=CreativeId("b"), ends_at=NOON - DAY)
    found = problems_of_assignments([one, open_ended, backwards])
    told = [(problem.path, problem.code) for problem in found]
    assert told == [
        ("items.1.creative_id", "duplicate"),
        ("items.2.ends_at", "flight_without_length"),
    ]


def test_stored_targeting_keeps_each_value_once_and_drops_empty_rules() -> None:
    stored: dict[str, dict[str, list[str]]] = {
        "os": {"include": ["a", "b", "a"]},
        "make": {"include": [], "exclude": []},
    }
    assert targeting_of(stored) == {"os": Rule(include=("a", "b"))}


@pytest.mark.parametrize(("category", "flagged"), [(None, False), ("1002", False), ("9", True)])
def test_a_category_is_one_of_the_taxonomy_or_flagged(
    category: str | None,
    flagged: bool,  # noqa: FBT001
) -> None:
    terms = AdvertiserTerms(name="Acme", domain=None, product_category=category)
    assert [remark.path for remark in remarks_on_advertiser(terms)] == (
        ["product_category"] if flagged else []
    )


def test_the_taxonomy_is_whole() -> None:
    categories = ad_product_categories()
    assert (len(categories), categories["1002"]) == (583, "Alcohol")
