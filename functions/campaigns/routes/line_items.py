"""`/api/v1/campaigns/{campaign_id}/line-items` and `/api/v1/line-items`."""

from functools import partial
from http import HTTPStatus
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from ctv_ads.adapters.postgres.listing import contains
from ctv_ads.bootstrap.control_plane import ONCE_PER_KEY, OpenStores, SignedIn
from ctv_ads.bootstrap.trafficking import LineItemTrafficking
from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.ids import CampaignId, LineItemId
from ctv_ads.domain.line_item import LineItemStatus
from ctv_ads.use_cases.line_items import remarks_on
from ctv_ads.web.etags import IfMatch, check_version, with_etag
from ctv_ads.web.fields import Id
from ctv_ads.web.lists import PageCursor, PageSize, Search, list_query
from ctv_ads.web.resolver import SIGNED_IN
from functions.campaigns.schemas.line_items import (
    LineItemChange,
    LineItemPage,
    LineItemView,
    NewLineItem,
)

router = Router()

_Sort = Annotated[
    Literal["created_at", "-created_at", "name", "-name", "priority", "-priority"],
    Query(description="With `-` before it, the greatest first"),
]
_Status = Annotated[LineItemStatus | None, Query()]
_Type = Annotated[LineItemType | None, Query()]
_CONFLICT: dict[int, OpenAPIResponse] = {
    409: {"description": "The campaign is over, or the change goes below what is billed"}
}


@router.post(
    "/api/v1/campaigns/<campaign_id>/line-items",
    summary="Create a line item",
    tags=["line items"],
    security=SIGNED_IN,
    status_code=HTTPStatus.CREATED,
    responses={201: {"description": "The new line item"}, **_CONFLICT},
    middlewares=ONCE_PER_KEY,
)
def create(
    campaign_id: Id, body: NewLineItem, caller: SignedIn, line_items: LineItemTrafficking
) -> Response[LineItemView]:
    """Make a line item; `warnings` tell what of it is unknown or not served yet."""
    made = line_items.create(caller, CampaignId(campaign_id), body.terms())
    return with_etag(LineItemView.of(made), made.line_item.version, HTTPStatus.CREATED)


@router.get(
    "/api/v1/campaigns/<campaign_id>/line-items",
    summary="List a campaign's line items",
    tags=["line items"],
    security=SIGNED_IN,
)
def page(  # noqa: PLR0913 - each is a parameter of the query
    *,
    campaign_id: Id,
    caller: SignedIn,
    stores: OpenStores,
    q: Search = None,
    status: _Status = None,
    type: _Type = None,  # noqa: A002 - the field's name
    sort: _Sort = "created_at",
    limit: PageSize = 50,
    cursor: PageCursor = None,
) -> LineItemPage:
    """List the line items of one campaign, oldest first unless asked otherwise."""
    filters = {
        "campaign_id": campaign_id,
        "q": contains(q) if q else None,
        "status": status.value if status else None,
        "type": type.value if type else None,
    }
    query = list_query(limit=limit, sort=sort, cursor=cursor, **filters)
    with stores.transaction(caller) as store:
        campaign = store.campaigns.get(CampaignId(campaign_id))
        found = store.line_items.page(query)
        return LineItemPage.of(remarks_on(store, found.items, campaign), found)


@router.get(
    "/api/v1/line-items/<line_item_id>",
    summary="Read a line item",
    tags=["line items"],
    security=SIGNED_IN,
)
def read(
    line_item_id: Id, caller: SignedIn, line_items: LineItemTrafficking
) -> Response[LineItemView]:
    """Return one line item."""
    found = line_items.show(caller, LineItemId(line_item_id))
    return with_etag(LineItemView.of(found), found.line_item.version)


@router.patch(
    "/api/v1/line-items/<line_item_id>",
    summary="Change a line item",
    tags=["line items"],
    security=SIGNED_IN,
    responses={200: {"description": "The line item as it is now"}, **_CONFLICT},
)
def change(
    line_item_id: Id,
    body: LineItemChange,
    caller: SignedIn,
    line_items: LineItemTrafficking,
    if_match: IfMatch = None,
) -> Response[LineItemView]:
    """Change the fields that are sent (merge patch); each is replaced whole."""
    check = partial(check_version, if_match)
    changed = line_items.change(caller, LineItemId(line_item_id), body.changes(), check)
    return with_etag(LineItemView.of(changed), changed.line_item.version)


@router.delete(
    "/api/v1/line-items/<line_item_id>",
    summary="Delete a line item",
    tags=["line items"],
    security=SIGNED_IN,
    status_code=HTTPStatus.NO_CONTENT,
    responses={
        204: {"description": "It no longer serves and is no longer listed"},
        409: {"description": "It is the campaign's last"},
    },
)
def delete(
    line_item_id: Id, caller: SignedIn, line_items: LineItemTrafficking, if_match: IfMatch = None
) -> Response[None]:
    """Take a line item out of sight and out of serving; what it was billed stays on record."""
    line_items.delete(caller, LineItemId(line_item_id), partial(check_version, if_match))
    return Response(HTTPStatus.NO_CONTENT)
