"""A run of ranks that is searched together: one bit for each, one number for each question.

Everything a block knows is worked out when first asked for and kept; what depends on the time is
kept for as long as it holds.
"""

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import NamedTuple

from ctv_ads.decisioning.segments.columns import Columns, ListRef, bytes_of_bits
from ctv_ads.decisioning.segments.query import reason_of
from ctv_ads.domain.reasons import Reason

# Each costs up to half a kilobyte, and requests name more values than are worth keeping.
_MOST_KEPT = 4096
_EVER = 1 << 63


@dataclass(frozen=True, slots=True)
class Tables:
    """A segment's lists of ranks and its columns, by what they are about."""

    columns: Columns
    targeted: Mapping[str, ListRef]
    """By dimension: who includes anything of it."""
    rules: Mapping[str, Mapping[str, Sequence[int]]]
    """By dimension and value: who includes it and who excludes it, two references in one."""
    advertisers: Mapping[str, ListRef]
    categories: Mapping[str, ListRef]
    domains: Mapping[str, ListRef]
    seconds: Sequence[ListRef]
    """By class of length, in ascending order."""
    schedules: Sequence[ListRef]
    groups: memoryview
    starts: memoryview
    ends: memoryview
    values: memoryview


class Plan(NamedTuple):
    """A query in the words of one segment."""

    known: tuple[tuple[str, tuple[str, ...]], ...]
    """By dimension, those values of the request that some line item names."""
    absent: frozenset[str]
    """All other dimensions that some line item is targeted by."""
    now_ms: int
    closed: tuple[int, ...]
    """The schedules that are not open now."""
    least_value_micros: int
    blocked_categories: tuple[str, ...]
    blocked_domains: tuple[str, ...]
    seconds: tuple[int, int] | None
    """Which classes of length fit, the first and the one behind the last; None takes all."""


class Block:
    """The ranks `[low, high)` of a segment."""

    __slots__ = (
        "_alone",
        "_everything",
        "_flight",
        "_flight_from_ms",
        "_flight_until_ms",
        "_kept",
        "_starts",
        "_tables",
        "high",
        "low",
    )

    def __init__(self, tables: Tables, low: int, high: int) -> None:
        self.low = low
        self.high = high
        self._tables = tables
        self._everything = (1 << high - low) - 1
        self._kept: dict[Hashable, int] = {}
        self._starts: list[int] = []
        self._alone = -1
        self._flight, self._flight_from_ms, self._flight_until_ms = 0, _EVER, -_EVER

    def matching(self, plan: Plan) -> int:
        """Return whom nothing of `plan` removes: bit 0 stands for the first rank."""
        found = self._in_flight(plan.now_ms)
        if plan.absent:
            found &= self._of_none(plan.absent)
        kept = self._kept
        for known in plan.known:
            row = kept.get(known)
            found &= self._of_values(*known) if row is None else row
        return found and self._allowed(plan, found)

    def verdicts(self, plan: Plan) -> Iterator[tuple[Reason, int]]:
        """Yield each question with whom its answer keeps, in the order of the reasons."""
        known = dict(plan.known)
        for dimension in sorted({*known, *plan.absent}, key=reason_of):
            values = known.get(dimension)
            yield (
                reason_of(dimension),
                self._of_values(dimension, values)
                if values
                else self._of_none(frozenset({dimension})),
            )
        yield Reason.NOT_IN_FLIGHT, self._in_flight(plan.now_ms)
        yield Reason.OUTSIDE_DAYPART, self._open(plan.closed)
        yield Reason.BLOCKED_CATEGORY, self._not_in("categories", plan.blocked_categories)
        yield Reason.BLOCKED_DOMAIN, self._not_in("domains", plan.blocked_domains)
        yield Reason.BELOW_FLOOR, self._worth(plan.least_value_micros)

    def of_advertiser(self, advertiser_id: str) -> int:
        """Return who belongs to that advertiser."""
        key = ("advertiser", advertiser_id)
        found = self._kept.get(key)
        return (
            self._keep(key, self._named("advertisers", advertiser_id)) if found is None else found
        )

    def group_starts(self) -> Sequence[int]:
        """Return the first ranks of all groups of equals here, and the end of the last."""
        if not self._starts:
            groups = self._tables.groups
            begin = bisect_right(groups, self.low) - 1
            self._starts = groups[begin : bisect_right(groups, self.high - 1) + 1].tolist()
        return self._starts

    def alone(self) -> int:
        """Return who has no equals, and so takes turns with nobody."""
        if self._alone < 0:
            pairs = pairwise(self.group_starts())
            self._alone = self.marks([first for first, behind in pairs if behind - first == 1])
        return self._alone

    def ranks(self, members: int) -> Iterator[int]:
        """Yield the ranks of these bits, ascending."""
        while members:
            lowest = members & -members
            members ^= lowest
            yield self.low + lowest.bit_length() - 1

    def marks(self, ranks: Iterable[int]) -> int:
        """Return the bits of these ranks, all of this block."""
        return int.from_bytes(bytes_of_bits(ranks, self.low, self.high), "little")

    def _allowed(self, plan: Plan, found: int) -> int:
        if plan.closed:
            found &= self._open(plan.closed)
        if plan.blocked_categories:
            found &= self._not_in("categories", plan.blocked_categories)
        if plan.blocked_domains:
            found &= self._not_in("domains", plan.blocked_domains)
        if plan.least_value_micros:
            found &= self._worth(plan.least_value_micros)
        if plan.seconds:
            found &= self._of_seconds(plan.seconds)
        return found

    def _of_values(self, dimension: str, values: tuple[str, ...]) -> int:
        """Return whom these values of the request leave: kept for one, put together for several."""
        included, excluded = self._of_none(frozenset({dimension})), 0
        bits = self._bits if len(values) == 1 else self._kept_bits
        for value in values:
            lists = self._tables.rules[dimension][value]
            included |= bits(lists[:2])
            excluded |= bits(lists[2:])
        found = included & ~excluded
        return self._keep((dimension, values), found) if len(values) == 1 else found

    def _kept_bits(self, reference: ListRef) -> int:
        key = (*reference,)
        found = self._kept.get(key)
        return self._keep(key, self._bits(reference)) if found is None else found

    def _of_none(self, dimensions: frozenset[str]) -> int:
        """Return who includes nothing of these dimensions."""
        found = self._kept.get(dimensions)
        if found is not None:
            return found
        found = self._everything
        for dimension in dimensions:
            found &= ~self._bits(self._tables.targeted[dimension])
        return self._keep(dimensions, found)

    def _in_flight(self, now_ms: int) -> int:
        if not self._flight_from_ms <= now_ms < self._flight_until_ms:
            self._find_flight(now_ms)
        return self._flight

    def _find_flight(self, now_ms: int) -> None:
        """Find who is in flight, and between which starts and ends that does not change."""
        begin_ms, until_ms = -_EVER, _EVER
        flying = []
        starts, ends = self._tables.starts, self._tables.ends
        for rank in range(self.low, self.high):
            start_ms, end_ms = starts[rank], ends[rank]
            if now_ms < start_ms:
                until_ms = min(until_ms, start_ms)
            elif now_ms < end_ms:
                flying.append(rank)
                begin_ms, until_ms = max(begin_ms, start_ms), min(until_ms, end_ms)
            else:
                begin_ms = max(begin_ms, end_ms)
        self._flight = self.marks(flying)
        self._flight_from_ms, self._flight_until_ms = begin_ms, until_ms

    def _open(self, closed: tuple[int, ...]) -> int:
        key = ("closed", closed)
        found = self._kept.get(key)
        if found is not None:
            return found
        found = self._everything
        for number in closed:
            found &= ~self._bits(self._tables.schedules[number])
        return self._keep(key, found)

    def _not_in(self, table: str, values: tuple[str, ...]) -> int:
        key = (table, values)
        found = self._kept.get(key)
        if found is not None:
            return found
        found = self._everything
        for value in values:
            found &= ~self._named(table, value)
        return self._keep(key, found)

    def _worth(self, least_micros: int) -> int:
        """Return whom showing once brings at least as much."""
        key = ("worth", least_micros)
        found = self._kept.get(key)
        if found is not None:
            return found
        values = self._tables.values
        dear = (rank for rank in range(self.low, self.high) if values[rank] >= least_micros)
        return self._keep(key, self.marks(dear))

    def _of_seconds(self, classes: tuple[int, int]) -> int:
        """Return who has a creative of one of these lengths, to the second."""
        key = ("seconds", classes)
        found = self._kept.get(key)
        if found is not None:
            return found
        found = 0
        for reference in self._tables.seconds[slice(*classes)]:
            found |= self._bits(reference)
        return self._keep(key, found)

    def _named(self, table: str, value: str) -> int:
        lists: Mapping[str, ListRef] = getattr(self._tables, table)
        return self._bits(lists[value]) if value in lists else 0

    def _bits(self, reference: ListRef) -> int:
        return self._tables.columns.bits(reference, self.low, self.high)

    def _keep(self, key: Hashable, found: int) -> int:
        if len(self._kept) >= _MOST_KEPT:
            for old in list(islice(self._kept, _MOST_KEPT // 2)):
                del self._kept[old]
        self._kept[key] = found
        return found
