"""In what order line items are looked at, and which of them take turns."""

import hashlib
from collections.abc import Sequence
from itertools import pairwise

from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.inventory import ServableLineItem

LARGE_GROUP = 512
"""From this size on equals are a span of their own, entered at any point."""
_BLOCKS = (512, 2048, 4096)
"""How many ranks a search looks at together: few first, for it mostly ends there."""
_64_BITS = (1 << 64) - 1
_FINER = 100_000
"""Divided by the seconds of any film, which a day has 86,400 of, no micro gets lost."""

RankKey = tuple[int, int, int, int]
Block = tuple[int, int]
"""First rank, and the one behind the last."""
Span = tuple[int, list[Block]]
"""Whether it is one large group of equals, and its blocks."""


def rank_key(item: ServableLineItem) -> RankKey:
    """Return by what line items are ordered; equal ones take turns.

    House ads stand last, apart. The value per second counts whole seconds of the mean length of
    its creatives: films that differ by frames must not decide who always comes first. A micro
    more for the same length does decide.
    """
    total_ms = sum(creative.duration_ms for creative in item.creatives)
    seconds = round(total_ms / 1000 / len(item.creatives)) if item.creatives else 0
    is_house = item.type is LineItemType.HOUSE
    return (
        is_house,
        item.priority,
        -(item.value_micros * _FINER // max(seconds, 1)),
        -item.urgency,
    )


def digest_of(text: str) -> int:
    """Return 64 bits of a hash: the same everywhere, at all times."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def turn_of(seed: int, group: int) -> int:
    """Return 64 bits that tell who begins in a group of equals, of each group others (SplitMix64)."""
    mixed = (seed + (group + 1) * 0x9E3779B97F4A7C15) & _64_BITS
    mixed = ((mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9) & _64_BITS
    mixed = ((mixed ^ mixed >> 27) * 0x94D049BB133111EB) & _64_BITS
    return mixed ^ mixed >> 31


def group_starts(keys: Sequence[RankKey]) -> list[int]:
    """Return the first rank of each group of equals, and the end of the last."""
    starts = [rank for rank, key in enumerate(keys) if rank == 0 or key != keys[rank - 1]]
    return [*starts, len(keys)]


def spans_of(starts: Sequence[int]) -> list[Span]:
    """Cut these groups into spans of blocks; no block cuts a group, but a large group's own do."""
    spans: list[Span] = []
    begin, size = starts[0], 0
    for first, behind in pairwise(starts):
        is_large = behind - first >= LARGE_GROUP
        if is_large or behind - begin > _BLOCKS[min(size, len(_BLOCKS) - 1)]:
            if begin < first:
                spans.append((0, [(begin, first)]))
                size += 1
            begin = first
        if is_large:
            step = _BLOCKS[-1]
            blocks = [(low, min(low + step, behind)) for low in range(first, behind, step)]
            spans.append((1, blocks))
            begin = behind
    if begin < starts[-1]:
        spans.append((0, [(begin, starts[-1])]))
    return spans
