"""Lists of campaigns: `GET /api/v1/campaigns` and the same as a file."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
from ctv_ads.web.cursors import write_cursor
from ctv_ads.web.fields import Id, Moment, Name
from ctv_ads.web.lists import list_query
from ctv_ads.web.parameters import asks
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

_PageSize = Annotated[int, Query(ge=1, le=200)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of the list, in the browser and as a file."""

    statuses: Annotated[
        list[CampaignStatus] | None, Query(alias="status", description="Any of these statuses")
    ] = None
    advertiser: Annotated[Id | None, Query(alias="advertiser_id")] = None
    starts_before: Annotated[
        Moment | None, Query(description="The flight starts before this moment")
    ] = None
    starts_after: Annotated[
        Moment | None, Query(description="It starts at this moment or later")
    ] = None
    ends_before: Annotated[
        Moment | None, Query(description="The flight ends before this moment")
    ] = None
    ends_after: Annotated[Moment | None, Query(description="It ends at this moment or later")] = (
        None
    )
    search: Annotated[
        Name | None, Query(alias="q", description="The name contains it, in any letter case")
    ] = None
    sort: Annotated[CampaignSort, Query(description="The order; `-`: the greatest first")] = (
        CampaignSort.NEWEST
    )
    fields: Annotated[
        list[CampaignField] | None,
        Query(
            description="Only these fields, repeated or with commas between; `id` is always told"
        ),
    ] = None
    cursor: Annotated[
        str | None, Query(max_length=2000, description="`next_cursor` of the page before")
    ] = None

    @property
    def filters(self) -> dict[str, object]:
        """The filters, the statuses apart."""
        return {
            "advertiser_id": self.advertiser,
            "starts_before": self.starts_before,
            "starts_after": self.starts_after,
            "ends_before": self.ends_before,
            "ends_after": self.ends_after,
            "q": self.search,
        }

    @property
    def status_values(self) -> list[str] | None:
        """The statuses as they are stored."""
        return [status.value for status in self.statuses] if self.statuses else None

    def query(self, *, limit: int) -> ListQuery:
        """Return it as the list takes it.

        Raises:
            InvalidRequestError: the cursor is none of this order's.
        """
        return list_query(
            limit=limit,
            sort=self.sort.value,
            cursor=self.cursor,
            statuses=self.status_values,
            **self.filters,
        )


@router.get("/api/v1/campaigns", summary="List campaigns", tags=["campaigns"], security=SIGNED_IN)
@asks(Asked)
def page(
    *, caller: SignedIn, stores: OpenStores, asked: Asked, limit: _PageSize = 50
) -> CampaignPage:
    """List campaigns, newest first unless told otherwise; totals are of all that are let through."""
    with stores.transaction(caller) as store:
        found = store.campaign_lists.page(asked.query(limit=limit))
    return CampaignPage.of(found, asked.fields or tuple(CampaignField))


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
@asks(Asked)
def export(*, caller: SignedIn, stores: OpenStores, asked: Asked) -> Response[str]:
    """Give the list as a CSV file: times in UTC, money in micros of `currency`."""
    require(caller, Action.EXPORT)
    columns = tuple(asked.fields or CampaignField)
    query = asked.query(limit=MAX_ROWS)
    with stores.transaction(caller) as store:
        rows = ((told(row, columns), after) for row, after in store.campaign_lists.stream(query))
        text, after = _file(rows, columns)
    headers = {"Content-Disposition": 'attachment; filename="campaigns.csv"'}
    if after is not None:
        rest = {
            "status": asked.status_values,
            "sort": asked.sort.value,
            "fields": ",".join(columns),
        }
        headers["Link"] = _next_link({**asked.filters, **rest, "cursor": write_cursor(after)})
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
