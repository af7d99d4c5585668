"""`/api/v1/creatives` and `/api/v1/campaigns/{campaign_id}/creatives`."""

from http import HTTPStatus
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from ctv_ads.adapters.postgres.listing import contains
from ctv_ads.bootstrap.control_plane import (
    ONCE_PER_KEY,
    CreativeTrafficking,
    OpenStores,
    SignedIn,
    media_base_url,
)
from ctv_ads.domain.creative import Creative, CreativeKind, CreativeStatus, TagDraft
from ctv_ads.domain.ids import CampaignId, CreativeId
from ctv_ads.use_cases.creatives import NewUpload
from ctv_ads.web.etags import IfMatch, check_version, with_etag
from ctv_ads.web.fields import Id
from ctv_ads.web.lists import PageCursor, PageSize, Search, list_query
from ctv_ads.web.resolver import SIGNED_IN
from functions.creatives.contents import NewRendition, Replacement
from functions.creatives.schemas import (
    CreativeChange,
    CreativePage,
    CreativeView,
    NewCreative,
    PreviewView,
    RegisteredCreative,
)
from functions.creatives.uploads import CompletedParts, UploadId, upload_view

router = Router()

_Sort = Annotated[
    Literal["created_at", "-created_at", "name", "-name"],
    Query(description="With `-` before it, the greatest first"),
]
_Status = Annotated[CreativeStatus | None, Query()]
_Kind = Annotated[CreativeKind | None, Query()]


@router.post(
    "/api/v1/campaigns/<campaign_id>/creatives",
    summary="Register a creative and learn how to send its file",
    tags=["creatives"],
    security=SIGNED_IN,
    status_code=HTTPStatus.CREATED,
    middlewares=ONCE_PER_KEY,
    responses={201: {"description": "The new creative and how to send its file"}},
)
def register(
    campaign_id: Id, body: NewCreative, caller: SignedIn, creatives: CreativeTrafficking
) -> RegisteredCreative:
    """Register a video, whose file then goes straight to S3, or a tag, which is then checked."""
    draft = body.draft(CampaignId(campaign_id))
    if isinstance(draft, TagDraft):
        return _trafficked(creatives.register_tag(caller, draft))
    return _registered(creatives.register(caller, draft, in_parts=body.multipart))


@router.get(
    "/api/v1/campaigns/<campaign_id>/creatives",
    summary="List a campaign's creatives",
    tags=["creatives"],
    security=SIGNED_IN,
)
def page(  # noqa: PLR0913 - each is a parameter of the query
    *,
    campaign_id: Id,
    caller: SignedIn,
    stores: OpenStores,
    q: Search = None,
    status: _Status = None,
    kind: _Kind = None,
    sort: _Sort = "created_at",
    limit: PageSize = 50,
    cursor: PageCursor = None,
) -> CreativePage:
    """List the creatives of one campaign, oldest first unless asked otherwise."""
    filters = {
        "campaign_id": campaign_id,
        "q": contains(q) if q else None,
        "status": status.value if status else None,
        "kind": kind.value if kind else None,
    }
    query = list_query(limit=limit, sort=sort, cursor=cursor, **filters)
    with stores.transaction(caller) as store:
        store.campaigns.get(CampaignId(campaign_id))
        return CreativePage.of(store.creatives.page(query), media_base_url())


@router.get(
    "/api/v1/creatives/<creative_id>",
    summary="Read a creative",
    tags=["creatives"],
    security=SIGNED_IN,
)
def read(creative_id: Id, caller: SignedIn, stores: OpenStores) -> Response[CreativeView]:
    """Return one creative: whether it is ready, what was measured, or why it was rejected."""
    with stores.transaction(caller) as store:
        creative = store.creatives.get(CreativeId(creative_id))
    return with_etag(CreativeView.of(creative, media_base_url()), creative.version)


@router.patch(
    "/api/v1/creatives/<creative_id>",
    summary="Change a creative",
    tags=["creatives"],
    security=SIGNED_IN,
)
def change(
    creative_id: Id,
    body: CreativeChange,
    caller: SignedIn,
    creatives: CreativeTrafficking,
    if_match: IfMatch = None,
) -> Response[CreativeView]:
    """Change what goes along with the file; the file itself never changes: new file, new id."""
    creative = creatives.change(
        caller,
        CreativeId(creative_id),
        body.changes(),
        check_version=lambda version: check_version(if_match, version),
    )
    return with_etag(CreativeView.of(creative, media_base_url()), creative.version)


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


@router.post(
    "/api/v1/creatives/<creative_id>/replacement",
    summary="Replace a creative's file or tag",
    tags=["creatives"],
    security=SIGNED_IN,
    status_code=HTTPStatus.CREATED,
    middlewares=ONCE_PER_KEY,
    responses={
        201: {"description": "The new creative, which takes over once it is ready"},
        409: {"description": "The creative is archived"},
    },
)
def replace(
    creative_id: Id, body: Replacement, caller: SignedIn, creatives: CreativeTrafficking
) -> RegisteredCreative:
    """Register a new creative that archives the old one when it is ready itself."""
    wanted = body.announced()
    if isinstance(wanted, str):
        return _trafficked(creatives.replace_by_tag(caller, CreativeId(creative_id), wanted))
    return _registered(creatives.replace(caller, CreativeId(creative_id), wanted))


@router.post(
    "/api/v1/creatives/<creative_id>/renditions",
    summary="Add a rendition to a creative",
    tags=["creatives"],
    security=SIGNED_IN,
    status_code=HTTPStatus.CREATED,
    middlewares=ONCE_PER_KEY,
    responses={
        201: {"description": "The rendition, offered beside the creative's file once it is ready"},
        409: {"description": "The creative is no ready video of its own, or has too many already"},
    },
)
def add_rendition(
    creative_id: Id, body: NewRendition, caller: SignedIn, creatives: CreativeTrafficking
) -> RegisteredCreative:
    """Register another file of the same film: another size, another bitrate, the same length."""
    return _registered(creatives.add_rendition(caller, CreativeId(creative_id), body.announced()))


@router.post(
    "/api/v1/creatives/<creative_id>/check",
    summary="Check a VAST tag again",
    tags=["creatives"],
    security=SIGNED_IN,
    responses={
        200: {"description": "The tag, which waits for its verdict"},
        409: {"description": "It is no VAST tag, or ready or archived"},
    },
)
def check(creative_id: Id, caller: SignedIn, creatives: CreativeTrafficking) -> CreativeView:
    """Have a tag checked once more that was rejected, or whose check has not come back."""
    creative = creatives.check_again(caller, CreativeId(creative_id))
    return CreativeView.of(creative, media_base_url())


@router.get(
    "/api/v1/creatives/<creative_id>/preview",
    summary="Look at a creative",
    tags=["creatives"],
    security=SIGNED_IN,
    responses={
        200: {"description": "Where it can be looked at"},
        409: {"description": "Its file has not arrived, or is gone, or its tag was not fit"},
    },
)
def preview(creative_id: Id, caller: SignedIn, creatives: CreativeTrafficking) -> PreviewView:
    """Return where the creative can be looked at, also while it is not ready."""
    found = creatives.preview(caller, CreativeId(creative_id), media_base_url())
    return PreviewView(url=found.url, expires_at=found.expires_at)


@router.post(
    "/api/v1/creatives/<creative_id>/multipart",
    summary="Complete an upload in parts",
    tags=["creatives"],
    security=SIGNED_IN,
    responses={
        200: {"description": "The creative, whose file is being validated"},
        409: {"description": "It waits for no file, or there is no such upload"},
    },
)
def complete_multipart(
    creative_id: Id, body: CompletedParts, caller: SignedIn, creatives: CreativeTrafficking
) -> CreativeView:
    """Put the parts of a file together; its validation starts by itself."""
    creative = creatives.complete_multipart(
        caller, CreativeId(creative_id), body.upload_id, body.sent()
    )
    return CreativeView.of(creative, media_base_url())


@router.delete(
    "/api/v1/creatives/<creative_id>/multipart",
    summary="Abort an upload in parts",
    tags=["creatives"],
    security=SIGNED_IN,
    status_code=HTTPStatus.NO_CONTENT,
    responses={
        204: {"description": "The parts are gone"},
        409: {"description": "The creative waits for no file"},
    },
)
def abort_multipart(
    creative_id: Id,
    upload_id: Annotated[UploadId, Query(description="As the registration answered")],
    caller: SignedIn,
    creatives: CreativeTrafficking,
) -> Response[None]:
    """Drop the parts of a file that will not be completed."""
    creatives.abort_multipart(caller, CreativeId(creative_id), upload_id)
    return Response(HTTPStatus.NO_CONTENT)


def _trafficked(tag: Creative) -> RegisteredCreative:
    return RegisteredCreative(creative=CreativeView.of(tag, media_base_url()), upload=None)


def _registered(made: NewUpload) -> RegisteredCreative:
    creative, upload = made
    return RegisteredCreative(
        creative=CreativeView.of(creative, media_base_url()), upload=upload_view(upload)
    )
