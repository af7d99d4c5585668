"""Explain a decision, make it again, and tell what another request would have got."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from ctv_ads.decisioning.no_fill import no_fill_reason
from ctv_ads.decisioning.prepare_pod import prepare_pod
from ctv_ads.decisioning.refill_pod import Recalled, Refilled, recall, refill
from ctv_ads.decisioning.repeat_pod import (
    NotRepeatableError,
    outcomes,
    query_again,
    reach_of,
    refilled,
    repeat_pod,
    viewer_keys,
)
from ctv_ads.decisioning.room_left import has_room
from ctv_ads.decisioning.segments.search import REACHES
from ctv_ads.domain.access import Action, Caller
from ctv_ads.domain.beacon_token import TokenKeys
from ctv_ads.domain.decision_record import DecisionRecord
from ctv_ads.domain.ids import DecisionId, LineItemId
from ctv_ads.domain.inventory import PublishedPlacement
from ctv_ads.domain.pod import Candidate, FilledPod
from ctv_ads.domain.reasons import NoFillReason, Reason
from ctv_ads.errors import ConflictError, NotFoundError
from ctv_ads.ports.decisions import (
    DecisionFilter,
    DecisionRecords,
    InventoryHistory,
    PastInventory,
    RecentDecisions,
    Unpublished,
    UnpublishedLineItems,
)
from ctv_ads.use_cases.permission import require
from ctv_ads.use_cases.sign_ads import Decided, SignAds
from ctv_ads.use_cases.supposed_request import Supposed, Supposing
from ctv_ads.vast.document import PodAd

_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision for people. `removed` holds by reason every line item that was no candidate.

    `unpublished` are in no inventory, as they are booked now; who is named there was not in this one.
    `asked` is the answer for the one line item that was asked for.
    """

    record: DecisionRecord
    candidates: tuple[Candidate, ...]
    skipped: tuple[LineItemId, ...]
    removed: Mapping[Reason, tuple[LineItemId, ...]]
    unpublished: Mapping[Reason, Unpublished]
    asked: tuple[LineItemId, Reason] | None
    no_fill_reason: NoFillReason | None


@dataclass(frozen=True, slots=True)
class Replay:
    """A decision made again: searched for anew, and filled anew.

    `is_same_search` tells that the search found the same candidates, `refilled` what the filler made
    of them. `ads` are of the pod that is filled now, which is the recorded one as far as is known.
    """

    record: DecisionRecord
    candidates: tuple[Candidate, ...]
    ads: tuple[PodAd, ...]
    no_fill_reason: NoFillReason | None
    is_same_search: bool
    refilled: Refilled


@dataclass(frozen=True, slots=True)
class Supposition:
    """What a changed request would have got.

    `still_refused` are those whose tokens or caps, or what the session had shown, refused them then,
    which is taken to be so again. Everybody else has tokens, and the viewer has not seen them.
    """

    record: DecisionRecord
    supposed: Supposed
    candidates: tuple[Candidate, ...]
    outcome: FilledPod
    still_refused: tuple[LineItemId, ...]


@dataclass(frozen=True, slots=True)
class ExplainDecisions:
    """Answers questions about decisions of the caller's own organization."""

    records: DecisionRecords
    history: InventoryHistory
    keys: TokenKeys
    supposing: Supposing
    unpublished: UnpublishedLineItems

    def recent(
        self,
        caller: Caller,
        wanted: DecisionFilter,
        *,
        session_id: str | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> RecentDecisions:
        """Return recent decisions, the newest first; `session_id` as requests name it.

        Raises:
            ForbiddenError: the caller's role may not.
            InvalidRequestError: the cursor is none of this list's.
        """
        require(caller, Action.READ_DECISIONS)
        if session_id is not None:
            keys = self.supposing.session_keys(caller.organization_id, session_id)
            wanted = replace(wanted, session_keys=frozenset(keys))
        return self.records.recent(wanted, limit=limit, cursor=cursor)

    def explain(
        self, caller: Caller, decision_id: DecisionId, asked: LineItemId | None = None
    ) -> Explanation:
        """Return why every line item did or did not run.

        Raises:
            ForbiddenError: the caller's role may not.
            NotFoundError: there is no such decision, or it is not kept any more; or the line item
                that is asked for does not exist.
            ConflictError: its inventory is not kept any more.
        """
        require(caller, Action.READ_DECISIONS)
        record = self._record(caller, decision_id)
        inventory, placement = self._inventory(record)
        index = inventory.line_items(record.note.organization_id)
        again = _repeated(lambda: repeat_pod(index, record.note, placement))
        query = query_again(record.note, placement)
        skip = frozenset(again.skipped)
        removed = index.explain(query, reach=reach_of(record.note), skip=skip)
        reason = None
        if not record.outcome.picks:
            reason = no_fill_reason(record.outcome.verdicts, again.passed_over)
        verdicts = outcomes(record.note, record.outcome.verdicts)
        verdicts.update((name, why) for why, names in removed.items() for name in names)
        return Explanation(
            record,
            again.candidates,
            again.skipped,
            removed,
            {
                why: replace(them, first=tuple(name for name in them.first if name not in verdicts))
                for why, them in self.unpublished.by_reason(caller).items()
            },
            (asked, self._why(caller, asked, verdicts)) if asked else None,
            reason,
        )

    def _why(
        self, caller: Caller, asked: LineItemId, verdicts: Mapping[LineItemId, Reason]
    ) -> Reason:
        """Return the verdict on one line item, whether it was in the inventory or not."""
        return verdicts[asked] if asked in verdicts else self.unpublished.why(caller, asked)

    def replay(self, caller: Caller, decision_id: DecisionId) -> Replay:
        """Return the decision's answer, made again from its record and its inventory.

        Raises:
            ForbiddenError: the caller's role may not.
            NotFoundError: there is no such decision, or it is not kept any more.
            ConflictError: its inventory or its signing key is not kept any more.
        """
        require(caller, Action.TRAFFIC)
        record = self._record(caller, decision_id)
        inventory, placement = self._inventory(record)
        note = record.note
        if note.key_id not in self.keys.keys:
            raise ConflictError("the key that signed this decision's beacons is not kept any more")
        index = inventory.line_items(note.organization_id)
        again = _repeated(lambda: repeat_pod(index, note, placement))
        filled = _repeated(lambda: refilled(record, placement, again.candidates))
        pod = filled.pod if filled.is_same is False else record.outcome
        sign = SignAds.of_note(note, self.keys)
        decided = Decided(note.decision_id, note.decided_at, note.placement_id, note.request)
        ads = sign.ads(decided, again.candidates, pod.picks)
        reason = None if ads else no_fill_reason(pod.verdicts, again.passed_over)
        return Replay(record, again.candidates, ads, reason, again.is_same_search, filled)

    def suppose(
        self, caller: Caller, decision_id: DecisionId, changes: Mapping[str, Any]
    ) -> Supposition:
        """Return what the request would have got with `changes`, such as `viewer.country`.

        Tokens and caps were as they were; nobody knows how they would be for somebody else.

        Raises:
            ForbiddenError: the caller's role may not.
            InvalidRequestError: a change names nothing that a request has.
            NotFoundError: there is no such decision, or it is not kept any more.
            ConflictError: its inventory is not kept any more.
        """
        require(caller, Action.TRAFFIC)
        record = self._record(caller, decision_id)
        note = record.note
        inventory, placement = self._inventory(record)
        index = inventory.line_items(note.organization_id)
        supposed = self.supposing(note, placement, inventory.snapshot.placements, changes)
        again = _repeated(lambda: repeat_pod(index, note, placement))
        known = _known(record, again.candidates)
        skip = frozenset(again.skipped)
        for reach in REACHES:
            prepared = prepare_pod(
                index,
                supposed.request,
                supposed.placement,
                now=supposed.at,
                seed=note.seed,
                reach=reach,
                skip=skip,
            )
            keys = viewer_keys(supposed.request.viewer)
            offered, spec = prepared.candidates, prepared.spec
            outcome = refill(spec, offered, keys, known, now=supposed.at)
            least_ms = prepared.least_more_ms
            if not least_ms or not has_room(spec, offered, outcome, least_ms=least_ms):
                break
        still_refused = tuple(sorted(skip | known.refused.keys()))
        return Supposition(record, supposed, offered, outcome, still_refused)

    def _record(self, caller: Caller, decision_id: DecisionId) -> DecisionRecord:
        record = self.records.find(decision_id, caller.organization_id)
        if record is None:
            raise NotFoundError("there is no such decision, or it is not kept any more")
        return record

    def _inventory(self, record: DecisionRecord) -> tuple[PastInventory, PublishedPlacement]:
        inventory = self.history.load(record.note.snapshot_version)
        if inventory is not None:
            placement = inventory.snapshot.placements.get(record.note.placement_id)
            if placement is not None:
                return inventory, placement
        raise ConflictError("the inventory of this decision is not kept any more")


def _known(record: DecisionRecord, candidates: tuple[Candidate, ...]) -> Recalled:
    """Return what is known of tokens and viewer: nothing where Valkey did not answer."""
    if record.note.degraded is not None:
        return Recalled()
    return recall(candidates, record.outcome)


def _repeated(make: Callable[[], _Made]) -> _Made:
    try:
        return make()
    except NotRepeatableError as error:
        raise ConflictError(str(error)) from error
