"""What filling a break must know of a candidate, as plain numbers and short keys.

Both fillers, this package's Python and the function inside Valkey, work on these terms alone,
so they cannot read a line item differently.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from ctv_ads.decisioning.rotation import place_in_sequence
from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.frequency import CapKey, CapScope, FrequencyCap
from ctv_ads.domain.inventory import ServableCreative, ServableLineItem
from ctv_ads.domain.line_item import (
    CreativeRotation,
    PodPosition,
    Separation,
    SeparationBy,
    SeparationExtent,
)
from ctv_ads.domain.pod import Candidate

SESSION_LIFETIME_S = 24 * 3600
"""How long a viewing session is remembered after its last ad."""
SEQUENCE_LIFETIME_S = 30 * 24 * 3600
"""How long the place in a sequence is remembered after the last ad of it."""

_MOST_VALUE_MICROS = 400_000_000
"""What one showing counts for at most: products with times stay exact in double precision."""

SESSION, DEVICE, HOUSEHOLD = 1, 2, 3
"""Whose hash a counter is in."""
_KEYS = {CapKey.SESSION: SESSION, CapKey.DEVICE: DEVICE, CapKey.HOUSEHOLD: HOUSEHOLD}

CREATIVE, LINE_ITEM, CAMPAIGN, ADVERTISER = 1, 2, 3, 4
_SCOPES = {
    CapScope.CREATIVE: CREATIVE,
    CapScope.LINE_ITEM: LINE_ITEM,
    CapScope.CAMPAIGN: CAMPAIGN,
    CapScope.ADVERTISER: ADVERTISER,
}

ADJACENT, POD, STREAM = 1, 2, 3
_EXTENTS = {
    SeparationExtent.ADJACENT: ADJACENT,
    SeparationExtent.POD: POD,
    SeparationExtent.STREAM: STREAM,
}

ANYWHERE, FIRST, LAST, FIRST_OR_LAST = 0, 1, 2, 3
_POSITIONS = {
    PodPosition.ANY: ANYWHERE,
    PodPosition.FIRST: FIRST,
    PodPosition.LAST: LAST,
    PodPosition.FIRST_OR_LAST: FIRST_OR_LAST,
}


class CapTerms(NamedTuple):
    """At most `limit` views of `field` in any `window_s` seconds; 0 is the session.

    `field` is empty for creatives, each of which has its own.
    """

    scope: int
    key: int
    limit: int
    window_s: int
    field: bytes


class Counter(NamedTuple):
    """A list of view times that some cap needs: the newest `keep`, for `lifetime_s`."""

    scope: int
    key: int
    keep: int
    lifetime_s: int
    field: bytes


class CreativeTerms(NamedTuple):
    """`media` is the same for the same film, and empty when that is not known."""

    field: bytes
    duration_ms: int
    media: bytes


@dataclass(frozen=True, slots=True)
class LineItemTerms:
    """A line item; `tier` orders what may never lose to what, smaller first."""

    token: bytes
    tier: int
    value_micros: int
    position: int
    category: bytes
    category_extent: int
    domain: bytes
    domain_extent: int
    sequence: bytes
    """The field of the viewer's place in its sequence; empty when it has none."""
    turns: tuple[bytes, ...]
    """Of a sequence, the fields of all creatives in their order, whether they fit a break or not."""
    fields: tuple[bytes, bytes, bytes]
    """Of line item, campaign and advertiser."""
    caps: tuple[CapTerms, ...]
    counters: tuple[Counter, ...]


@dataclass(frozen=True, slots=True)
class CandidateTerms:
    """A candidate; `spends_micros` is 0 when it needs no tokens."""

    line_item: LineItemTerms
    creatives: tuple[CreativeTerms, ...]
    spends_micros: int


def terms_of(candidate: Candidate) -> CandidateTerms:
    """Return what filling has to know of `candidate`."""
    line_item = candidate.line_item
    return CandidateTerms(
        line_item_terms(line_item),
        tuple(map(creative_terms, candidate.creatives)),
        candidate.spends_micros if line_item.needs_tokens else 0,
    )


def line_item_terms(line_item: ServableLineItem) -> LineItemTerms:
    """Return the line item's part of the terms, the same for all of its candidacies."""
    fields = {
        LINE_ITEM: b"l" + short_key(line_item.line_item_id),
        CAMPAIGN: b"p" + short_key(line_item.campaign_id),
        ADVERTISER: b"a" + short_key(line_item.advertiser_id),
        CREATIVE: b"",
    }
    is_sequential = line_item.creative_rotation is CreativeRotation.SEQUENTIAL
    category, domain = line_item.category, line_item.advertiser_domain
    return LineItemTerms(
        token=line_item.line_item_id.encode(),
        tier=2 * line_item.priority + (line_item.type is LineItemType.HOUSE),
        value_micros=min(line_item.value_micros, _MOST_VALUE_MICROS),
        position=_POSITIONS[line_item.pod_position],
        category=short_key(f"category {category}") if category else b"",
        category_extent=_extent(line_item.separation, SeparationBy.CATEGORY),
        domain=short_key(f"domain {domain}") if domain else b"",
        domain_extent=_extent(line_item.separation, SeparationBy.ADVERTISER_DOMAIN),
        sequence=b"q" + short_key(line_item.line_item_id) if is_sequential else b"",
        turns=_turns(line_item) if is_sequential else (),
        fields=(fields[LINE_ITEM], fields[CAMPAIGN], fields[ADVERTISER]),
        caps=tuple(_cap(cap, fields) for cap in line_item.frequency_caps),
        counters=_counters((*line_item.frequency_caps, *line_item.counted_caps), fields),
    )


def creative_terms(creative: ServableCreative) -> CreativeTerms:
    """Return a creative's part of the terms."""
    media = short_key(creative.media_sha256) if creative.media_sha256 else b""
    return CreativeTerms(b"c" + short_key(creative.creative_id), creative.duration_ms, media)


def _turns(line_item: ServableLineItem) -> tuple[bytes, ...]:
    in_sequence = sorted(line_item.creatives, key=place_in_sequence)
    return tuple(b"c" + short_key(creative.creative_id) for creative in in_sequence)


@lru_cache(maxsize=65_536)
def short_key(name: str) -> bytes:
    """Return 8 bytes that stand for `name` among the few names that one viewer meets."""
    return blake2b(name.encode(), digest_size=8).digest()


def _extent(rules: tuple[Separation, ...], by: SeparationBy) -> int:
    return max((_EXTENTS[rule.extent] for rule in rules if rule.by is by), default=0)


def _cap(cap: FrequencyCap, fields: dict[int, bytes]) -> CapTerms:
    scope = _SCOPES[cap.scope]
    return CapTerms(scope, _key(cap), cap.limit, _window_s(cap), fields[scope])


def _key(cap: FrequencyCap) -> int:
    """A cap of the session counts by the session, whatever it says."""
    return SESSION if cap.window_ms is None else _KEYS[cap.key]


def _window_s(cap: FrequencyCap) -> int:
    return 0 if cap.window_ms is None else -(-cap.window_ms // 1000)


def _counters(caps: tuple[FrequencyCap, ...], fields: dict[int, bytes]) -> tuple[Counter, ...]:
    """Return one counter for each scope and key, wide enough for every cap."""
    found: dict[tuple[int, int], Counter] = {}
    for cap in caps:
        scope, key = _SCOPES[cap.scope], _key(cap)
        known = found.get((scope, key), Counter(scope, key, 0, 0, fields[scope]))
        found[scope, key] = known._replace(
            keep=max(known.keep, cap.limit),
            lifetime_s=max(known.lifetime_s, _window_s(cap) or SESSION_LIFETIME_S),
        )
    return tuple(found.values())
