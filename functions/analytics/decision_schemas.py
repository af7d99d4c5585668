"""Decisions as people read them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from ctv_ads.adapters.decision_notes import request_document
from ctv_ads.decisioning.repeat_pod import outcomes
from ctv_ads.domain.decision_record import AnswerForm, DecisionNote, DecisionRecord
from ctv_ads.domain.placement import VastVersion
from ctv_ads.domain.pod import Candidate, FilledPod
from ctv_ads.domain.reasons import NoFillReason, Reason
from ctv_ads.ports.decisions import RecentDecisions
from ctv_ads.use_cases.explain_decisions import Explanation

MOST_NAMED = 50
"""Line items that are named for one reason; the rest is counted."""


class Answer(BaseModel):
    """Part of an answer."""

    model_config = ConfigDict(frozen=True)


class ReasonView(Answer):
    """Why a line item ran (`chosen`) or did not. Numbers and names never change."""

    number: int
    name: str

    @classmethod
    def of(cls, reason: Reason) -> Self:
        """Return the reason as people read it."""
        return cls(number=reason.value, name=reason.wire_name)


class DecisionRow(Answer):
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


class DecisionList(Answer):
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


class CandidateView(Answer):
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


class AdView(Answer):
    """An ad of the pod, in play order."""

    slot: int
    line_item_id: str
    creative_id: str
    duration_ms: int


class RemovedView(Answer):
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


class AskedView(Answer):
    """Why one line item ran (`chosen`) or did not."""

    line_item_id: str
    reason: ReasonView


class DecisionView(Answer):
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
            pod=pod_of(found.candidates, outcome),
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


def pod_of(candidates: tuple[Candidate, ...], outcome: FilledPod) -> list[AdView]:
    """Return the ads of a pod, in play order."""
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


def _candidates(
    note: DecisionNote, candidates: tuple[Candidate, ...], outcome: FilledPod
) -> list[CandidateView]:
    verdicts = outcomes(note, outcome.verdicts)
    return [CandidateView.of(one, verdicts[one.line_item.line_item_id]) for one in candidates]
