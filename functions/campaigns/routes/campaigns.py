"""`/api/v1/campaigns`."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from ctv_ads.bootstrap.control_plane import (
    ONCE_PER_KEY,
    CampaignTrafficking,
    OpenStores,
    SignedIn,
)
from ctv_ads.domain.ids import CampaignId
from ctv_ads.web.fields import Id
from ctv_ads.web.resolver import SIGNED_IN
from functions.campaigns.schemas.campaigns import (
    CampaignView,
    NewCampaign,
    StatusChange,
)

router = Router()


@router.post(
    "/api/v1/campaigns",
    summary="Create a campaign",
    tags=["campaigns"],
    security=SIGNED_IN,
    status_code=HTTPStatus.CREATED,
    middlewares=ONCE_PER_KEY,
    responses={201: {"description": "The new campaign, a draft"}},
)
def create(body: NewCampaign, caller: SignedIn, campaigns: CampaignTrafficking) -> CampaignView:
    """Make a draft campaign with one default line item that inherits everything."""
    return CampaignView.of(campaigns.create(caller, body.draft()))


@router.get(
    "/api/v1/campaigns/<campaign_id>",
    summary="Read a campaign",
    tags=["campaigns"],
    security=SIGNED_IN,
)
def read(campaign_id: Id, caller: SignedIn, stores: OpenStores) -> CampaignView:
    """Return one campaign."""
    with stores.transaction(caller) as store:
        return CampaignView.of(store.campaigns.get(CampaignId(campaign_id)))


@router.put(
    "/api/v1/campaigns/<campaign_id>/status",
    summary="Start, pause, complete or archive a campaign",
    tags=["campaigns"],
    security=SIGNED_IN,
)
def change_status(
    campaign_id: Id, body: StatusChange, caller: SignedIn, campaigns: CampaignTrafficking
) -> CampaignView:
    """Change the status; activation says exactly what is missing."""
    changed = campaigns.change_status(caller, CampaignId(campaign_id), body.status)
    return CampaignView.of(changed)


@router.delete(
    "/api/v1/campaigns/<campaign_id>",
    summary="Delete a campaign",
    tags=["campaigns"],
    security=SIGNED_IN,
    status_code=HTTPStatus.NO_CONTENT,
    responses={204: {"description": "It no longer serves and is no longer listed"}},
)
def delete(campaign_id: Id, caller: SignedIn, campaigns: CampaignTrafficking) -> Response[None]:
    """Take a campaign out of sight and out of serving; what it was billed stays on record."""
    campaigns.delete(caller, CampaignId(campaign_id))
    return Response(HTTPStatus.NO_CONTENT)
