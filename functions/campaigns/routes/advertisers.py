"""`/api/v1/advertisers`."""

from functools import partial
from http import HTTPStatus
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from ctv_ads.adapters.postgres.listing import contains
from ctv_ads.bootstrap.control_plane import ONCE_PER_KEY, OpenStores, SignedIn
from ctv_ads.bootstrap.trafficking import AdvertiserTrafficking
from ctv_ads.domain.ids import AdvertiserId
from ctv_ads.web.etags import IfMatch, check_version, with_etag
from ctv_ads.web.fields import Id
from ctv_ads.web.lists import PageCursor, PageSize, Search, list_query
from ctv_ads.web.resolver import SIGNED_IN
from functions.campaigns.schemas.advertisers import (
    AdvertiserChange,
    AdvertiserPage,
    AdvertiserView,
    NewAdvertiser,
)

router = Router()

_Sort = Annotated[
    Literal["created_at", "-created_at", "name", "-name"],
    Query(description="With `-` before it, the greatest first"),
]


@router.post(
    "/api/v1/advertisers",
    summary="Create an advertiser",
    tags=["advertisers"],
    security=SIGNED_IN,
    status_code=HTTPStatus.CREATED,
    responses={201: {"description": "The new advertiser"}},
    middlewares=ONCE_PER_KEY,
)
def create(
    body: NewAdvertiser, caller: SignedIn, advertisers: AdvertiserTrafficking
) -> Response[AdvertiserView]:
    """Make an advertiser that campaigns can be booked for."""
    made = advertisers.create(caller, body.terms())
    return with_etag(AdvertiserView.of(made), made.version, HTTPStatus.CREATED)


@router.get(
    "/api/v1/advertisers", summary="List advertisers", tags=["advertisers"], security=SIGNED_IN
)
def page(
    caller: SignedIn,
    stores: OpenStores,
    q: Search = None,
    sort: _Sort = "-created_at",
    limit: PageSize = 50,
    cursor: PageCursor = None,
) -> AdvertiserPage:
    """List advertisers, newest first unless asked otherwise."""
    query = list_query(limit=limit, sort=sort, cursor=cursor, q=contains(q) if q else None)
    with stores.transaction(caller) as store:
        return AdvertiserPage.of(store.advertisers.page(query))


@router.get(
    "/api/v1/advertisers/<advertiser_id>",
    summary="Read an advertiser",
    tags=["advertisers"],
    security=SIGNED_IN,
)
def read(advertiser_id: Id, caller: SignedIn, stores: OpenStores) -> Response[AdvertiserView]:
    """Return one advertiser."""
    with stores.transaction(caller) as store:
        found = store.advertisers.get(AdvertiserId(advertiser_id))
    return with_etag(AdvertiserView.of(found), found.version)


@router.patch(
    "/api/v1/advertisers/<advertiser_id>",
    summary="Change an advertiser",
    tags=["advertisers"],
    security=SIGNED_IN,
)
def change(
    advertiser_id: Id,
    body: AdvertiserChange,
    caller: SignedIn,
    advertisers: AdvertiserTrafficking,
    if_match: IfMatch = None,
) -> Response[AdvertiserView]:
    """Change the fields that are sent (merge patch)."""
    check = partial(check_version, if_match)
    changed = advertisers.change(caller, AdvertiserId(advertiser_id), body.changes(), check)
    return with_etag(AdvertiserView.of(changed), changed.version)


@router.delete(
    "/api/v1/advertisers/<advertiser_id>",
    summary="Delete an advertiser",
    tags=["advertisers"],
    security=SIGNED_IN,
    status_code=HTTPStatus.NO_CONTENT,
    responses={
        204: {"description": "It is no longer listed"},
        409: {"description": "Campaigns of it are drafts, active or paused"},
    },
)
def delete(
    advertiser_id: Id,
    caller: SignedIn,
    advertisers: AdvertiserTrafficking,
    if_match: IfMatch = None,
) -> Response[None]:
    """Take an advertiser out of sight; refused while campaigns of it may serve."""
    check = partial(check_version, if_match)
    advertisers.delete(caller, AdvertiserId(advertiser_id), check)
    return Response(HTTPStatus.NO_CONTENT)
