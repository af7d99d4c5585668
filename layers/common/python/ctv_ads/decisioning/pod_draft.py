"""A pod while it is being filled: ads go in and out one at a time, and every rule holds always."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ctv_ads.decisioning.pod_terms import (
    ANYWHERE,
    CREATIVE,
    FIRST,
    LAST,
    POD,
    CandidateTerms,
    CapTerms,
    CreativeTerms,
    LineItemTerms,
)
from ctv_ads.domain.pod import PodSpec
from ctv_ads.domain.reasons import Reason

ENDLESS_MS = 0xFFFFFFFF
"""How long a break is that has no length: more than all candidates take together."""

CapCheck = Callable[[CapTerms, bytes, int], bool]
"""Whether a cap on a field leaves no room after so many views in this pod."""


class Placed(NamedTuple):
    """An ad of the pod. `pin` is the place that it wished for and has: FIRST, LAST or none."""

    candidate: int
    creative: int
    terms: CandidateTerms
    pin: int

    @property
    def media(self) -> CreativeTerms:
        """Its creative's terms."""
        return self.terms.creatives[self.creative]


@dataclass(slots=True)
class Draft:
    """The pod so far: `added` in the order in which they came, `order` as they will play."""

    spec: PodSpec
    is_capped: CapCheck
    added: list[Placed] = field(default_factory=list)
    order: list[Placed] = field(default_factory=list)
    filled_ms: int = 0
    misplaced: int = 0
    """How often an ad was refused for nothing but its place in the order."""

    @property
    def is_endless(self) -> bool:
        """Tell whether slots alone limit it. Time is worth nothing then."""
        return self.spec.duration_ms is None

    @property
    def left_ms(self) -> int:
        """Return how much of the break is not filled."""
        limit_ms = self.spec.duration_ms
        return (ENDLESS_MS if limit_ms is None else limit_ms) - self.filled_ms

    def worth_from(self, base: int) -> tuple[int, int]:
        """Return what all but the first `base` ads are expected to earn, and how long they play."""
        mine = self.added[base:]
        value = sum(placed.terms.line_item.value_micros for placed in mine)
        return value, 0 if self.is_endless else sum(placed.media.duration_ms for placed in mine)

    def is_full(self) -> Reason | None:
        """Return why nothing at all fits any more."""
        if len(self.added) >= self.spec.max_ads:
            return Reason.POD_HAS_NO_SLOT_LEFT
        return Reason.POD_HAS_NO_TIME_LEFT if self.left_ms == 0 else None

    def add(self, candidate: int, terms: CandidateTerms, creatives: Iterable[int]) -> Reason | None:
        """Put in the first of `creatives` that fits, or say why none does."""
        reason = self.is_full() or self._refuse(terms.line_item)
        if reason is not None:
            return reason
        creative = self._choose(terms, creatives)
        if isinstance(creative, Reason):
            return creative
        place = self._place(terms.line_item)
        if isinstance(place, Reason):
            self.misplaced += 1
            return place
        at, pin = place
        placed = Placed(candidate, creative, terms, pin)
        self.added.append(placed)
        self.order.insert(at, placed)
        self.filled_ms += placed.media.duration_ms
        return None

    def remove_last(self) -> Placed:
        """Take out what was put in last."""
        placed = self.added.pop()
        self.order.remove(placed)
        self.filled_ms -= placed.media.duration_ms
        return placed

    def _refuse(self, terms: LineItemTerms) -> Reason | None:
        if any(placed.terms.line_item.token == terms.token for placed in self.added):
            return Reason.SAME_LINE_ITEM
        for cap in terms.caps:
            already = self._views(cap.field) if cap.scope != CREATIVE else 0
            if already and self.is_capped(cap, cap.field, already):
                return cap_reason(cap)
        for placed in self.added:
            extent, reason = rivalry(terms, placed.terms.line_item)
            if extent >= POD:
                return reason
        return None

    def _views(self, counted: bytes) -> int:
        return sum(counted in placed.terms.line_item.fields for placed in self.added)

    def _choose(self, terms: CandidateTerms, creatives: Iterable[int]) -> int | Reason:
        """Return the first creative that fits, or why the first does not."""
        reasons: list[Reason] = []
        for index in creatives:
            reason = self._refuse_creative(terms, terms.creatives[index])
            if reason is None:
                return index
            reasons.append(reason)
        return reasons[0]

    def _refuse_creative(self, terms: CandidateTerms, media: CreativeTerms) -> Reason | None:
        if media.duration_ms > self.left_ms:
            return Reason.POD_HAS_NO_TIME_LEFT
        if media.media and any(placed.media.media == media.media for placed in self.added):
            return Reason.SAME_MEDIA
        already = sum(placed.media.field == media.field for placed in self.added)
        caps = terms.line_item.caps if already else ()
        if any(c.scope == CREATIVE and self.is_capped(c, media.field, already) for c in caps):
            return Reason.CAP_CREATIVE
        return None

    def _place(self, terms: LineItemTerms) -> tuple[int, int] | Reason:
        """Return where it plays and what pins it there."""
        reason = Reason.POSITION_TAKEN
        for at, pin in self._places(terms.position):
            beside = self.order[max(at - 1, 0) : at + 1]
            rivals = [rivalry(terms, placed.terms.line_item) for placed in beside]
            if not any(extent for extent, _ in rivals):
                return at, pin
            reason = next(why for extent, why in rivals if extent)
        return reason

    def _places(self, position: int) -> Iterator[tuple[int, int]]:
        """Yield the places that a wish leaves, the preferred one first."""
        count = len(self.order)
        first_taken = bool(self.order) and self.order[0].pin == FIRST
        last_taken = bool(self.order) and self.order[-1].pin == LAST
        if position == ANYWHERE:
            places = range(count - last_taken, first_taken - 1, -1)
            yield from ((at, ANYWHERE) for at in places)
        if position & FIRST and not first_taken:
            yield 0, FIRST
        if position & LAST and not last_taken:
            yield count, LAST


def rivalry(one: LineItemTerms, other: LineItemTerms) -> tuple[int, Reason]:
    """Return how far two are to be kept apart, 0 not at all, and by what they are rivals."""
    by_category = by_domain = 0
    if one.category and one.category == other.category:
        by_category = max(one.category_extent, other.category_extent)
    if one.domain and one.domain == other.domain:
        by_domain = max(one.domain_extent, other.domain_extent)
    if by_domain > by_category:
        return by_domain, Reason.SEPARATED_BY_DOMAIN
    return by_category, Reason.SEPARATED_BY_CATEGORY


_CAP_REASONS = (
    Reason.CAP_CREATIVE,
    Reason.CAP_LINE_ITEM,
    Reason.CAP_CAMPAIGN,
    Reason.CAP_ADVERTISER,
)


def cap_reason(cap: CapTerms) -> Reason:
    """Return what a reached cap is called."""
    return _CAP_REASONS[cap.scope - 1]
