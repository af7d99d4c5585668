"""What serving a line item once takes from its tokens."""

import pytest

from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.line_item import Goal, GoalUnit, RateType
from ctv_ads.domain.spending import event_price_micros, needs_tokens, spends_micros
from tests.builders import a_servable_line_item

IMPRESSIONS = Goal(GoalUnit.IMPRESSIONS, 10)


@pytest.mark.parametrize(
    ("kind", "rate_type", "rate_micros", "price_micros"),
    [
        (LineItemType.STANDARD, RateType.CPM, None, 20_000),
        (LineItemType.STANDARD, RateType.CPM, 5_000_000, 5_000),
        (LineItemType.BULK, RateType.CPCV, 30_000, 30_000),
        (LineItemType.SPONSORSHIP, RateType.FLAT, 10**9, 0),
        (LineItemType.HOUSE, RateType.CPM, None, 0),
        (LineItemType.HOUSE, RateType.CPCV, 30_000, 0),
    ],
)
def test_an_event_costs_by_type_and_rate(
    kind: LineItemType, rate_type: RateType, rate_micros: int | None, price_micros: int
) -> None:
    assert event_price_micros(kind, rate_type, rate_micros, 20_000_000) == price_micros


@pytest.mark.parametrize(
    ("price_micros", "goal", "needed"),
    [
        (1, None, True),
        (0, None, False),
        (0, IMPRESSIONS, True),
        (0, Goal(GoalUnit.PERCENT, 50), False),
    ],
)
def test_tokens_are_needed_by_what_costs_or_has_a_goal_in_impressions(
    price_micros: int, goal: Goal | None, *, needed: bool
) -> None:
    assert needs_tokens(price_micros, goal) is needed


@pytest.mark.parametrize(
    ("price_micros", "is_needed", "spends"),
    [(20_000, True, 20_000), (0, True, 1), (0, False, 0)],
)
def test_serving_takes_the_price_or_one_token_an_impression(
    price_micros: int, spends: int, *, is_needed: bool
) -> None:
    line_item = a_servable_line_item(price_micros=price_micros, needs_tokens=is_needed)
    assert spends_micros(line_item) == spends
