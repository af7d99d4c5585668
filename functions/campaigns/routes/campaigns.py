"""`/api/v1/campaigns`."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from ctv_ads.bootstrap.control_plane import CampaignTrafficking, OpenStores, SignedIn
from ctv_ads.domain.ids import CampaignId
from ctv_ads.web.fields import Id
from ctv_ads.web.resolver import SIGNED_IN
from functions.campaigns.schemas.campaigns import (
    CampaignPage,
    CampaignView,
    NewCampaign,
    StatusChange,
)

router = Router()

_PageSize = Annotated[int, Query(ge=1, le=200)]
_Cursor = Annotated[Id | None, Query(description="`next_cursor` of the page before")]


@router.post(
    "/api/v1/campaigns",
    summary="Create a campaign",
    tags=["campaigns"],
    security=SIGNED_IN,
    status_code=HTTPStatus.CREATED,
    responses={201: {"description": "The new campaign, a draft"}},
)
def create(body: NewCampaign, caller: SignedIn, campaigns: CampaignTrafficking) -> CampaignView:
    """Make a draft campaign with one default line item that inherits everything."""
    return CampaignView.of(campaigns.create(caller, body.draft()))


@router.get("/api/v1/campaigns", summary="List campaigns", tags=["campaigns"], security=SIGNED_IN)
def page(
    caller: SignedIn, stores: OpenStores, limit: _PageSize = 50, cursor: _Cursor = None
) -> CampaignPage:
    """List campaigns, newest first."""
    after = CampaignId(cursor) if cursor else None
    with stores.transaction(caller) as store:
        found = store.campaigns.page(limit=limit + 1, after=after)
    shown = found[:limit]
    return CampaignPage(
        items=[CampaignView.of(campaign) for campaign in shown],
        next_cursor=shown[-1].campaign_id if len(found) > limit else None,
    )


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
