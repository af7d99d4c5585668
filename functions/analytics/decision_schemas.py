"""Decisions as people read them."""

from collections.abc import Mapping
from datetime import datetime
from itertools import zip_longest
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from ctv_ads.adapters.decision_notes import request_document
from ctv_ads.decisioning.repeat_pod import outcomes
from ctv_ads.domain.decision_record import AnswerForm, DecisionNote, DecisionRecord
from ctv_ads.domain.placement import VastVersion
from ctv_ads.domain.pod import Candidate, FilledPod
from ctv_ads.domain.reasons import NoFillReason, Reason
from ctv_ads.ports.decisions import RecentDecisions
from ctv_ads.use_cases.explain_decisions import Explanation, Replay, Supposition
from ctv_ads.use_cases.serve_pod import vast_version_of
from ctv_ads.vast.document import vast_document, vast_element
from ctv_ads.web.ad_answers import json_answer

MOST_NAMED = 50
"""Line items that are named for one reason; the rest is counted."""


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class ReasonView(_Answer):
    """Why a line item ran (`chosen`) or did not. Numbers and names never change."""

    number: int
    name: str

    @classmethod
    def of(cls, reason: Reason) -> Self:
        """Return the reason as people read it."""
        return cls(number=reason.value, name=reason.wire_name)


class DecisionRow(_Answer):
    """A decision in a list."""

    decision_id: str
    decided_at: datetime
    placement_id: str
    form: AnswerForm
    ads: int
    line_item_ids: list[str]
    """Of the ads, in play order."""
    candidates: int
    country: str | None
    device_type: str | None
    latency_us: int | None
    degraded: str | None

    @classmethod
    def of(cls, record: DecisionRecord) -> Self:
        """Return the record as a row."""
        note = record.note
        return cls(
            decision_id=note.decision_id,
            decided_at=note.decided_at,
            placement_id=note.placement_id,
            form=note.form,
            ads=len(record.outcome.picks),
            line_item_ids=list(record.shown),
            candidates=len(note.candidates),
            country=note.request.viewer.country,
            device_type=note.request.viewer.device_type,
            latency_us=note.latency_us,
            degraded=note.degraded,
        )


class DecisionList(_Answer):
    """Recent decisions, the newest first."""

    items: list[DecisionRow]
    looked_back_to: datetime | None
    """Everything since was looked at; null: nothing is kept."""
    next_cursor: str | None
    """Goes on from there; null: nothing older is kept near."""

    @classmethod
    def of(cls, found: RecentDecisions) -> Self:
        """Return what was found as people read it."""
        return cls(
            items=[DecisionRow.of(record) for record in found.records],
            looked_back_to=found.looked_back_to,
            next_cursor=found.next_cursor,
        )


class CandidateView(_Answer):
    """A line item that competed, in the order in which it was offered."""

    line_item_id: str
    campaign_id: str
    advertiser: str
    priority: int
    value_micros: int
    creative_ids: list[str]
    """In the order in which its rotation had them tried."""
    verdict: ReasonView

    @classmethod
    def of(cls, candidate: Candidate, verdict: Reason) -> Self:
        """Return the candidate as people read it."""
        line_item = candidate.line_item
        return cls(
            line_item_id=line_item.line_item_id,
            campaign_id=line_item.campaign_id,
            advertiser=line_item.advertiser_name,
            priority=line_item.priority,
            value_micros=line_item.value_micros,
            creative_ids=[creative.creative_id for creative in candidate.creatives],
            verdict=ReasonView.of(verdict),
        )


class AdView(_Answer):
    """An ad of the pod, in play order."""

    slot: int
    line_item_id: str
    creative_id: str
    duration_ms: int


class RemovedView(_Answer):
    """Line items that never competed, by the first reason that removed them."""

    reason: ReasonView
    line_items: int
    line_item_ids: list[str]
    """At most the first 50."""

    @classmethod
    def all_of(cls, removed: Mapping[Reason, tuple[str, ...]]) -> list[Self]:
        """Return all reasons, in the order of their numbers."""
        return [
            cls(
                reason=ReasonView.of(reason),
                line_items=len(names),
                line_item_ids=list(names[:MOST_NAMED]),
            )
            for reason, names in removed.items()
        ]


class AskedView(_Answer):
    """Why one line item ran (`chosen`) or did not."""

    line_item_id: str
    reason: ReasonView


class DecisionView(_Answer):
    """Everything about one decision. Viewers are hashes, and stay so."""

    decision_id: str
    decided_at: datetime
    seed: int
    snapshot_version: str
    placement_id: str
    form: AnswerForm
    vast_version: VastVersion
    latency_us: int | None
    """Until Valkey was asked; of a degraded decision until it was given up. Null: not recorded."""
    degraded: str | None
    """Why the answer is less than it could be: only house ads run while Valkey does not answer."""
    request: dict[str, Any]
    pod: list[AdView]
    optimality_gap_bp: int
    no_fill_reason: NoFillReason | None
    candidates: list[CandidateView]
    out_of_tokens: list[str]
    """Line items that were not even offered, because they were known to be out of tokens."""
    removed: list[RemovedView]
    not_published: list[RemovedView]
    """Line items that are in no inventory as they are booked now: drafts, paused ones, those without a
    ready creative. Whoever was paused since is counted here too, and named where it was then."""
    asked: AskedView | None
    """The line item that was asked for."""

    @classmethod
    def of(cls, found: Explanation) -> Self:
        """Return the explanation as people read it."""
        note, outcome = found.record.note, found.record.outcome
        return cls(
            decision_id=note.decision_id,
            decided_at=note.decided_at,
            seed=note.seed,
            snapshot_version=note.snapshot_version,
            placement_id=note.placement_id,
            form=note.form,
            vast_version=note.vast_version,
            latency_us=note.latency_us,
            degraded=note.degraded,
            request=request_document(note.request),
            pod=_pod(found.candidates, outcome),
            optimality_gap_bp=outcome.optimality_gap_bp,
            no_fill_reason=found.no_fill_reason,
            candidates=_candidates(note, found.candidates, outcome),
            out_of_tokens=list(found.skipped),
            removed=RemovedView.all_of(found.removed),
            not_published=[
                RemovedView(
                    reason=ReasonView.of(reason),
                    line_items=them.line_items,
                    line_item_ids=list(them.first),
                )
                for reason, them in found.unpublished.items()
            ],
            asked=AskedView(line_item_id=found.asked[0], reason=ReasonView.of(found.asked[1]))
            if found.asked
            else None,
        )


class SlotView(_Answer):
    """A slot whose ad is another one now; None has none."""

    slot: int
    recorded: AdView | None
    again: AdView | None


class ReplayView(_Answer):
    """The decision made again: byte for byte what was sent if candidates and picks are the same."""

    decision_id: str
    content_type: str
    answer: str
    same_candidates: bool
    """Whether a new search of the stored inventory found the same candidates."""
    same_picks: bool | None
    """Whether the filler picked the same line items and creatives in the same order. Null: tokens and
    what the viewer had seen are known from the recorded verdicts only, and those do not tell enough."""
    differences: list[SlotView]
    """What the filler picks now from what is known, where it is not what was recorded."""
    untold: list[str]
    """Line items and creatives of which the record does not tell whether they could have run."""

    @classmethod
    def of(cls, replay: Replay) -> Self:
        """Return the replay with its answer in the form it was given in."""
        note, outcome = replay.record.note, replay.record.outcome
        version, base_url = note.vast_version, note.base_url
        if note.form is AnswerForm.JSON:
            answer = json_answer(
                note.decision_id,
                replay.ads,
                replay.no_fill_reason,
                optimality_gap_bp=outcome.optimality_gap_bp,
                base_url=base_url,
            )
        elif note.form is AnswerForm.VMAP:  # its break's part of the document
            answer = vast_element(replay.ads, version=version, base_url=base_url)
        else:
            answer = vast_document(replay.ads, version=version, base_url=base_url)
        kind = "application/json" if note.form is AnswerForm.JSON else "application/xml"
        return cls(
            decision_id=note.decision_id,
            content_type=kind,
            answer=answer,
            same_candidates=replay.is_same_search,
            same_picks=replay.refilled.is_same,
            differences=_differences(replay),
            untold=list(replay.refilled.untold),
        )


class WhatIf(BaseModel):
    """Other values for fields of the request."""

    model_config = ConfigDict(extra="forbid")

    changes: Annotated[
        dict[str, str | int | bool | list[str] | None],
        Field(
            min_length=1,
            max_length=20,
            description="By path: ad_break.…, viewer.…, content.…, kv.<name>, privacy.<signal>, "
            "session_id, placement, vast_version, accepted_mimes, max_bitrate_kbps or at (when it "
            "was decided)",
            examples=[{"viewer.country": "AT"}],
        ),
    ]


class WhatIfView(_Answer):
    """What the changed request would have got, by the caps and tokens of then.

    Line items that were not refused have tokens, and the viewer has seen none of them.
    """

    decision_id: str
    decided_at: datetime
    placement_id: str
    vast_version: VastVersion
    request: dict[str, Any]
    pod: list[AdView]
    candidates: list[CandidateView]
    still_refused: list[str]
    """Line items whose caps or tokens, or what the session had shown, refused them then, which is
    taken to be so again."""

    @classmethod
    def of(cls, found: Supposition) -> Self:
        """Return the supposition as people read it."""
        pairs = zip(found.candidates, found.outcome.verdicts, strict=True)
        supposed = found.supposed
        return cls(
            decision_id=found.record.note.decision_id,
            decided_at=supposed.at,
            placement_id=supposed.placement.placement_id,
            vast_version=vast_version_of(supposed.request, supposed.placement),
            request=request_document(supposed.request),
            pod=_pod(found.candidates, found.outcome),
            candidates=[CandidateView.of(one, verdict) for one, verdict in pairs],
            still_refused=list(found.still_refused),
        )


def _pod(candidates: tuple[Candidate, ...], outcome: FilledPod) -> list[AdView]:
    ads = []
    for slot, pick in enumerate(outcome.picks, 1):
        creative = candidates[pick.candidate].creatives[pick.creative]
        ads.append(
            AdView(
                slot=slot,
                line_item_id=candidates[pick.candidate].line_item.line_item_id,
                creative_id=creative.creative_id,
                duration_ms=creative.duration_ms,
            )
        )
    return ads


def _differences(replay: Replay) -> list[SlotView]:
    if replay.refilled.is_same:
        return []
    pods = [_pod(replay.candidates, pod) for pod in (replay.record.outcome, replay.refilled.pod)]
    return [
        SlotView(slot=slot, recorded=recorded, again=again)
        for slot, (recorded, again) in enumerate(zip_longest(*pods), 1)
        if recorded != again
    ]


def _candidates(
    note: DecisionNote, candidates: tuple[Candidate, ...], outcome: FilledPod
) -> list[CandidateView]:
    verdicts = outcomes(note, outcome.verdicts)
    return [CandidateView.of(one, verdicts[one.line_item.line_item_id]) for one in candidates]
