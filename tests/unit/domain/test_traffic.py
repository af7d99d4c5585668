"""When there is traffic: the weights of a week's hours, from what was counted."""

from ctv_ads.domain.pacing import UNIFORM, WEEK_HOURS
from ctv_ads.domain.traffic import LEAST_OPPORTUNITIES, local_curve

MONDAY_20 = [1000 if hour == 20 else 0 for hour in range(WEEK_HOURS)]
SUNDAY_23 = [1000 if hour == WEEK_HOURS - 1 else 0 for hour in range(WEEK_HOURS)]


def test_without_history_every_hour_is_alike() -> None:
    few = [LEAST_OPPORTUNITIES - 1] + [0] * (WEEK_HOURS - 1)
    assert local_curve([], offset_hours=0) == UNIFORM
    assert local_curve([few], offset_hours=0) == UNIFORM


def test_hours_are_local_and_the_week_goes_round() -> None:
    assert local_curve([MONDAY_20], offset_hours=0).index(100 * WEEK_HOURS) == 20
    assert local_curve([MONDAY_20], offset_hours=-5).index(100 * WEEK_HOURS) == 15
    assert local_curve([SUNDAY_23], offset_hours=9).index(100 * WEEK_HOURS) == 8


def test_placements_count_together_and_no_hour_for_nothing() -> None:
    curve = local_curve([MONDAY_20, SUNDAY_23], offset_hours=0)
    assert curve[20] == curve[-1] == 50 * WEEK_HOURS
    assert min(curve) == 1
