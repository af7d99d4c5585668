"""Pacing: how much may be spent by when, whatever the traffic does."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctv_ads.domain.line_item import Daypart, Weekday
from ctv_ads.domain.pace import Pacing
from ctv_ads.domain.pacing import (
    CATCH_UP,
    HORIZON,
    UNIFORM,
    URGENCIES,
    WEEK_HOURS,
    Limit,
    LimitedBy,
    Pace,
    Week,
    split,
    week_of,
    wish,
)

MONDAY = datetime(2026, 11, 23)  # noqa: DTZ001 - local times have no zone
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LOOK = timedelta(minutes=1)
PRICE = 20
EVENINGS = tuple(10 if hour % 24 >= 18 else 1 for hour in range(WEEK_HOURS))
MORNINGS = Daypart((Weekday.MONDAY, Weekday.WEDNESDAY), 6 * 60, 9 * 60 + 30)


def a_pace(
    total: int = 100_000,
    *,
    days: float = 10,
    pacing: Pacing = Pacing.EVEN,
    week: Week | None = None,
) -> Pace:
    return Pace(
        total=total,
        starts_at=MONDAY,
        ends_at=MONDAY + days * DAY,
        week=week or week_of(UNIFORM, ()),
        pacing=pacing,
    )


def a_limit(pace: Pace, committed: int = 0, name: LimitedBy = LimitedBy.CAMPAIGN) -> Limit:
    return Limit(name=name, total=pace.total, committed=committed, pace=pace)


def test_even_is_due_in_proportion_to_the_time() -> None:
    pace = a_pace(1000)
    moments = [-DAY, 0 * DAY, 1 * DAY, 5 * DAY, 10 * DAY, 11 * DAY]
    assert [pace.due(MONDAY + moment) for moment in moments] == [0, 0, 100, 500, 1000, 1000]


def test_what_is_due_follows_the_traffic_of_the_week() -> None:
    pace = a_pace(780, days=1, week=week_of(EVENINGS, ()))
    assert pace.due(MONDAY + 18 * HOUR) == 780 * 18 // 78
    assert pace.due(MONDAY + 21 * HOUR) == 780 * 48 // 78


def test_nothing_becomes_due_outside_of_dayparts() -> None:
    pace = a_pace(700, days=7, week=week_of(UNIFORM, (MORNINGS,)))
    at = {hours: pace.due(MONDAY + hours * HOUR) for hours in (5, 6, 8, 10, 24, 48 + 6, 48 + 10)}
    assert at == {5: 0, 6: 0, 8: 200, 10: 350, 24: 350, 54: 350, 58: 700}


def test_dayparts_that_overlap_count_once() -> None:
    twice = (MORNINGS, Daypart((Weekday.MONDAY,), 6 * 60, 9 * 60))
    assert week_of(UNIFORM, twice) == week_of(UNIFORM, (MORNINGS,))


def test_a_curve_without_any_traffic_in_the_dayparts_is_not_heeded() -> None:
    nights = tuple(int(hour % 24 < 5) for hour in range(WEEK_HOURS))
    assert week_of(nights, (MORNINGS,)) == week_of(UNIFORM, (MORNINGS,))


@given(
    curve=st.tuples(*[st.integers(0, 5)] * WEEK_HOURS),
    seconds=st.lists(st.integers(0, 20 * 86_400), min_size=2, max_size=20),
    pacing=st.sampled_from([Pacing.EVEN, Pacing.FRONT_LOADED]),
)
def test_what_is_due_never_decreases_and_ends_with_all(
    curve: tuple[int, ...], seconds: list[int], pacing: Pacing
) -> None:
    pace = a_pace(days=14, week=week_of(curve, ()), pacing=pacing)
    dues = [pace.due(MONDAY + timedelta(seconds=second)) for second in sorted(seconds)]
    assert dues == sorted(dues)
    assert dues[0] >= 0
    assert pace.due(pace.ends_at) == pace.total


@given(
    st.integers(1, 10 * 86_400 - 1), st.integers(0, 10**12), st.sampled_from([UNIFORM, EVENINGS])
)
def test_front_loaded_is_ahead_of_even_at_each_point_and_ends_equal(
    second: int, total: int, curve: tuple[int, ...]
) -> None:
    moment, week = MONDAY + timedelta(seconds=second), week_of(curve, ())
    even = a_pace(total, week=week).due(moment)
    front = a_pace(total, week=week, pacing=Pacing.FRONT_LOADED).due(moment)
    assert even <= front <= total
    if total > 10**9:
        assert even < front


def test_a_flight_in_which_nothing_can_be_delivered_is_due_whole() -> None:
    pace = Pace(
        total=500,
        starts_at=MONDAY + 12 * HOUR,
        ends_at=MONDAY + 20 * HOUR,
        week=week_of(UNIFORM, (MORNINGS,)),
        pacing=Pacing.EVEN,
    )
    assert pace.due(MONDAY + 13 * HOUR) == 500
    assert pace.steady(MONDAY + 13 * HOUR, HORIZON) == 500


def run(pace: Pace, *, served: list[bool], is_asap: bool = False) -> list[int]:
    """Spend all that is granted in each look in which there is traffic; return what was spent."""
    spent, remaining, history = 0, 0, []
    for number, has_traffic in enumerate(served):
        wished = wish(
            [a_limit(pace, spent + remaining)],
            pace.starts_at + number * LOOK,
            price=PRICE,
            remaining=remaining,
            is_asap=is_asap,
        )
        assert wished.amount % PRICE == 0
        remaining = max(remaining, wished.amount)
        if has_traffic:
            spent, remaining = spent + remaining, 0
        history.append(spent)
    return history


@pytest.mark.parametrize("pacing", [Pacing.EVEN, Pacing.FRONT_LOADED])
@pytest.mark.parametrize("curve", [UNIFORM, EVENINGS], ids=["uniform", "evenings"])
def test_a_whole_flight_is_delivered_within_an_event_and_two_looks_of_its_curve(
    pacing: Pacing, curve: tuple[int, ...]
) -> None:
    pace = a_pace(days=2, pacing=pacing, week=week_of(curve, ()))
    history = run(pace, served=[True] * (2 * 24 * 60))
    for number, spent in enumerate(history):
        moment = pace.starts_at + number * LOOK
        assert pace.due(moment) - PRICE <= spent <= pace.due(moment + HORIZON) + PRICE
    assert history[-1] == pace.total


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.integers(1, 60), st.integers(0, 10**6))
def test_no_traffic_whatsoever_makes_it_spend_more_than_there_is(
    pattern: list[bool], repeats: int, total: int
) -> None:
    pace = a_pace(total, days=0.25)
    for is_asap in (False, True):
        assert run(pace, served=pattern * repeats, is_asap=is_asap)[-1] <= total


def test_after_an_outage_it_catches_up_at_no_more_than_four_times_the_steady_rate() -> None:
    pace = a_pace(days=2)
    history = run(pace, served=[False] * 600 + [True] * (2 * 24 * 60 - 600))
    steps = [after - before for before, after in pairwise(history)]
    steady = pace.steady(MONDAY, LOOK)
    assert steady < max(steps) <= 2 * CATCH_UP * steady
    assert history[-1] == pace.total
    assert history[900] >= pace.due(MONDAY + 900 * LOOK)


def test_the_first_event_is_to_be_had_at_once_and_less_than_one_in_a_look_is_saved_up() -> None:
    pace = a_pace(100 * PRICE, days=100)
    history = run(pace, served=[True] * (3 * 24 * 60))
    assert history[:3] == [PRICE] * 3
    assert history[-1] in (3 * PRICE, 4 * PRICE)


def test_asap_takes_small_budgets_at_once_and_great_ones_by_quarters() -> None:
    at_once = wish([a_limit(a_pace(100 * PRICE))], MONDAY, price=PRICE, remaining=0, is_asap=True)
    assert (at_once.amount, at_once.limited_by) == (100 * PRICE, LimitedBy.NOTHING)
    quarter = wish([a_limit(a_pace(4000 * PRICE))], MONDAY, price=PRICE, remaining=0, is_asap=True)
    assert quarter.amount == 1000 * PRICE


def test_the_tightest_limit_counts_and_is_named() -> None:
    day = Limit(name=LimitedBy.DAY, total=100, committed=95)
    wished = wish(
        [a_limit(a_pace(10**6)), day], MONDAY + DAY, price=PRICE, remaining=0, is_asap=False
    )
    assert (wished.amount, wished.limited_by) == (0, LimitedBy.DAY)


def test_who_is_ahead_of_its_pace_waits_for_it() -> None:
    wished = wish(
        [a_limit(a_pace(), committed=50_000)], MONDAY + DAY, price=PRICE, remaining=0, is_asap=False
    )
    assert (wished.amount, wished.limited_by, wished.urgency) == (0, LimitedBy.PACING, 0)


def test_what_was_overspent_by_a_cut_is_no_negative_wish() -> None:
    wished = wish(
        [a_limit(a_pace(10), committed=500)], MONDAY + DAY, price=1, remaining=0, is_asap=True
    )
    assert wished.amount == 0


@pytest.mark.parametrize(
    ("committed", "remaining", "urgency"),
    [
        (0, 0, URGENCIES),
        (5_000, 0, 4),
        (10_000, 0, 0),
        (10_000, 10_000, URGENCIES),
        (20_000, 0, 0),
    ],
)
def test_urgency_tells_how_much_of_what_is_due_is_missing(
    committed: int, remaining: int, urgency: int
) -> None:
    wished = wish(
        [a_limit(a_pace(), committed), Limit(name=LimitedBy.LINE_ITEM, total=10**9, committed=0)],
        MONDAY + DAY,
        price=PRICE,
        remaining=remaining,
        is_asap=False,
    )
    assert (wished.due, wished.urgency) == (10_000, urgency)


@pytest.mark.parametrize(("price", "urgency"), [(100, URGENCIES), (101, 0)])
def test_who_misses_less_than_one_event_is_not_behind(price: int, urgency: int) -> None:
    wished = wish([a_limit(a_pace(1_000))], MONDAY + DAY, price=price, remaining=0, is_asap=False)
    assert (wished.due, wished.urgency) == (100, urgency)


@given(
    st.integers(-10, 1000),
    st.lists(st.tuples(st.integers(0, 500), st.integers(1, 100)), max_size=8),
)
def test_a_split_gives_nobody_more_than_wished_and_all_no_more_than_there_is(
    available: int, wanted: list[tuple[int, int]]
) -> None:
    wishes, weights = [w for w, _ in wanted], [weight for _, weight in wanted]
    amounts = split(available, wishes, weights)
    assert all(0 <= amount <= wished for amount, wished in zip(amounts, wishes, strict=True))
    assert sum(amounts) <= max(available, 0)
    # Nothing is left over but what does not divide.
    assert sum(amounts) >= min(sum(wishes), max(available, 0)) - len(wishes)


def test_what_one_does_not_need_goes_to_the_others() -> None:
    assert split(100, [10, 100, 100], [1, 1, 2]) == [10, 30, 60]


@pytest.mark.parametrize(
    ("total", "days", "wait_s"),
    [(10**6, 10, 0), (86_400 * PRICE // 150, 1, 30), (100 * PRICE, 100, 300)],
)
def test_who_has_to_wait_for_its_pace_is_told_how_long(total: int, days: int, wait_s: int) -> None:
    wished = wish(
        [a_limit(a_pace(total, days=days), committed=PRICE)],
        MONDAY,
        price=PRICE,
        remaining=0,
        is_asap=False,
    )
    assert wished.wait_s == pytest.approx(wait_s, abs=10)
    assert (wished.amount == 0) is (wait_s > 0)
