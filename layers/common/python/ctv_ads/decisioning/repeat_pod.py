"""Making a decision again from what it left behind: the same code on the same inventory."""

from collections.abc import Sequence
from dataclasses import dataclass

from ctv_ads.decisioning.no_fill import no_fill_reason
from ctv_ads.decisioning.prepare_pod import PreparedPod, prepare_pod
from ctv_ads.decisioning.refill_pod import Refilled, refill_as_recorded
from ctv_ads.decisioning.resolve_break import resolve_break
from ctv_ads.decisioning.segments.candidates import judge
from ctv_ads.decisioning.segments.index import LineItemIndex
from ctv_ads.decisioning.segments.query import Query, query_of
from ctv_ads.decisioning.segments.search import REACHES, Reach
from ctv_ads.decisioning.without_valkey import fill_without_valkey
from ctv_ads.domain.ad_request import Viewer
from ctv_ads.domain.decision_record import DecisionNote, DecisionRecord
from ctv_ads.domain.ids import CreativeId, LineItemId
from ctv_ads.domain.inventory import PublishedPlacement
from ctv_ads.domain.pod import Candidate, ViewerKeys
from ctv_ads.domain.reasons import NoFillReason, Reason


class NotRepeatableError(Exception):
    """The inventory at hand is not the one that was decided on."""


@dataclass(frozen=True, slots=True)
class RepeatedPod:
    """The candidates as they were recorded, made again.

    `skipped` were eligible and ranked before the last candidate, but known to be out of tokens.
    `passed_over` was looked at, and could not serve. `is_same_search` tells that without those
    skipped a new search finds exactly these candidates.
    """

    candidates: tuple[Candidate, ...]
    skipped: tuple[LineItemId, ...]
    passed_over: tuple[tuple[LineItemId, Reason], ...]
    is_same_search: bool


def query_again(note: DecisionNote, placement: PublishedPlacement) -> Query:
    """Return the search that was made."""
    resolved = resolve_break(note.request.ad_break, placement)
    return query_of(
        note.request,
        placement,
        now=note.decided_at,
        seed=note.seed,
        min_ad_ms=resolved.min_ad_ms,
        max_ad_ms=resolved.max_ad_ms,
        house_fills=resolved.spec,
    )


def reach_of(note: DecisionNote) -> Reach:
    """Return how far the search went."""
    return REACHES[note.reach]


def candidates_again(
    index: LineItemIndex, note: DecisionNote, placement: PublishedPlacement
) -> tuple[Candidate, ...]:
    """Return the candidates that were recorded, with their creatives in the same order.

    Raises:
        NotRepeatableError: one of them is not in this inventory, or could not have served.
    """
    query = query_again(note, placement)
    return tuple(_candidate(index, name, query) for name in note.candidates)


def picked_again(
    index: LineItemIndex, record: DecisionRecord, placement: PublishedPlacement
) -> tuple[tuple[LineItemId, CreativeId], ...]:
    """Return the line items that were shown, in play order, each with its creative.

    Raises:
        NotRepeatableError: one of them is not in this inventory, or could not have served.
    """
    note = record.note
    query = query_again(note, placement)
    shown = []
    for pick in record.outcome.picks:
        name = note.candidates[pick.candidate]
        shown.append((name, _creative(_candidate(index, name, query), pick.creative)))
    return tuple(shown)


def repeat_pod(
    index: LineItemIndex, note: DecisionNote, placement: PublishedPlacement
) -> RepeatedPod:
    """Return the decision's candidates, and whether the search for them still finds the same.

    Raises:
        NotRepeatableError: one of them is not in this inventory, or could not have served.
    """
    candidates = candidates_again(index, note, placement)
    skip: frozenset[LineItemId] = frozenset()
    recorded = frozenset(note.candidates)
    # What the process knew to be out of tokens is not recorded: it is who stood before others
    # that were offered. Each round finds those that the round before had no place for.
    while True:
        found = prepare_pod(
            index,
            note.request,
            placement,
            now=note.decided_at,
            seed=note.seed,
            reach=reach_of(note),
            skip=skip,
        )
        names = [one.line_item.line_item_id for one in found.candidates]
        missing = frozenset(names) - recorded
        if not missing:
            is_same = names == list(note.candidates)
            return RepeatedPod(candidates, tuple(sorted(skip)), found.passed_over, is_same)
        skip |= missing


def refilled(
    record: DecisionRecord, placement: PublishedPlacement, candidates: tuple[Candidate, ...]
) -> Refilled:
    """Have the filler fill the decision's break again, and tell whether it picks the same.

    Raises:
        NotRepeatableError: a candidate has fewer creatives than it had.
    """
    note, outcome = record.note, record.outcome
    for pick in outcome.picks:
        _creative(candidates[pick.candidate], pick.creative)
    spec = resolve_break(note.request.ad_break, placement).spec
    if note.degraded is not None:
        pod = fill_without_valkey(PreparedPod(spec, candidates, ()), now=note.decided_at)
        return Refilled(pod, is_same=pod.picks == outcome.picks)
    viewer = viewer_keys(note.request.viewer)
    return refill_as_recorded(spec, candidates, viewer, outcome, now=note.decided_at)


def viewer_keys(viewer: Viewer) -> ViewerKeys:
    """Return by what the views of this viewer are counted."""
    return ViewerKeys(viewer.session_key, viewer.device_key, viewer.household_key)


def no_fill_again(
    index: LineItemIndex | None, record: DecisionRecord, placement: PublishedPlacement | None
) -> NoFillReason | None:
    """Return why the decision holds no ad; None if it does.

    Without the inventory it is not known who was passed over: then nothing was on sale for it,
    unless the verdict on a candidate says more.
    """
    note, outcome = record.note, record.outcome
    if outcome.picks:
        return None
    passed_over: Sequence[tuple[LineItemId, Reason]] = ()
    if not outcome.verdicts and index is not None and placement is not None:
        now, seed = note.decided_at, note.seed
        passed_over = prepare_pod(index, note.request, placement, now=now, seed=seed).passed_over
    return no_fill_reason(outcome.verdicts, passed_over)


def _candidate(index: LineItemIndex, name: LineItemId, query: Query) -> Candidate:
    line_item = index.line_item(name)
    if line_item is None:
        raise NotRepeatableError(f"line item {name} is not in this inventory")
    judgement = judge(line_item, query)
    if isinstance(judgement, Reason):
        raise NotRepeatableError(f"line item {name} could not have served: {judgement.wire_name}")
    return judgement


def _creative(candidate: Candidate, position: int) -> CreativeId:
    if position >= len(candidate.creatives):
        name = candidate.line_item.line_item_id
        raise NotRepeatableError(f"line item {name} has fewer creatives in this inventory")
    return candidate.creatives[position].creative_id


def outcomes(note: DecisionNote, verdicts: Sequence[Reason]) -> dict[LineItemId, Reason]:
    """Return the verdict on each candidate by its id."""
    return dict(zip(note.candidates, verdicts, strict=True))
