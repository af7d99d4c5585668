"""`/api/v1/placements`."""

from functools import partial
from http import HTTPStatus
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from ctv_ads.adapters.postgres.listing import contains
from ctv_ads.bootstrap.control_plane import ONCE_PER_KEY, OpenStores, SignedIn
from ctv_ads.bootstrap.trafficking import PlacementTrafficking
from ctv_ads.domain.ids import PlacementId
from ctv_ads.web.etags import IfMatch, check_version, with_etag
from ctv_ads.web.fields import Id
from ctv_ads.web.lists import PageCursor, PageSize, Search, list_query
from ctv_ads.web.resolver import SIGNED_IN
from functions.campaigns.schemas.placements import (
    NewPlacement,
    PlacementChange,
    PlacementPage,
    PlacementView,
)

router = Router()

_Sort = Annotated[
    Literal["created_at", "-created_at", "name", "-name", "key", "-key"],
    Query(description="With `-` before it, the greatest first"),
]
_Exact = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]


@router.post(
    "/api/v1/placements",
    summary="Create a placement",
    tags=["placements"],
    security=SIGNED_IN,
    status_code=HTTPStatus.CREATED,
    responses={
        201: {"description": "The new placement"},
        409: {"description": "The key is taken"},
    },
    middlewares=ONCE_PER_KEY,
)
def create(
    body: NewPlacement, caller: SignedIn, placements: PlacementTrafficking
) -> Response[PlacementView]:
    """Make a place where ads can be asked for by its key."""
    made = placements.create(caller, body.key, body.terms())
    return with_etag(PlacementView.of(made), made.version, HTTPStatus.CREATED)


@router.get(
    "/api/v1/placements", summary="List placements", tags=["placements"], security=SIGNED_IN
)
def page(  # noqa: PLR0913 - each is a parameter of the query
    *,
    caller: SignedIn,
    stores: OpenStores,
    q: Search = None,
    channel: _Exact = None,
    app_bundle: _Exact = None,
    sort: _Sort = "-created_at",
    limit: PageSize = 50,
    cursor: PageCursor = None,
) -> PlacementPage:
    """List placements, newest first unless asked otherwise."""
    filters = {"q": contains(q) if q else None, "channel": channel, "app_bundle": app_bundle}
    query = list_query(limit=limit, sort=sort, cursor=cursor, **filters)
    with stores.transaction(caller) as store:
        return PlacementPage.of(store.placements.page(query))


@router.get(
    "/api/v1/placements/<placement_id>",
    summary="Read a placement",
    tags=["placements"],
    security=SIGNED_IN,
)
def read(placement_id: Id, caller: SignedIn, stores: OpenStores) -> Response[PlacementView]:
    """Return one placement."""
    with stores.transaction(caller) as store:
        found = store.placements.get(PlacementId(placement_id))
    return with_etag(PlacementView.of(found), found.version)


@router.patch(
    "/api/v1/placements/<placement_id>",
    summary="Change a placement",
    tags=["placements"],
    security=SIGNED_IN,
)
def change(
    placement_id: Id,
    body: PlacementChange,
    caller: SignedIn,
    placements: PlacementTrafficking,
    if_match: IfMatch = None,
) -> Response[PlacementView]:
    """Change the fields that are sent (merge patch)."""
    check = partial(check_version, if_match)
    changed = placements.change(caller, PlacementId(placement_id), body.changes(), check)
    return with_etag(PlacementView.of(changed), changed.version)


@router.delete(
    "/api/v1/placements/<placement_id>",
    summary="Delete a placement",
    tags=["placements"],
    security=SIGNED_IN,
    status_code=HTTPStatus.NO_CONTENT,
    responses={
        204: {"description": "It is no longer listed"},
    },
)
def delete(
    placement_id: Id,
    caller: SignedIn,
    placements: PlacementTrafficking,
    if_match: IfMatch = None,
) -> Response[None]:
    """Take a placement out of sight; requests for it are answered as for an unknown one."""
    check = partial(check_version, if_match)
    placements.delete(caller, PlacementId(placement_id), check)
    return Response(HTTPStatus.NO_CONTENT)
