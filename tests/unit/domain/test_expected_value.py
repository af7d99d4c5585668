"""What one showing is expected to earn."""

from ctv_ads.domain.expected_value import expected_value_micros
from ctv_ads.domain.line_item import Goal, GoalUnit, RateType
from tests.builders import a_servable_creative

FILMS = [a_servable_creative(completion_rate_bp=rate) for rate in (None, 5_000)]


def test_an_impression_is_worth_its_price() -> None:
    assert expected_value_micros(RateType.CPM, 20_000, None, None, FILMS) == 20_000


def test_a_completed_view_is_worth_its_price_as_often_as_films_are_completed() -> None:
    assert expected_value_micros(RateType.CPCV, 20_000, 20_000, None, FILMS) == 14_000
    assert expected_value_micros(RateType.CPCV, 20_000, 20_000, None, []) == 0


def test_a_flat_price_is_spread_over_the_impressions_of_its_goal() -> None:
    goal = Goal(GoalUnit.IMPRESSIONS, 1_000)
    assert expected_value_micros(RateType.FLAT, 0, 5_000_000, goal, FILMS) == 5_000
    assert expected_value_micros(RateType.FLAT, 0, None, goal, FILMS) == 0


def test_of_a_flat_price_without_such_a_goal_nothing_is_known() -> None:
    for goal in (None, Goal(GoalUnit.PERCENT, 50)):
        assert expected_value_micros(RateType.FLAT, 0, 5_000_000, goal, FILMS) == 0
