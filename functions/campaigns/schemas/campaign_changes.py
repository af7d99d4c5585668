"""What changes of many campaigns take and give."""

from typing import Annotated

from pydantic import BaseModel, Field

from ctv_ads.domain.campaign import CampaignStatus
from ctv_ads.use_cases.change_campaigns import StatusOutcome
from ctv_ads.web.fields import Body, Id, Problem
from ctv_ads.web.problems import problem_of


class StatusChanges(Body):
    """Campaigns, and the status that each is to have."""

    ids: Annotated[list[Id], Field(min_length=1, max_length=100)]
    status: CampaignStatus


class StatusResult(BaseModel):
    """What became of one campaign: its status now, or the problem that kept it as it was."""

    id: str
    ok: bool
    status: CampaignStatus | None
    problem: Problem | None

    @classmethod
    def of(cls, outcome: StatusOutcome, request_id: str) -> "StatusResult":
        """Return what the API tells of an outcome."""
        error = outcome.error
        return cls(
            id=outcome.campaign_id,
            ok=error is None,
            status=outcome.status,
            problem=error and Problem(**problem_of(error, request_id=request_id)),
        )


class StatusResults(BaseModel):
    """One result for each id, in the order of the ids."""

    results: list[StatusResult]
