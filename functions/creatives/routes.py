"""`/api/v1/creatives` and `/api/v1/campaigns/{campaign_id}/creatives`."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from ctv_ads.bootstrap.control_plane import (
    ONCE_PER_KEY,
    CreativeTrafficking,
    OpenStores,
    SignedIn,
    media_base_url,
)
from ctv_ads.domain.ids import CampaignId, CreativeId
from ctv_ads.web.fields import Id
from ctv_ads.web.resolver import SIGNED_IN
from functions.creatives.schemas import (
    CreativeList,
    CreativeView,
    NewCreative,
    RegisteredCreative,
    UploadView,
)

router = Router()


@router.post(
    "/api/v1/campaigns/<campaign_id>/creatives",
    summary="Register a creative and get its upload form",
    tags=["creatives"],
    security=SIGNED_IN,
    status_code=HTTPStatus.CREATED,
    middlewares=ONCE_PER_KEY,
    responses={201: {"description": "The new creative and the form to send its file by"}},
)
def register(
    campaign_id: Id, body: NewCreative, caller: SignedIn, creatives: CreativeTrafficking
) -> RegisteredCreative:
    """Register a creative; its file then goes straight to S3 by the form returned."""
    creative, form = creatives.register(caller, body.draft(CampaignId(campaign_id)))
    return RegisteredCreative(
        creative=CreativeView.of(creative, media_base_url()), upload=UploadView.of(form)
    )


@router.get(
    "/api/v1/campaigns/<campaign_id>/creatives",
    summary="List a campaign's creatives",
    tags=["creatives"],
    security=SIGNED_IN,
)
def of_campaign(campaign_id: Id, caller: SignedIn, stores: OpenStores) -> CreativeList:
    """List a campaign's creatives, oldest first."""
    with stores.transaction(caller) as store:
        store.campaigns.get(CampaignId(campaign_id))
        found = store.creatives.of_campaign(CampaignId(campaign_id))
    return CreativeList(items=[CreativeView.of(item, media_base_url()) for item in found])


@router.get(
    "/api/v1/creatives/<creative_id>",
    summary="Read a creative",
    tags=["creatives"],
    security=SIGNED_IN,
)
def read(creative_id: Id, caller: SignedIn, stores: OpenStores) -> CreativeView:
    """Return one creative: whether it is ready, what was measured, or why it was rejected."""
    with stores.transaction(caller) as store:
        creative = store.creatives.get(CreativeId(creative_id))
    return CreativeView.of(creative, media_base_url())


@router.delete(
    "/api/v1/creatives/<creative_id>",
    summary="Delete a creative",
    tags=["creatives"],
    security=SIGNED_IN,
    status_code=HTTPStatus.NO_CONTENT,
    responses={204: {"description": "It no longer serves and is no longer listed"}},
)
def delete(creative_id: Id, caller: SignedIn, creatives: CreativeTrafficking) -> Response[None]:
    """Take a creative out of sight and out of serving."""
    creatives.delete(caller, CreativeId(creative_id))
    return Response(HTTPStatus.NO_CONTENT)
