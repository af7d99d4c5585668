"""Pacing: how much a line item may spend until the controller looks again.

Everything counts in tokens (`domain/spending.py`) and in the line item's local time. A curve says
how much of a week's traffic falls on each of its hours, from Monday 00:00; dayparts take away the
minutes in which the line item does not run. Time between two moments is the weight of what lies
between them, so that a line item is due to deliver when there is something to deliver to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import accumulate

from ctv_ads.domain.line_item import Daypart, Weekday
from ctv_ads.domain.pace import Pacing

WEEK_HOURS = 168
UNIFORM = (1,) * WEEK_HOURS
HORIZON = timedelta(seconds=120)
"""For how long a grant is meant to last: two looks of the controller."""
CATCH_UP = 2
"""A grant holds at most so many horizons' worth of the steady rate. As there are two looks in a
horizon, what fell behind is caught up at no more than four times the steady rate."""
URGENCIES = 9
LONGEST_WAIT_S = 300
_ASAP_PART = 4
_ASAP_EVENTS = 100
_FRONT_LOAD_DIVISOR = 2
_MONDAY = datetime(1970, 1, 5)  # noqa: DTZ001 - local times have no zone here
_MINUTES_OF_HOUR = 60
_SECONDS_OF_HOUR = 3600
_DAYS = tuple(Weekday)


class LimitedBy(StrEnum):
    """What keeps a line item from spending more now."""

    NOTHING = "nothing"
    PACING = "pacing"
    DAY = "day"
    GOAL = "goal"
    LINE_ITEM = "line_item"
    CAMPAIGN = "campaign"


@dataclass(frozen=True, slots=True)
class Week:
    """How deliverable each hour of a week is; `before[h]` is the weight of all hours before h."""

    before: tuple[int, ...]

    def at(self, local: datetime) -> int:
        """Return the weight of all time before a naive local moment; it never decreases."""
        seconds = (local - _MONDAY) // timedelta(seconds=1)
        hours, second = divmod(seconds, _SECONDS_OF_HOUR)
        weeks, hour = divmod(hours, WEEK_HOURS)
        whole = weeks * self.before[-1] + self.before[hour]
        return whole * _SECONDS_OF_HOUR + (self.before[hour + 1] - self.before[hour]) * second


@lru_cache(maxsize=4096)
def week_of(curve: tuple[int, ...], dayparts: tuple[Daypart, ...]) -> Week:
    """Return the week of a curve of `WEEK_HOURS` weights, within the dayparts.

    A curve that leaves nothing to deliver in (no traffic in any of the dayparts) is not heeded.
    """
    minutes = _deliverable_minutes(dayparts)
    weights = [weight * minute for weight, minute in zip(curve, minutes, strict=True)]
    if not any(weights):
        weights = minutes
    return Week((0, *accumulate(weights)))


def _deliverable_minutes(dayparts: Sequence[Daypart]) -> list[int]:
    if not dayparts:
        return [_MINUTES_OF_HOUR] * WEEK_HOURS
    open_minutes: set[int] = set()
    for part in dayparts:
        for day in part.days:
            midnight = _DAYS.index(day) * 24 * _MINUTES_OF_HOUR
            open_minutes.update(range(midnight + part.from_min, midnight + part.to_min))
    counts = [0] * WEEK_HOURS
    for minute in open_minutes:
        counts[minute // _MINUTES_OF_HOUR] += 1
    return counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """One span over which an amount is to be spent: the flight, or one local day."""

    total: int
    starts_at: datetime
    ends_at: datetime
    """Both naive, in the line item's time zone."""
    week: Week
    pacing: Pacing

    def due(self, local: datetime) -> int:
        """Return how much of the total should be spent by then."""
        whole, done = self._weights(local)
        if done >= whole:
            return self.total
        even = self.total * done // whole
        if self.pacing is not Pacing.FRONT_LOADED:
            return even
        # Ahead of even by up to an eighth of the total at half-time, and equal at both ends.
        return even + self.total * done * (whole - done) // (_FRONT_LOAD_DIVISOR * whole * whole)

    def steady(self, local: datetime, span: timedelta) -> int:
        """Return what even delivery spends in the span from then."""
        whole, done = self._weights(local)
        if not whole:
            return self.total
        _, then = self._weights(local + span)
        return -(-self.total * (then - done) // whole)

    def _weights(self, local: datetime) -> tuple[int, int]:
        start, end = self.week.at(self.starts_at), self.week.at(self.ends_at)
        return end - start, self.week.at(min(max(local, self.starts_at), self.ends_at)) - start


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit of a line item, and what of it is billed or reserved already, in tokens.

    `pace` spreads it over time; None lets it be spent at once.
    """

    name: LimitedBy
    total: int
    committed: int
    pace: Pace | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a line item should be able to spend from now on, before others are considered.

    `due` is what should be billed or on its way by now.
    """

    amount: int
    limited_by: LimitedBy
    due: int
    urgency: int
    wait_s: int = 0
    """How long the pace allows nothing anyway, 0 if it does now; at most `LONGEST_WAIT_S`."""


def wish(
    limits: Sequence[Limit], local: datetime, *, price: int, remaining: int, is_asap: bool
) -> Wish:
    """Return how much the line item should be able to spend until the next look.

    Args:
        limits: at least one; the tightest counts.
        local: now, naive, in the line item's time zone.
        price: what one event takes, at least 1; the amount is a multiple of it.
        remaining: what of the commitments decisions can still spend; it would be given back.
        is_asap: whether only the limits hold, not their pace.
    """
    paced = min(_room(limit, local, price, remaining, is_asap=is_asap) for limit in limits)
    room, tightest = min(
        ((limit.total - limit.committed + remaining, limit.name) for limit in limits),
        key=lambda pair: pair[0],
    )
    amount = paced
    if is_asap:
        amount = min(paced, max(-(-room // _ASAP_PART), _ASAP_EVENTS * price))
    limited_by, wait_s = LimitedBy.NOTHING, 0
    if room < price:
        limited_by = tightest
    elif paced < room:
        limited_by = LimitedBy.PACING
        wait_s = max(_wait_s(limit, local, price, remaining) for limit in limits)
    due, urgency = _behind(limits, local, price, remaining)
    return Wish(max(amount, 0) // price * price, limited_by, due, urgency, wait_s)


def _room(limit: Limit, local: datetime, price: int, remaining: int, *, is_asap: bool) -> int:
    used = limit.committed - remaining
    if is_asap or limit.pace is None:
        return limit.total - used
    # One event ahead of the pace: what begins serves at once.
    due = min(limit.pace.due(local + HORIZON) + price, limit.total)
    steady = limit.pace.steady(local, HORIZON)
    return min(due - used, max(CATCH_UP * steady, price))


def _wait_s(limit: Limit, local: datetime, price: int, remaining: int) -> int:
    missing = price - _room(limit, local, price, remaining, is_asap=False)
    if limit.pace is None or missing <= 0:
        return 0
    steady = max(limit.pace.steady(local, HORIZON), 1)
    return min(missing * (HORIZON // timedelta(seconds=1)) // steady, LONGEST_WAIT_S)


def _behind(
    limits: Sequence[Limit], local: datetime, price: int, remaining: int
) -> tuple[int, int]:
    """Return what is due by now, and in ninths how much of it is missing; the worst counts.

    Who misses less than one event is not behind: nobody can deliver a part of one.
    """
    due_now, urgency = 0, 0
    for limit in limits:
        if limit.pace is None:
            continue
        due = min(limit.pace.due(local), limit.total)
        missing = due - (limit.committed - remaining)
        due_now = due_now or due
        if missing >= price:
            urgency = max(urgency, missing * URGENCIES // due)
    return due_now, urgency


def split(available: int, wishes: Sequence[int], weights: Sequence[int]) -> list[int]:
    """Return amounts that are each at most its wish and together at most what is available.

    When it does not suffice for all, it is shared by weight; what one does not need goes to the
    others. All weights are above 0.
    """
    if sum(wishes) <= available:
        return list(wishes)
    amounts = [0] * len(wishes)
    # Who wants least for its weight first: once one is cut, all after it are.
    order = sorted(range(len(wishes)), key=lambda i: wishes[i] / weights[i])
    left, weight_left = max(available, 0), sum(weights)
    for i in order:
        amounts[i] = min(wishes[i], left * weights[i] // weight_left)
        left -= amounts[i]
        weight_left -= weights[i]
    return amounts
