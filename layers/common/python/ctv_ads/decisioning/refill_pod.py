"""Fill a break again from what its record tells: the same filler, and what only Valkey knew.

Tokens and what is remembered of viewers are not recorded. The verdicts tell of them: who was refused
for tokens, for a cap or for what the session had shown before stays refused, everybody else has
tokens and no history, a sequence begins where it was picked from. What a verdict hides is not known:
of a candidate that found the pod full nobody wrote down whether it could have run.
"""

import struct
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from ctv_ads.decisioning.fill_pod import fill_pod
from ctv_ads.decisioning.pod_draft import rivalry
from ctv_ads.decisioning.pod_state import Grant, ViewerState
from ctv_ads.decisioning.pod_terms import (
    ADVERTISER,
    CAMPAIGN,
    CREATIVE,
    DEVICE,
    HOUSEHOLD,
    POD,
    SESSION,
    CandidateTerms,
    terms_of,
)
from ctv_ads.domain.frequency import CapScope
from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.line_item import CreativeRotation
from ctv_ads.domain.pod import Candidate, FilledPod, PodSpec, ViewerKeys
from ctv_ads.domain.reasons import Reason

_PLENTY = 2**53
_LIFETIME_S = 2**31
"""Of what is made up: longer than any window."""
_ALWAYS_BEFORE = frozenset({Reason.NO_TOKENS, Reason.CAP_LINE_ITEM})
"""Refusals that no other ad of the pod can be the cause of."""
_SCOPES = {
    Reason.CAP_CREATIVE: CREATIVE,
    Reason.CAP_CAMPAIGN: CAMPAIGN,
    Reason.CAP_ADVERTISER: ADVERTISER,
}
"""Caps that other ads of the pod may have helped to reach."""
_SEPARATED = frozenset({Reason.SEPARATED_BY_CATEGORY, Reason.SEPARATED_BY_DOMAIN})
_FULL = frozenset({Reason.POD_HAS_NO_TIME_LEFT, Reason.POD_HAS_NO_SLOT_LEFT})


class Views(NamedTuple):
    """So many views of `field` at least, within the window of a cap that counts them."""

    key: int
    field: bytes
    views: int
    window_s: int


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a record tells of tokens and viewer. `sequences` says by field where each begins."""

    refused: dict[LineItemId, Reason] = field(default_factory=dict)
    views: list[Views] = field(default_factory=list)
    sequences: dict[bytes, int] = field(default_factory=dict)
    buckets: dict[LineItemId, int] = field(default_factory=dict)


class Refilled(NamedTuple):
    """The pod as it is filled now. `is_same` None: the record does not tell enough to know.

    Then `untold` are line items and creatives that may have been out of tokens, capped or kept out
    by what the session had shown, or line items whose sequence may have begun elsewhere.
    """

    pod: FilledPod
    is_same: bool | None
    untold: tuple[str, ...] = ()


def recall(candidates: Sequence[Candidate], recorded: FilledPod) -> Recalled:
    """Return what `recorded`, the outcome of these candidates, tells of tokens and viewer."""
    terms = list(map(terms_of, candidates))
    shown = _shown_fields(terms, recorded)
    under_caps = {
        terms[pick.candidate].creatives[pick.creative].field
        for pick in recorded.picks
        if any(_reaching(terms[pick.candidate], b""))
    }
    known = Recalled()
    for candidate, own, verdict in zip(candidates, terms, recorded.verdicts, strict=True):
        views = list(_views_before(own, verdict, shown))
        known.views.extend(views)
        if not views and _is_by_before(own, verdict, [terms[p.candidate] for p in recorded.picks]):
            known.refused[candidate.line_item.line_item_id] = verdict
    for pick in recorded.picks:
        own = terms[pick.candidate]
        known.buckets[candidates[pick.candidate].line_item.line_item_id] = pick.bucket
        if own.line_item.sequence:
            shown_place = own.line_item.turns.index(own.creatives[pick.creative].field)
            known.sequences[own.line_item.sequence] = shown_place
        else:
            known.views.extend(_capped_before(own, pick.creative, under_caps))
    return known


def refill(
    spec: PodSpec,
    candidates: Sequence[Candidate],
    viewer: ViewerKeys,
    known: Recalled,
    *,
    now: datetime,
    supposed: frozenset[str] = frozenset(),
) -> FilledPod:
    """Return the pod as it is filled now; `supposed` line items and creatives are refused too."""
    grants: dict[bytes, Grant] = {}
    terms, views = [], list(known.views)
    for one in candidates:
        own, name = terms_of(one), one.line_item.line_item_id
        if name in known.refused or name in supposed:
            own = replace(own, spends_micros=_PLENTY)  # of which it has none
        else:
            grants[own.line_item.token] = Grant(known.buckets.get(name, 0), _PLENTY)
        terms.append(own)
        for creative, media in zip(one.creatives, own.creatives, strict=True):
            if creative.creative_id in supposed:
                views.extend(_reaching(own, media.field))
    now_s = int(now.timestamp())
    state = ViewerState(_remembered(viewer, views, known.sequences, now_s), grants)
    filled = fill_pod(spec, terms, state, now_s=now_s).pod
    return filled._replace(verdicts=_as_they_were(candidates, filled.verdicts, known))


def refill_as_recorded(
    spec: PodSpec,
    candidates: Sequence[Candidate],
    viewer: ViewerKeys,
    recorded: FilledPod,
    *,
    now: datetime,
) -> Refilled:
    """Fill the break that came out as `recorded`, and tell whether it comes out so again."""
    known = recall(candidates, recorded)
    first = again = refill(spec, candidates, viewer, known, now=now)
    supposed: frozenset[str] = frozenset()
    while again.picks != recorded.picks:
        more = frozenset(_doubtful(spec, candidates, recorded, again)) - supposed
        if not more:
            untold = tuple(_sequences(spec, candidates))
            return Refilled(first, None if untold else False, untold)
        supposed |= more
        again = refill(spec, candidates, viewer, known, now=now, supposed=supposed)
    return Refilled(first, None if supposed else True, tuple(sorted(supposed)))


def _sequences(spec: PodSpec, candidates: Sequence[Candidate]) -> Iterator[str]:
    """Yield line items whose creative need not be the next of its sequence: a search may choose."""
    for one in candidates if spec.duration_ms is not None else ():
        if one.line_item.creative_rotation is CreativeRotation.SEQUENTIAL:
            yield one.line_item.line_item_id


def _shown_fields(terms: Sequence[CandidateTerms], recorded: FilledPod) -> Mapping[bytes, int]:
    """Return by counter how often this pod counts for it."""
    shown: Counter[bytes] = Counter()
    for pick in recorded.picks:
        own = terms[pick.candidate]
        shown.update((*own.line_item.fields, own.creatives[pick.creative].field))
    return shown


def _views_before(
    own: CandidateTerms, verdict: Reason, shown: Mapping[bytes, int]
) -> Iterator[Views]:
    """Yield what is missing to a cap that ads of this pod have helped to reach."""
    scope = _SCOPES.get(verdict)
    films = [one.field for one in own.creatives]
    together = [
        Views(cap.key, counter, max(cap.limit - shown[counter], 0), cap.window_s)
        for cap in own.line_item.caps
        if cap.scope == scope
        for counter in ([cap.field] if scope != CREATIVE else films)
        # A creative that is not in this pod was refused for what was seen before.
        if shown[counter] and (scope != CREATIVE or all(map(shown.__getitem__, films)))
    ]
    if together:
        yield min(together, key=lambda one: one.views)


def _is_by_before(own: CandidateTerms, verdict: Reason, pod: Sequence[CandidateTerms]) -> bool:
    """Tell whether only tokens, or what was seen before, can have refused it."""
    if verdict in _SEPARATED:
        return not _extent(own, pod)
    return verdict in _ALWAYS_BEFORE or verdict in _SCOPES


def _extent(own: CandidateTerms, pod: Sequence[CandidateTerms]) -> int:
    """Return how far it is to be kept apart from its rivals of the pod, 0 if it has none."""
    return max((rivalry(own.line_item, other.line_item)[0] for other in pod), default=0)


def _capped_before(
    own: CandidateTerms, creative: int, under_caps: AbstractSet[bytes]
) -> Iterator[Views]:
    """Yield what keeps out the creatives that its rotation would have had tried before.

    `under_caps` are shown in this pod by line items whose caps count them, so they were not capped.
    """
    for media in own.creatives[:creative]:
        if media.field not in under_caps:
            yield from _reaching(own, media.field)


def _reaching(own: CandidateTerms, counter: bytes) -> Iterator[Views]:
    """Yield the views of a creative that reach its caps, if it has any."""
    for cap in own.line_item.caps:
        if cap.scope == CREATIVE:
            yield Views(cap.key, counter, cap.limit, cap.window_s)


def _remembered(
    viewer: ViewerKeys, views: Iterable[Views], sequences: Mapping[bytes, int], now_s: int
) -> Mapping[int, Mapping[bytes, bytes]]:
    """Return the least that the viewer must have seen, as long ago as it still counts."""
    known = {SESSION: viewer.session, DEVICE: viewer.device, HOUSEHOLD: viewer.household}
    hashes: dict[int, dict[bytes, bytes]] = {kind: {} for kind, key in known.items() if key}
    state = ViewerState(hashes, {})
    times: dict[tuple[int, bytes], dict[int, int]] = defaultdict(dict)
    for one in views:
        kind = state.key_for(one.key)
        if kind is not None:
            at = times[kind, one.field]
            for newest in range(one.views):
                at[newest] = max(at.get(newest, 0), now_s - one.window_s)
    for (kind, counter), at in times.items():
        hashes[kind][counter] = struct.pack(f">{len(at) + 1}I", _LIFETIME_S, *sorted(at.values()))
    kind = state.sequence_key()
    if kind is not None:
        for counter, seen in sequences.items():
            hashes[kind][counter] = struct.pack(">3I", _LIFETIME_S, seen, now_s)
    return hashes


def _as_they_were(
    candidates: Sequence[Candidate], verdicts: Sequence[Reason], known: Recalled
) -> tuple[Reason, ...]:
    """Give those who stay refused the reason that was recorded, not the one that was made up."""
    return tuple(
        known.refused.get(one.line_item.line_item_id, verdict)
        if verdict is Reason.NO_TOKENS
        else verdict
        for one, verdict in zip(candidates, verdicts, strict=True)
    )


def _doubtful(
    spec: PodSpec, candidates: Sequence[Candidate], recorded: FilledPod, again: FilledPod
) -> Iterator[str]:
    """Yield what runs now and may have been refused then without a verdict that tells it.

    A candidate that comes to a full pod may be told only that. One that is kept apart from a rival of
    the pod may be so from one that the session saw before, too: then it runs in no other pod either.
    """
    ran = {pick.candidate: pick.creative for pick in recorded.picks}
    untold = _SCOPES.keys() | (_FULL if spec.duration_ms is not None else ())
    both = ran.keys() & {pick.candidate for pick in again.picks}
    pod = [terms_of(candidates[index]) for index in both]
    for pick in again.picks:
        one = candidates[pick.candidate]
        if ran.get(pick.candidate) == pick.creative:
            continue
        verdict = recorded.verdicts[pick.candidate]
        if verdict in untold or (verdict in _SEPARATED and _extent(terms_of(one), pod) < POD):
            yield one.line_item.line_item_id
        elif any(cap.scope is CapScope.CREATIVE for cap in one.line_item.frequency_caps):
            yield one.creatives[pick.creative].creative_id
