"""Lists of campaigns: `GET /api/v1/campaigns` and the same as a file."""

from collections.abc import Mapping
from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from ctv_ads.bootstrap.control_plane import OpenStores, SignedIn
from ctv_ads.domain.campaign import CampaignStatus
from ctv_ads.domain.listing import ListQuery
from ctv_ads.web.cursors import read_cursor
from ctv_ads.web.fields import Id, Moment, Name
from ctv_ads.web.resolver import SIGNED_IN
from functions.campaigns.schemas.campaign_lists import CampaignField, CampaignPage, CampaignSort

router = Router()

_Statuses = Annotated[
    list[CampaignStatus] | None, Query(alias="status", description="Any of these statuses")
]
_Advertiser = Annotated[Id | None, Query(alias="advertiser_id")]
_StartsBefore = Annotated[Moment | None, Query(description="The flight starts before this moment")]
_StartsAfter = Annotated[Moment | None, Query(description="It starts at this moment or later")]
_EndsBefore = Annotated[Moment | None, Query(description="The flight ends before this moment")]
_EndsAfter = Annotated[Moment | None, Query(description="It ends at this moment or later")]
_Search = Annotated[
    Name | None, Query(alias="q", description="The name contains it, in any letter case")
]
_Sort = Annotated[CampaignSort, Query(description="The order; `-`: the greatest first")]
_Fields = Annotated[
    list[CampaignField] | None,
    Query(description="Only these fields, repeated or with commas between; `id` is always told"),
]
_Cursor = Annotated[
    str | None, Query(max_length=2000, description="`next_cursor` of the page before")
]
_PageSize = Annotated[int, Query(ge=1, le=200)]


@router.get("/api/v1/campaigns", summary="List campaigns", tags=["campaigns"], security=SIGNED_IN)
def page(  # noqa: PLR0913 - each is a query parameter
    *,
    caller: SignedIn,
    stores: OpenStores,
    statuses: _Statuses = None,
    advertiser: _Advertiser = None,
    starts_before: _StartsBefore = None,
    starts_after: _StartsAfter = None,
    ends_before: _EndsBefore = None,
    ends_after: _EndsAfter = None,
    search: _Search = None,
    sort: _Sort = CampaignSort.NEWEST,
    fields: _Fields = None,
    cursor: _Cursor = None,
    limit: _PageSize = 50,
) -> CampaignPage:
    """List campaigns, newest first unless told otherwise; totals are of all that are let through."""
    filters: dict[str, object] = {
        "statuses": [status.value for status in statuses] if statuses else None,
        "advertiser_id": advertiser,
        "starts_before": starts_before,
        "starts_after": starts_after,
        "ends_before": ends_before,
        "ends_after": ends_after,
        "q": search,
    }
    query = _query(filters, sort=sort, cursor=cursor, limit=limit)
    with stores.transaction(caller) as store:
        found = store.campaign_lists.page(query)
    return CampaignPage.of(found, fields or tuple(CampaignField))


def _query(
    filters: Mapping[str, object], *, sort: CampaignSort, cursor: str | None, limit: int
) -> ListQuery:
    return ListQuery(
        limit=limit,
        sort=sort.value,
        cursor=read_cursor(cursor, sort=sort.value),
        filters=filters,
    )
