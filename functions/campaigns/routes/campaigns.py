"""`/api/v1/campaigns`."""

from functools import partial
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
from ctv_ads.web.etags import IfMatch, check_version, with_etag
from ctv_ads.web.fields import Id
from ctv_ads.web.resolver import SIGNED_IN
from functions.campaigns.schemas.campaigns import (
    CampaignChange,
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
def create(
    body: NewCampaign, caller: SignedIn, campaigns: CampaignTrafficking
) -> Response[CampaignView]:
    """Make a draft campaign with one default line item that inherits everything."""
    made = campaigns.create(caller, body.draft())
    return with_etag(CampaignView.of(made), made.version, HTTPStatus.CREATED)


@router.get(
    "/api/v1/campaigns/<campaign_id>",
    summary="Read a campaign",
    tags=["campaigns"],
    security=SIGNED_IN,
)
def read(campaign_id: Id, caller: SignedIn, stores: OpenStores) -> Response[CampaignView]:
    """Return one campaign."""
    with stores.transaction(caller) as store:
        found = store.campaigns.get(CampaignId(campaign_id))
    return with_etag(CampaignView.of(found), found.version)


@router.patch(
    "/api/v1/campaigns/<campaign_id>",
    summary="Change a campaign",
    tags=["campaigns"],
    security=SIGNED_IN,
    responses={
        200: {"description": "The campaign as it is now"},
        409: {"description": "The status, the time or what is billed does not allow it; says why"},
    },
)
def change(
    campaign_id: Id,
    body: CampaignChange,
    caller: SignedIn,
    campaigns: CampaignTrafficking,
    if_match: IfMatch = None,
) -> Response[CampaignView]:
    """Change the fields that are sent (merge patch)."""
    check = partial(check_version, if_match)
    changed = campaigns.change(caller, CampaignId(campaign_id), body.changes(), check)
    return with_etag(CampaignView.of(changed), changed.version)


@router.put(
    "/api/v1/campaigns/<campaign_id>/status",
    summary="Start, pause, complete or archive a campaign",
    tags=["campaigns"],
    security=SIGNED_IN,
)
def change_status(
    campaign_id: Id,
    body: StatusChange,
    caller: SignedIn,
    campaigns: CampaignTrafficking,
    if_match: IfMatch = None,
) -> Response[CampaignView]:
    """Change the status; activation says exactly what is missing."""
    check = partial(check_version, if_match)
    changed = campaigns.change_status(caller, CampaignId(campaign_id), body.status, check)
    return with_etag(CampaignView.of(changed), changed.version)


@router.delete(
    "/api/v1/campaigns/<campaign_id>",
    summary="Delete a campaign",
    tags=["campaigns"],
    security=SIGNED_IN,
    status_code=HTTPStatus.NO_CONTENT,
    responses={204: {"description": "It no longer serves and is no longer listed"}},
)
def delete(
    campaign_id: Id, caller: SignedIn, campaigns: CampaignTrafficking, if_match: IfMatch = None
) -> Response[None]:
    """Take a campaign out of sight and out of serving; what it was billed stays on record."""
    campaigns.delete(caller, CampaignId(campaign_id), partial(check_version, if_match))
    return Response(HTTPStatus.NO_CONTENT)
