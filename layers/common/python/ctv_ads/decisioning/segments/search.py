"""Search an organization's line items: the first eligible ones in rank order."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import NamedTuple

from ctv_ads.decisioning.segments.block import Block, Plan
from ctv_ads.decisioning.segments.candidates import Judgement, judge_and_keep
from ctv_ads.decisioning.segments.layers import Layer
from ctv_ads.decisioning.segments.query import Query
from ctv_ads.decisioning.segments.ranking import turn_of
from ctv_ads.decisioning.segments.segment import Span
from ctv_ads.domain.ids import AdvertiserId, LineItemId
from ctv_ads.domain.pod import Candidate
from ctv_ads.domain.reasons import Reason

LIMIT = 24
PER_ADVERTISER = 2
HOUSE_LIMIT = 4
WINDOW = 32
"""How many eligible equals take turns with one another. A large group is entered at a point of
its own each time; whoever stands behind a gap would come first too often without this."""


class Found(NamedTuple):
    """What a search found, in the order to be offered.

    `passed_over` names those that were looked at on the way and may not serve. Who never came
    into sight is told by `explain`.
    """

    line_items: tuple[Candidate, ...]
    house: tuple[Candidate, ...]
    passed_over: tuple[tuple[LineItemId, Reason], ...]


class _Source(NamedTuple):
    """A layer under search: the query in its words, and what is known of its ranks already."""

    layer: Layer
    plan: Plan
    known: dict[int, Judgement]


_Group = tuple[_Source, int, int | Iterable[int]]
"""Equals that match the index: the first rank of their group, and they themselves in the order in
which one comes after the other. A single one, as most are, is its rank."""


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
    sources = [
        _Source(layer, layer.segment.plan(query), layer.segment.judgements.of(query))
        for layer in layers
    ]
    passed_over: list[tuple[LineItemId, Reason]] = []
    areas = []
    for name, most, most_of_advertiser in (
        ("paid", limit, per_advertiser),
        ("house", house_limit, house_limit),
    ):
        found = _Search(query, most, most_of_advertiser, skip)
        areas.append(found.take(_equals(found, sources, name)))
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

    def take(self, groups: Iterable[Sequence[_Group]]) -> tuple[Candidate, ...]:
        """Return the first eligible ones, no more of one advertiser than allowed."""
        taken: list[Candidate] = []
        counts, most = self._counts, self._per_advertiser
        for equals in groups if self._limit else ():
            source, _, ranks = equals[0]
            if len(equals) == 1 and ranks.__class__ is int:
                found: Iterable[Candidate | None] = (self._judged(source, ranks),)
            else:
                found = self._in_turn(equals)
            for candidate in found:
                if candidate is None:
                    continue
                advertiser_id = candidate.line_item.advertiser_id
                count = counts.get(advertiser_id, 0) + 1
                if count > most:
                    continue
                counts[advertiser_id] = count
                if count == most:
                    self.full.append(advertiser_id)
                taken.append(candidate)
                if len(taken) == self._limit:
                    return tuple(taken)
        return tuple(taken)

    def _in_turn(self, equals: Sequence[_Group]) -> Iterator[Candidate]:
        eligible = (
            found
            for source, _, ranks in equals
            for rank in ((ranks,) if isinstance(ranks, int) else ranks)
            if (found := self._judged(source, rank))
        )
        window = list(islice(eligible, WINDOW))
        if len(window) > 1:
            begin = (turn_of(self.query.seed, equals[0][1]) >> 32) % len(window)
            window = window[begin:] + window[:begin]
        yield from window
        yield from eligible

    def _judged(self, source: _Source, rank: int) -> Candidate | None:
        """Return the line item with what fits of it; None when it may not serve."""
        judgement = source.known.get(rank)
        if judgement.__class__ is not Candidate:
            line_item = source.layer.segment.line_item(rank)
            if self._has_its_share(line_item.advertiser_id):
                return None
            if judgement is None:
                judgement = judge_and_keep(source.known, rank, line_item, self.query)
            if isinstance(judgement, Reason):
                self.passed_over.append((line_item.line_item_id, judgement))
                return None
        return judgement

    def _has_its_share(self, advertiser_id: AdvertiserId) -> bool:
        return self._counts.get(advertiser_id, 0) >= self._per_advertiser


def _equals(found: _Search, sources: Sequence[_Source], area: str) -> Iterator[Sequence[_Group]]:
    """Return in rank order what takes turns; of several layers, the equals of all together."""
    streams = [_groups(found, each, getattr(each.layer.segment, area)) for each in sources]
    if len(streams) == 1:
        return zip(streams[0])
    keyed = (((group[0].layer.segment.key_of(group[1]), group) for group in s) for s in streams)
    by_key = itemgetter(0)
    merged = groupby(merge(*keyed, key=by_key), by_key)
    return ([group for _, group in equals] for _, equals in merged)


def _groups(found: _Search, source: _Source, spans: Sequence[Span]) -> Iterator[_Group]:
    for span in spans:
        if span.is_large_group:
            yield _large_group(found, source, span)
        else:
            (block,) = span.blocks
            yield from _small_groups(found, source, block, _members(found, source, block))


def _members(found: _Search, source: _Source, block: Block) -> int:
    """Return who of the block matches and is not known to be out of tokens."""
    members = source.layer.matching(block, source.plan)
    return members & ~source.layer.skipped(found.skip).get(block, 0) if found.skip else members


def _small_groups(found: _Search, source: _Source, block: Block, members: int) -> Iterator[_Group]:
    low, starts, alone, full = block.low, block.group_starts(), block.alone(), found.full
    without = 0
    while members:
        if without < len(full):
            members &= ~_of_advertisers(block, full[without:])
            without = len(full)
            continue
        lowest = members & -members
        rank = low + lowest.bit_length() - 1
        if lowest & alone:
            members ^= lowest
            yield source, rank, rank
            continue
        place = bisect_right(starts, rank)
        first, behind = starts[place - 1], starts[place]
        equals = members & (1 << behind - low) - 1
        members ^= equals
        if equals == lowest:
            yield source, first, rank
            continue
        entry = first + turn_of(found.query.seed, first) % (behind - first) - low
        later = equals >> entry << entry
        yield source, first, chain(block.ranks(later), block.ranks(equals ^ later))


def _large_group(found: _Search, source: _Source, span: Span) -> _Group:
    first, behind = span.blocks[0].low, span.blocks[-1].high
    entry = first + turn_of(found.query.seed, first) % (behind - first)
    return source, first, _around(found, source, span.blocks, entry)


def _around(found: _Search, source: _Source, blocks: Sequence[Block], entry: int) -> Iterator[int]:
    """Yield the matching ranks from `entry` to the end, then those before it."""
    entered = next(number for number, block in enumerate(blocks) if entry < block.high)
    cut = entry - blocks[entered].low
    for turn in range(len(blocks) + 1):
        block = blocks[(entered + turn) % len(blocks)]
        members = _members(found, source, block)
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
