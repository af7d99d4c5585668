"""Lists of campaigns: `GET /api/v1/campaigns` and the same as a file."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from ctv_ads.bootstrap.control_plane import OpenStores, SignedIn
from ctv_ads.domain.access import Action
from ctv_ads.domain.campaign import CampaignStatus
from ctv_ads.domain.listing import Cursor, ListQuery
from ctv_ads.use_cases.permission import require
from ctv_ads.web.csv import CSV_TYPE, CsvText
from ctv_ads.web.cursors import read_cursor, write_cursor
from ctv_ads.web.fields import Id, Moment, Name
from ctv_ads.web.resolver import SIGNED_IN
from functions.campaigns.schemas.campaign_lists import (
    CampaignField,
    CampaignPage,
    CampaignSort,
    told,
)

router = Router()

EXPORT_PATH = "/api/v1/exports/campaigns.csv"
MAX_ROWS = 10_000
MAX_BYTES = 5_000_000
"""Of one file: a Lambda answers at most 6 MB."""

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
    query = ListQuery(
        limit=limit,
        sort=sort.value,
        cursor=read_cursor(cursor, sort=sort.value),
        filters={
            "statuses": _values(statuses),
            "advertiser_id": advertiser,
            "starts_before": starts_before,
            "starts_after": starts_after,
            "ends_before": ends_before,
            "ends_after": ends_after,
            "q": search,
        },
    )
    with stores.transaction(caller) as store:
        found = store.campaign_lists.page(query)
    return CampaignPage.of(found, fields or tuple(CampaignField))


@router.get(
    EXPORT_PATH,
    summary="Export campaigns as CSV",
    tags=["campaigns"],
    security=SIGNED_IN,
    responses={
        200: {
            "description": f"At most {MAX_ROWS} campaigns; if there are more, the header `Link` "
            'with rel="next" tells the address of the file that follows',
            "content": {"text/csv": {"schema": {"type": "string"}}},
        }
    },
)
def export(  # noqa: PLR0913 - each is a query parameter
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
) -> Response[str]:
    """Give the list as a CSV file: times in UTC, money in micros of `currency`."""
    require(caller, Action.EXPORT)
    columns = tuple(fields or CampaignField)
    filters: dict[str, object] = {
        "advertiser_id": advertiser,
        "starts_before": starts_before,
        "starts_after": starts_after,
        "ends_before": ends_before,
        "ends_after": ends_after,
        "q": search,
    }
    query = ListQuery(
        limit=MAX_ROWS,
        sort=sort.value,
        cursor=read_cursor(cursor, sort=sort.value),
        filters={**filters, "statuses": _values(statuses)},
    )
    with stores.transaction(caller) as store:
        rows = ((told(row, columns), after) for row, after in store.campaign_lists.stream(query))
        text, after = _file(rows, columns)
    headers = {"Content-Disposition": 'attachment; filename="campaigns.csv"'}
    if after is not None:
        rest = {"status": _values(statuses), "sort": sort.value, "fields": ",".join(columns)}
        headers["Link"] = _next_link({**filters, **rest, "cursor": write_cursor(after)})
    return Response(HTTPStatus.OK, CSV_TYPE, text, headers=headers)


def _file(
    rows: Iterable[tuple[Mapping[str, object], Cursor]], columns: Sequence[str]
) -> tuple[str, Cursor | None]:
    """Return as much of `rows` as one answer holds, and after which of them more follow."""
    table = CsvText(columns, max_bytes=MAX_BYTES)
    last = None
    for number, (row, cursor) in enumerate(rows):
        if number == MAX_ROWS or not table.add([row[column] for column in columns]):
            return table.text(), last
        last = cursor
    return table.text(), None


def _next_link(parameters: Mapping[str, object]) -> str:
    given = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in parameters.items()
        if value is not None
    }
    return f'<{EXPORT_PATH}?{urlencode(given, doseq=True)}>; rel="next"'


def _values(statuses: Sequence[CampaignStatus] | None) -> list[str] | None:
    return [status.value for status in statuses] if statuses else None
