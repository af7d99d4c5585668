"""What one decision leaves behind: enough to explain it, and to make it again."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from ctv_ads.domain.ad_request import AdRequest
from ctv_ads.domain.ids import DecisionId, LineItemId, OrganizationId, PlacementId
from ctv_ads.domain.placement import VastVersion
from ctv_ads.domain.pod import FilledPod


class AnswerForm(StrEnum):
    """In which form the caller got its answer."""

    VAST = "vast"
    VMAP = "vmap"
    JSON = "json"


class DecisionNote(NamedTuple):
    """What is known of a decision before anything is picked; it goes to Valkey with the question.

    `decided_at` has whole milliseconds. `base_url`, `key_id`, `beacon_lifetime_s` and `expires_s` are what
    the answer's beacon addresses were made with. `reach` tells how often the candidates left room in
    the break, so that more were looked for. `latency_us` is how long it took until Valkey was asked, of a
    degraded decision until it had not answered; `degraded` tells why such a one is less than it could be.
    """

    decision_id: DecisionId
    decided_at: datetime
    seed: int
    snapshot_version: str
    organization_id: OrganizationId
    placement_id: PlacementId
    request: AdRequest
    form: AnswerForm
    vast_version: VastVersion
    base_url: str
    key_id: str
    beacon_lifetime_s: int
    expires_s: int
    candidates: tuple[LineItemId, ...]
    reach: int = 0
    latency_us: int | None = None
    degraded: str | None = None


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A note with its outcome, as it is kept: first in Valkey, then in the archive."""

    note: DecisionNote
    outcome: FilledPod

    @property
    def shown(self) -> tuple[LineItemId, ...]:
        """The line items of the pod, in play order."""
        return tuple(self.note.candidates[pick.candidate] for pick in self.outcome.picks)
