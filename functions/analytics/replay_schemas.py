"""Decisions made again, and supposed otherwise, as people read them."""

from datetime import datetime
from itertools import zip_longest
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from ctv_ads.adapters.decision_notes import request_document
from ctv_ads.domain.decision_record import AnswerForm
from ctv_ads.domain.placement import VastVersion
from ctv_ads.use_cases.explain_decisions import Replay, Supposition
from ctv_ads.use_cases.serve_pod import vast_version_of
from ctv_ads.vast.document import vast_document, vast_element
from ctv_ads.web.ad_answers import json_answer
from functions.analytics.decision_schemas import AdView, Answer, CandidateView, pod_of


class SlotView(Answer):
    """A slot whose ad is another one now; None has none."""

    slot: int
    recorded: AdView | None
    again: AdView | None


class ReplayView(Answer):
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


class WhatIfView(Answer):
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
            pod=pod_of(found.candidates, found.outcome),
            candidates=[CandidateView.of(one, verdict) for one, verdict in pairs],
            still_refused=list(found.still_refused),
        )


def _differences(replay: Replay) -> list[SlotView]:
    if replay.refilled.is_same:
        return []
    pods = [pod_of(replay.candidates, pod) for pod in (replay.record.outcome, replay.refilled.pod)]
    return [
        SlotView(slot=slot, recorded=recorded, again=again)
        for slot, (recorded, again) in enumerate(zip_longest(*pods), 1)
        if recorded != again
    ]
