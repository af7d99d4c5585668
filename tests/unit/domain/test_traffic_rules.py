"""What cannot have happened, and what is only unusual."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.beacon import BeaconEvent
from ctv_ads.domain.ids import DecisionId
from ctv_ads.domain.traffic_rules import (
    FEWEST_VIEWS,
    SESSION_WINDOW,
    TrafficRules,
    View,
    is_replay,
    is_too_early,
    too_many_views,
)
from tests.builders import NOON

RULES = TrafficRules(early_ms=10_000, session_surplus_ms=300_000)
FILM_MS = 60_000
SHORT_MS = 15_000
FITTING = 21
"""How many short films may begin at one moment: the first, and as many as the surplus holds."""


def early(event: BeaconEvent, after_ms: int, film_ms: int = FILM_MS) -> bool:
    return is_too_early(event, timedelta(milliseconds=after_ms), film_ms, RULES)


def views(
    count: int, *, every_s: float = 1, from_s: float = 0, film_ms: int = FILM_MS
) -> list[View]:
    return [
        View(NOON + timedelta(seconds=from_s + every_s * i), DecisionId(new_id()), 1, film_ms)
        for i in range(count)
    ]


@pytest.mark.parametrize(
    ("event", "due_ms"),
    [
        (BeaconEvent.FIRST_QUARTILE, 15_000),
        (BeaconEvent.MIDPOINT, 30_000),
        (BeaconEvent.THIRD_QUARTILE, 45_000),
        (BeaconEvent.COMPLETE, 60_000),
    ],
)
def test_a_part_of_a_film_takes_its_time_less_what_is_buffered(
    event: BeaconEvent, due_ms: int
) -> None:
    assert early(event, due_ms - 10_001)
    assert not early(event, due_ms - 10_000)
    assert not early(event, due_ms)


@pytest.mark.parametrize(
    "event",
    [one for one in BeaconEvent if "artile" not in one and one not in {"midpoint", "complete"}],
)
def test_what_tells_of_no_part_is_never_early(event: BeaconEvent) -> None:
    assert not early(event, 0)


def test_a_film_of_unknown_length_and_a_wrong_clock_prove_nothing() -> None:
    assert not early(BeaconEvent.COMPLETE, 0, film_ms=0)
    assert early(BeaconEvent.COMPLETE, 0)
    assert not early(BeaconEvent.COMPLETE, -1)


def test_a_short_film_is_buffered_whole() -> None:
    assert not early(BeaconEvent.COMPLETE, 0, film_ms=10_000)


def short(count: int, *, every_s: float = 0, from_s: float = 0) -> list[View]:
    return sorted(views(count, every_s=every_s, from_s=from_s, film_ms=SHORT_MS))


def test_a_session_begins_no_more_at_one_moment_than_the_largest_pod() -> None:
    arrived = short(60)
    assert too_many_views(arrived, [], RULES) == arrived[FITTING:]


def test_time_that_passes_makes_room() -> None:
    known = short(FITTING)
    assert too_many_views(short(1, from_s=14), known, RULES) != []
    assert too_many_views(short(1, from_s=15), known, RULES) == []
    arrived = short(2, from_s=15)
    assert too_many_views(arrived, known, RULES) == arrived[1:]


def test_what_nobody_played_meanwhile_makes_no_room() -> None:
    late = SESSION_WINDOW.total_seconds() - 60
    known = [*short(1), *short(FITTING, from_s=late)]
    assert len(too_many_views(short(3, from_s=late), known, RULES)) == 3


def test_the_pod_of_one_break_may_be_told_at_once() -> None:
    pod = [View(NOON, DecisionId(new_id()), slot, 60_000) for slot in range(1, 21)]
    pod = [replace(one, decision_id=pod[0].decision_id) for one in pod]
    assert too_many_views(pod, [], RULES) == []
    next_break = views(1, from_s=900 - 1)
    assert too_many_views(next_break, pod, RULES) == []
    assert too_many_views(views(1, from_s=599), pod, RULES) != []


def test_a_window_slides() -> None:
    known = views(FEWEST_VIEWS, film_ms=3_600_000, every_s=0)
    at_its_end = views(1, from_s=SESSION_WINDOW.total_seconds() - 1)
    past_its_end = views(1, from_s=SESSION_WINDOW.total_seconds())
    assert too_many_views(at_its_end, known, RULES) == at_its_end
    assert too_many_views(past_its_end, known, RULES) == []


def test_one_ad_after_the_other_is_never_too_many() -> None:
    assert too_many_views(views(500, every_s=FILM_MS / 1000), [], RULES) == []


def test_what_comes_later_is_no_matter_to_what_came_before() -> None:
    assert too_many_views(short(1), short(FITTING + 9, from_s=1), RULES) == []


def test_what_was_refused_takes_no_time_and_is_refused_again() -> None:
    arrived = short(FITTING + 3)
    assert too_many_views(arrived[::-1], [], RULES) == arrived[FITTING:]
    assert too_many_views(arrived[FITTING:], arrived[:FITTING], RULES) == arrived[FITTING:]


def test_few_views_are_never_too_many_however_long() -> None:
    few = views(FEWEST_VIEWS, film_ms=3_600_000)
    assert too_many_views(few[1:], [], RULES) == []
    assert too_many_views(few, [], RULES) == few[-1:]


def test_films_of_unknown_length_take_no_time() -> None:
    unknown = views(FITTING * 2, film_ms=0)
    assert too_many_views([*unknown, *short(FITTING, from_s=100)], [], RULES) == []
    assert too_many_views(unknown, short(FITTING), RULES) == []


@pytest.mark.parametrize(
    ("first", "again", "is_one"),
    [
        ("203.0.113.0/24", "198.51.100.0/24", True),
        ("203.0.113.0/24", "203.0.113.0/24", False),
        (None, "203.0.113.0/24", False),
        ("203.0.113.0/24", None, False),
    ],
)
def test_a_repeat_from_elsewhere_is_a_replay(
    first: str | None, again: str | None, *, is_one: bool
) -> None:
    assert is_replay(first, again) is is_one
