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
from ctv_ads.domain.pod import Candidate, PodSpec
from ctv_ads.domain.reasons import Reason


class Reach(NamedTuple):
    """How far a search goes: how many line items it takes, and how many of one advertiser."""

    limit: int
    per_advertiser: int


NEAR = Reach(24, 2)
REACHES = (NEAR, Reach(72, 8), Reach(240, 240))
"""The farther ones are for breaks that the nearer leave room in: those they found are capped for
this viewer, out of tokens, or kept apart."""
HOUSE_LIMIT = 4
"""The one that runs and its spares: for a break that others may yet fill, or for a single ad."""
MOST_CANDIDATES = 255
"""Answers of the filling number candidates in one byte."""
WINDOW = 32
"""How many eligible equals take turns with one another. A large group is entered at a point of
its own each time; whoever stands behind a gap would come first too often without this."""


class Found(NamedTuple):
    """What a search found, in the order to be offered.

    `passed_over` names those that were looked at on the way and may not serve. Who never came
    into sight is told by `explain`. `has_more` tells that a search that goes farther may take
    more line items that are paid for.
    """

    line_items: tuple[Candidate, ...]
    house: tuple[Candidate, ...]
    passed_over: tuple[tuple[LineItemId, Reason], ...]
    has_more: bool


class _Source(NamedTuple):
    """A layer under search: the query in its words, and what is known of its ranks already."""

    layer: Layer
    plan: Plan
    known: dict[int, Judgement]


_LEAST_FILM_MS = 1000
_Group = tuple[_Source, int, int | Iterable[int]]
"""Equals that match the index: the first rank of their group, and they themselves in the order in
which one comes after the other. A single one, as most are, is its rank."""


def search(
    layers: Sequence[Layer],
    query: Query,
    *,
    reach: Reach = NEAR,
    house_limit: int = HOUSE_LIMIT,
    skip: frozenset[LineItemId] = frozenset(),
) -> Found:
    """Return the first eligible line items, and house ads for when none of them runs.

    House ads mostly are all of one advertiser, so of them any number may be. They are
    `house_limit` as long as a search that goes farther may find who pays; else as many as the
    break has room for, with as many spares. `skip` are known to be out of tokens.
    """
    sources = [
        _Source(layer, layer.segment.plan(query), layer.segment.judgements.of(query))
        for layer in layers
    ]
    paid = _Search(query, reach, skip)
    line_items = paid.take(_equals(paid, sources, "paid"))
    if query.house_fills is not None and (not paid.has_more or reach == REACHES[-1]):
        most = _house_ads(sources, query, query.house_fills, house_limit)
        house_limit = min(most, MOST_CANDIDATES - len(line_items))
    house = _Search(query, Reach(house_limit, house_limit), skip)
    return Found(
        line_items,
        house.take(_equals(house, sources, "house")),
        (*paid.passed_over, *house.passed_over),
        paid.has_more,
    )


def _house_ads(sources: Sequence[_Source], query: Query, spec: PodSpec, usual: int) -> int:
    """Return how many house ads fill the break, and the usual number's spares for those that fail."""
    segments = [source.layer.segment for source in sources if source.layer.segment.house]
    if not segments:
        return usual
    slots = spec.max_ads
    if spec.duration_ms is not None:
        shortest_ms = min([segment.least_ms(query) for segment in segments])
        slots = min(slots, spec.duration_ms // max(shortest_ms, _LEAST_FILM_MS))
    return max(usual, slots + usual - 1)


class _Search:
    """A search under way: what is taken, and which advertisers have theirs."""

    __slots__ = ("_counts", "_reach", "full", "has_more", "passed_over", "query", "skip")

    def __init__(self, query: Query, reach: Reach, skip: frozenset[LineItemId]) -> None:
        self.query = query
        self.skip = skip
        self.full: list[AdvertiserId] = []
        self.passed_over: list[tuple[LineItemId, Reason]] = []
        self.has_more = False
        self._reach = reach
        self._counts: dict[AdvertiserId, int] = {}

    def take(self, groups: Iterable[Sequence[_Group]]) -> tuple[Candidate, ...]:
        """Return the first eligible ones, no more of one advertiser than allowed."""
        taken: list[Candidate] = []
        counts, (limit, most) = self._counts, self._reach
        for equals in groups if limit else ():
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
                    self.has_more = True
                    continue
                counts[advertiser_id] = count
                if count == most:
                    self.full.append(advertiser_id)
                taken.append(candidate)
                if len(taken) == limit:
                    self.has_more = True
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
            if self._counts.get(line_item.advertiser_id, 0) >= self._reach.per_advertiser:
                self.has_more = True
                return None
            if judgement is None:
                judgement = judge_and_keep(source.known, rank, line_item, self.query)
            if isinstance(judgement, Reason):
                self.passed_over.append((line_item.line_item_id, judgement))
                return None
        return judgement

    def without_full(self, block: Block, members: int, *, since: int) -> int:
        """Return `members` without those of the advertisers that are full, from number `since` on."""
        others = members
        for advertiser_id in self.full[since:]:
            others &= ~block.of_advertiser(advertiser_id)
        if others != members:
            self.has_more = True
        return others


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
            members = found.without_full(block, members, since=without)
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
                members = found.without_full(block, members, since=without)
                without = len(found.full)
                continue
            lowest = members & -members
            members ^= lowest
            yield block.low + lowest.bit_length() - 1
