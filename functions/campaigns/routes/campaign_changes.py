"""Changes of whole campaigns: copies, and many statuses at once."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from ctv_ads.bootstrap.control_plane import ONCE_PER_KEY, CampaignTrafficking, SignedIn
from ctv_ads.domain.ids import CampaignId
from ctv_ads.use_cases.change_campaigns import change_statuses, duplicate_campaign
from ctv_ads.web.etags import with_etag
from ctv_ads.web.fields import Id
from ctv_ads.web.resolver import SIGNED_IN
from functions.campaigns.schemas.campaign_changes import (
    StatusChanges,
    StatusResult,
    StatusResults,
)
from functions.campaigns.schemas.campaigns import CampaignView

router = Router()


@router.post(
    "/api/v1/campaigns/<campaign_id>/duplicate",
    summary="Copy a campaign",
    tags=["campaigns"],
    security=SIGNED_IN,
    status_code=HTTPStatus.CREATED,
    responses={201: {"description": "The copy, a draft"}},
    middlewares=ONCE_PER_KEY,
)
def duplicate(
    campaign_id: Id, caller: SignedIn, campaigns: CampaignTrafficking
) -> Response[CampaignView]:
    """Make a draft with the same line items, and with the creatives that are ready."""
    copy = duplicate_campaign(campaigns, caller, CampaignId(campaign_id))
    return with_etag(CampaignView.of(copy), copy.version, HTTPStatus.CREATED)


@router.post(
    "/api/v1/campaigns/status",
    summary="Start, pause, complete or archive many campaigns",
    tags=["campaigns"],
    security=SIGNED_IN,
)
def change_many(
    body: StatusChanges, caller: SignedIn, campaigns: CampaignTrafficking
) -> StatusResults:
    """Change each campaign by itself: those that cannot change keep none of the others back."""
    wanted = [CampaignId(campaign_id) for campaign_id in body.ids]
    outcomes = change_statuses(campaigns, caller, wanted, body.status)
    return StatusResults(
        results=[StatusResult.of(outcome, caller.request_id) for outcome in outcomes]
    )
