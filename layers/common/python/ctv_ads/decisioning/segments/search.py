"""Search an organization's line items: the first eligible ones in rank order."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import NamedTuple

from ctv_ads.decisioning.segments.block import Block, Plan
from ctv_ads.decisioning.segments.creatives import eligible_creatives
from ctv_ads.decisioning.segments.layers import Layer
from ctv_ads.decisioning.segments.query import Query
from ctv_ads.decisioning.segments.ranking import turn_of
from ctv_ads.decisioning.segments.segment import Segment, Span
from ctv_ads.domain.ids import AdvertiserId, LineItemId
from ctv_ads.domain.inventory import ServableCreative, ServableLineItem
from ctv_ads.domain.reasons import Reason

LIMIT = 24
PER_ADVERTISER = 2
HOUSE_LIMIT = 4
WINDOW = 32
"""How many eligible equals take turns with one another. A large group is entered at a point of
its own each time; whoever stands behind a gap would come first too often without this."""


class Eligible(NamedTuple):
    """A line item that may serve, and those of its creatives that fit."""

    line_item: ServableLineItem
    creatives: tuple[ServableCreative, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, in the order to be offered.

    `passed_over` names those that were looked at on the way and may not serve. Who never came
    into sight is told by `explain`.
    """

    line_items: tuple[Eligible, ...]
    house: tuple[Eligible, ...]
    passed_over: tuple[tuple[LineItemId, Reason], ...]


_Group = tuple[Segment, int, Iterable[int]]
"""Equals that match the index: the first rank of their group, and they themselves in the order in
which one comes after the other. A single one, as most are, is a tuple."""


def search(
    layers: Sequence[Layer],
    query: Query,
    *,
    limit: int = LIMIT,
    per_advertiser: int = PER_ADVERTISER,
    house_limit: int = HOUSE_LIMIT,
    skip: frozenset[LineItemId] = frozenset(),
) -> Found:
    """Return the first `limit` eligible line items, and house ads for when none of them runs.

    House ads mostly are all of one advertiser, so of them any number may be. `skip` are known
    to be out of tokens.
    """
    planned = [(layer, layer.segment.plan(query)) for layer in layers]
    passed_over: list[tuple[LineItemId, Reason]] = []
    areas = []
    for name, most, most_of_advertiser in (
        ("paid", limit, per_advertiser),
        ("house", house_limit, house_limit),
    ):
        found = _Search(query, most, most_of_advertiser, skip)
        areas.append(found.take(_equals(found, planned, name)))
        passed_over += found.passed_over
    return Found(areas[0], areas[1], tuple(passed_over))


class _Search:
    """A search under way: what is taken, and which advertisers have theirs."""

    __slots__ = ("_counts", "_limit", "_per_advertiser", "full", "passed_over", "query", "skip")

    def __init__(
        self, query: Query, limit: int, per_advertiser: int, skip: frozenset[LineItemId]
    ) -> None:
        self.query = query
        self.skip = skip
        self.full: list[AdvertiserId] = []
        self.passed_over: list[tuple[LineItemId, Reason]] = []
        self._limit = limit
        self._per_advertiser = per_advertiser
        self._counts: dict[AdvertiserId, int] = {}

    def take(self, groups: Iterable[Sequence[_Group]]) -> tuple[Eligible, ...]:
        """Return the first eligible ones, no more of one advertiser than allowed."""
        taken: list[Eligible] = []
        for equals in groups if self._limit else ():
            segment, _, ranks = equals[0]
            if len(equals) == 1 and ranks.__class__ is tuple:
                found: Iterable[Eligible | None] = (self._judged(segment, ranks[0]),)
            else:
                found = self._in_turn(equals)
            for eligible in found:
                if eligible and self._count(eligible.line_item.advertiser_id):
                    taken.append(eligible)
                    if len(taken) == self._limit:
                        return tuple(taken)
        return tuple(taken)

    def _count(self, advertiser_id: AdvertiserId) -> bool:
        """Count one more of the advertiser, unless it has all it may have."""
        count = self._counts.get(advertiser_id, 0) + 1
        if count > self._per_advertiser:
            return False
        self._counts[advertiser_id] = count
        if count == self._per_advertiser:
            self.full.append(advertiser_id)
        return True

    def _in_turn(self, equals: Sequence[_Group]) -> Iterator[Eligible]:
        eligible = (
            found
            for segment, _, ranks in equals
            for rank in ranks
            if (found := self._judged(segment, rank))
        )
        window = list(islice(eligible, WINDOW))
        if len(window) > 1:
            begin = (turn_of(self.query.seed, equals[0][1]) >> 32) % len(window)
            window = window[begin:] + window[:begin]
        yield from window
        yield from eligible

    def _judged(self, segment: Segment, rank: int) -> Eligible | None:
        """Return the line item with what fits of it; None when it may not serve."""
        line_item = segment.line_item(rank)
        if self._counts.get(line_item.advertiser_id, 0) >= self._per_advertiser:
            return None
        creatives = eligible_creatives(line_item, self.query)
        if isinstance(creatives, tuple):
            return Eligible(line_item, creatives)
        self.passed_over.append((line_item.line_item_id, creatives))
        return None


def _equals(
    found: _Search, planned: Sequence[tuple[Layer, Plan]], area: str
) -> Iterator[Sequence[_Group]]:
    """Return in rank order what takes turns; of several layers, the equals of all together."""
    streams = [_groups(found, layer, plan, getattr(layer.segment, area)) for layer, plan in planned]
    if len(streams) == 1:
        return zip(streams[0])
    keyed = (((group[0].key_of(group[1]), group) for group in each) for each in streams)
    by_key = itemgetter(0)
    merged = groupby(merge(*keyed, key=by_key), by_key)
    return ([group for _, group in equals] for _, equals in merged)


def _groups(found: _Search, layer: Layer, plan: Plan, spans: Sequence[Span]) -> Iterator[_Group]:
    skipped = layer.skipped(found.skip) if found.skip else {}
    for span in spans:
        if span.is_large_group:
            yield _large_group(found, layer, plan, span)
        else:
            (block,) = span.blocks
            members = layer.matching(block, plan) & ~skipped.get(block, 0)
            yield from _small_groups(found, layer.segment, block, members)


def _small_groups(found: _Search, segment: Segment, block: Block, members: int) -> Iterator[_Group]:
    low, starts, full = block.low, block.group_starts(), found.full
    without = 0
    while members:
        if without < len(full):
            members &= ~_of_advertisers(block, full[without:])
            without = len(full)
            continue
        lowest = members & -members
        rank = low + lowest.bit_length() - 1
        place = bisect_right(starts, rank)
        first, behind = starts[place - 1], starts[place]
        equals = members & (1 << behind - low) - 1
        members ^= equals
        if equals == lowest:
            yield segment, first, (rank,)
            continue
        entry = first + turn_of(found.query.seed, first) % (behind - first) - low
        later = equals >> entry << entry
        yield segment, first, chain(block.ranks(later), block.ranks(equals ^ later))


def _large_group(found: _Search, layer: Layer, plan: Plan, span: Span) -> _Group:
    first, behind = span.blocks[0].low, span.blocks[-1].high
    entry = first + turn_of(found.query.seed, first) % (behind - first)
    return layer.segment, first, _around(found, layer, plan, span.blocks, entry)


def _around(
    found: _Search, layer: Layer, plan: Plan, blocks: Sequence[Block], entry: int
) -> Iterator[int]:
    """Yield the matching ranks from `entry` to the end, then those before it."""
    skipped = layer.skipped(found.skip) if found.skip else {}
    entered = next(number for number, block in enumerate(blocks) if entry < block.high)
    cut = entry - blocks[entered].low
    for turn in range(len(blocks) + 1):
        block = blocks[(entered + turn) % len(blocks)]
        members = layer.matching(block, plan) & ~skipped.get(block, 0)
        if turn == 0:
            members = members >> cut << cut
        elif turn == len(blocks):
            members &= (1 << cut) - 1
        without = 0
        while members:
            if without < len(found.full):
                members &= ~_of_advertisers(block, found.full[without:])
                without = len(found.full)
                continue
            lowest = members & -members
            members ^= lowest
            yield block.low + lowest.bit_length() - 1


def _of_advertisers(block: Block, advertiser_ids: Iterable[AdvertiserId]) -> int:
    found = 0
    for advertiser_id in advertiser_ids:
        found |= block.of_advertiser(advertiser_id)
    return found
