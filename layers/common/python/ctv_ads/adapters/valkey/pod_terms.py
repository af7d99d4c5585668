"""Terms of candidates as the function in Valkey reads them: MessagePack, kept per line item."""

import struct
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from ctv_ads.decisioning.pod_terms import LineItemTerms, creative_terms, line_item_terms
from ctv_ads.domain.inventory import ServableCreative, ServableLineItem
from ctv_ads.domain.pod import Candidate

_MOST_KEPT = 20_000
_DROPPED = 64


class Packed(NamedTuple):
    """A candidate's terms as one string; `place` sorts by tier, then by value, greatest first."""

    line_item: ServableLineItem
    spends_micros: int
    creatives: tuple[ServableCreative, ...]
    head: bytes
    whole: bytes
    place: int


class PackedTerms:
    """Packs candidates; a line item and a creative that stay the same are packed once."""

    def __init__(self) -> None:
        self._known: dict[str, Packed] = {}
        self._creatives: dict[str, tuple[ServableCreative, bytes]] = {}

    def pack(self, candidate: Candidate) -> Packed:
        """Return the candidate's terms, packed."""
        line_item, creatives = candidate.line_item, candidate.creatives
        known = self._known.get(line_item.line_item_id)
        spends = candidate.spends_micros if line_item.needs_tokens else 0
        is_known = known and known.line_item is line_item and known.spends_micros == spends
        if known and is_known and known.creatives is creatives:
            return known
        head = known.head if known and is_known else _head(line_item_terms(line_item), spends)
        whole = head + _array(3 * len(creatives)) + b"".join(map(self._creative, creatives))
        if len(self._known) >= _MOST_KEPT:
            _drop_oldest(self._known)
        place = _place(line_item_terms(line_item), has_creatives=bool(creatives))
        packed = Packed(line_item, spends, creatives, head, whole, place)
        self._known[line_item.line_item_id] = packed
        return packed

    def _creative(self, creative: ServableCreative) -> bytes:
        known = self._creatives.get(creative.creative_id)
        if known is not None and known[0] is creative:
            return known[1]
        packed = b"".join([_item(value) for value in creative_terms(creative)])
        if len(self._creatives) >= _MOST_KEPT:
            _drop_oldest(self._creatives)
        self._creatives[creative.creative_id] = creative, packed
        return packed


def _drop_oldest(kept: dict[str, Any]) -> None:
    """Drop a few: the one call that freed thousands would wait for it, and the next would miss all."""
    for old in list(islice(kept, _DROPPED)):
        del kept[old]


def order_of_slots(packed: Sequence[Packed], *, max_ads: int) -> bytes:
    """Return the numbers of candidates as a break without a length tries them.

    For several slots that is by tier and value, equals in rank order; for one, in rank order.
    """
    places = [one.place if max_ads > 1 else -(-one.place >> 32) for one in packed]
    return bytes(sorted(range(len(places)), key=places.__getitem__))


def _place(terms: LineItemTerms, *, has_creatives: bool) -> int:
    """Sort as `decisioning/fill_pod.py` does: who has nothing to show comes last in the tier."""
    return (2 * terms.tier + (not has_creatives) << 32) - terms.value_micros


def _head(terms: LineItemTerms, spends_micros: int) -> bytes:
    """Everything but the creatives, which come last."""
    plain: tuple[int | bytes, ...] = (
        *(terms.token, terms.tier, terms.value_micros, spends_micros, terms.position),
        *(terms.category, terms.category_extent, terms.domain, terms.domain_extent),
        *(terms.sequence, *terms.fields),
    )
    return b"".join(
        (
            _array(len(plain) + 4),
            *[_item(value) for value in plain],
            _flat(terms.caps),
            _flat(terms.counters),
            _flat([terms.turns]),
        )
    )


def _flat(rows: Iterable[Iterable[int | bytes]]) -> bytes:
    items = [_item(value) for row in rows for value in row]
    return _array(len(items)) + b"".join(items)


def _array(length: int) -> bytes:
    return struct.pack(">BH", 0xDC, length)


def _item(value: int | bytes) -> bytes:
    if isinstance(value, bytes):
        # As text of 16 bits' length: Valkey's MessagePack does not know bytes.
        return struct.pack(">BH", 0xDA, len(value)) + value
    return struct.pack(">BQ", 0xCF, value) if value > 127 else bytes((value,))
