"""Explain a decision, make it again, and tell what another request would have got."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any
from unicodedata import category

from ctv_ads.decisioning.fill_pod import fill_pod
from ctv_ads.decisioning.no_fill import no_fill_reason
from ctv_ads.decisioning.pod_state import Grant, ViewerState
from ctv_ads.decisioning.pod_terms import terms_of
from ctv_ads.decisioning.prepare_pod import prepare_pod
from ctv_ads.decisioning.repeat_pod import (
    NotRepeatableError,
    RepeatedPod,
    query_again,
    reach_of,
    repeat_pod,
)
from ctv_ads.decisioning.room_left import has_room
from ctv_ads.decisioning.segments.search import REACHES
from ctv_ads.domain.access import Action, Caller
from ctv_ads.domain.ad_request import UNKNOWN_LENGTH_MS, AdRequest, BreakType
from ctv_ads.domain.beacon_token import TokenKeys
from ctv_ads.domain.decision_record import DecisionRecord
from ctv_ads.domain.ids import DecisionId, LineItemId
from ctv_ads.domain.inventory import PublishedPlacement
from ctv_ads.domain.pod import Candidate, FilledPod, PodSpec
from ctv_ads.domain.reasons import NoFillReason, Reason
from ctv_ads.errors import ConflictError, FieldProblem, InvalidRequestError, NotFoundError
from ctv_ads.ports.decisions import DecisionFilter, DecisionRecords, InventoryHistory, PastInventory
from ctv_ads.use_cases.permission import require
from ctv_ads.use_cases.sign_ads import Decided, SignAds
from ctv_ads.vast.document import PodAd

_STILL_REFUSED = range(400, 600)
"""Caps and tokens were as they were; nobody knows how they would be for somebody else."""
_PLENTY = 2**53


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision for people. `removed` holds by reason every line item that was no candidate."""

    record: DecisionRecord
    candidates: tuple[Candidate, ...]
    skipped: tuple[LineItemId, ...]
    removed: Mapping[Reason, tuple[LineItemId, ...]]
    no_fill_reason: NoFillReason | None


@dataclass(frozen=True, slots=True)
class Replay:
    """A decision made again. `is_same_search` tells that the search found the same candidates."""

    record: DecisionRecord
    ads: tuple[PodAd, ...]
    no_fill_reason: NoFillReason | None
    is_same_search: bool


@dataclass(frozen=True, slots=True)
class Supposition:
    """What a changed request would have got: a new viewer, and everybody's tokens at hand."""

    record: DecisionRecord
    request: AdRequest
    candidates: tuple[Candidate, ...]
    outcome: FilledPod
    still_refused: tuple[LineItemId, ...]
    """By their caps or tokens then, which is taken to be so again."""


@dataclass(frozen=True, slots=True)
class ExplainDecisions:
    """Answers questions about decisions of the caller's own organization."""

    records: DecisionRecords
    history: InventoryHistory
    keys: TokenKeys

    def recent(
        self, caller: Caller, wanted: DecisionFilter, *, limit: int
    ) -> Sequence[DecisionRecord]:
        """Return recent decisions, the newest first.

        Raises:
            ForbiddenError: the caller's role may not.
        """
        require(caller, Action.READ_DECISIONS)
        return self.records.recent(wanted, limit=limit)

    def explain(self, caller: Caller, decision_id: DecisionId) -> Explanation:
        """Return why every line item did or did not run.

        Raises:
            ForbiddenError: the caller's role may not.
            NotFoundError: there is no such decision, or it is not kept any more.
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
        return Explanation(
            record,
            again.candidates,
            again.skipped,
            removed,
            reason,
        )

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
        sign = SignAds.of_note(note, self.keys)
        decided = Decided(note.decision_id, note.decided_at, note.placement_id, note.request)
        ads = sign.ads(decided, again.candidates, record.outcome.picks)
        reason = None if ads else no_fill_reason(record.outcome.verdicts, again.passed_over)
        return Replay(record, ads, reason, again.is_same_search)

    def suppose(
        self, caller: Caller, decision_id: DecisionId, changes: Mapping[str, Any]
    ) -> Supposition:
        """Return what the request would have got with `changes`, such as `viewer.country`.

        Raises:
            ForbiddenError: the caller's role may not.
            InvalidRequestError: a change names nothing that a request has.
            NotFoundError: there is no such decision, or it is not kept any more.
            ConflictError: its inventory is not kept any more.
        """
        require(caller, Action.TRAFFIC)
        record = self._record(caller, decision_id)
        note = record.note
        request = _changed(note.request, changes)
        inventory, placement = self._inventory(record)
        index = inventory.line_items(note.organization_id)
        refused = frozenset(
            name
            for name, verdict in zip(note.candidates, record.outcome.verdicts, strict=True)
            if verdict in _STILL_REFUSED
        )
        for reach in REACHES:
            prepared = prepare_pod(
                index, request, placement, now=note.decided_at, seed=note.seed, reach=reach
            )
            offered = tuple(
                one for one in prepared.candidates if one.line_item.line_item_id not in refused
            )
            outcome = _filled(prepared.spec, offered, note.decided_at)
            least_ms = prepared.least_more_ms
            if not least_ms or not has_room(prepared.spec, offered, outcome, least_ms=least_ms):
                break
        return Supposition(record, request, offered, outcome, tuple(sorted(refused)))

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


def _filled(spec: PodSpec, offered: Sequence[Candidate], now: datetime) -> FilledPod:
    """Return the pod of a viewer who has seen nothing, with tokens for everybody."""
    grants = {one.line_item.line_item_id.encode(): Grant(0, _PLENTY) for one in offered}
    terms = [terms_of(candidate) for candidate in offered]
    return fill_pod(spec, terms, ViewerState({}, grants), now_s=int(now.timestamp())).pod


def _repeated(make: Callable[[], RepeatedPod]) -> RepeatedPod:
    try:
        return make()
    except NotRepeatableError as error:
        raise ConflictError(str(error)) from error


_PARTS = ("ad_break", "viewer", "content")
_OF_THE_PLAYER = ("accepted_mimes", "max_bitrate_kbps")
_LARGEST = 2**31
_UNWRITABLE = ("Cc", "Cs")
"""Control characters and halves of characters, in Unicode's words."""


def _changed(request: AdRequest, changes: Mapping[str, Any]) -> AdRequest:
    """Return the request with other values at paths such as `viewer.country`."""
    problems: list[FieldProblem] = []
    for path, value in changes.items():
        part, _, name = path.partition(".")
        if part == "kv" and name and _is_text(value):
            key_values = {**request.key_values, name: (value,)}
            request = replace(request, key_values=key_values)
        elif part in _PARTS and _fits(getattr(request, part), name, value):
            request = replace(request, **{part: _with(getattr(request, part), name, value)})
        elif path in _OF_THE_PLAYER and _fits(request, path, value):
            request = _with(request, path, value)
        else:
            message = "is nothing that a request has, or of another type"
            problems.append(FieldProblem(f"changes.{path}", "unknown", message))
    if problems:
        raise InvalidRequestError("the changes do not fit a request", problems)
    return request


def _with(part: Any, name: str, value: Any) -> Any:  # noqa: ANN401 - a part of the request, and what JSON holds
    """Return the part of a request with another value, read as the door would read it."""
    changes = {name: tuple(value) if isinstance(value, list) else value}
    if name == "duration_ms":
        changes["is_length_unknown"] = value == UNKNOWN_LENGTH_MS
    elif name == "break_type" and value is not None:
        changes[name] = BreakType(value)
    return replace(part, **changes)


def _fits(part: object, name: str, value: object) -> bool:
    """Tell whether `value` may stand where `part` has `name`: by the field's own declared type."""
    declared = {item.name: str(item.type) for item in fields(part)}.get(name, "")  # type: ignore[arg-type]
    if value is None:
        return "None" in declared
    if name == "break_type":
        return value in list(BreakType)
    if isinstance(value, list):
        return "tuple" in declared and all(map(_is_text, value))
    if isinstance(value, str):
        return "str" in declared and "tuple" not in declared and _is_text(value)
    if isinstance(value, bool):
        return "bool" in declared
    return isinstance(value, int) and "int" in declared and 0 <= value < _LARGEST


def _is_text(value: object) -> bool:
    """Tell whether a value is text that can stand in documents and records."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= 200
        and not any(category(one) in _UNWRITABLE for one in value)
    )
