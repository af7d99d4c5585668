"""`/api/v1/reports/placements`, and the same as a file: what was asked for, and what came of it."""

from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from itertools import takewhile
from typing import Annotated
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from ctv_ads.adapters.clock import utc_now
from ctv_ads.bootstrap.control_plane import OpenStores, SignedIn
from ctv_ads.domain.access import Action
from ctv_ads.domain.ids import PlacementId
from ctv_ads.domain.listing import Cursor
from ctv_ads.domain.supply import SupplyBy, SupplyPart, SupplyQuery
from ctv_ads.errors import FieldProblem, InvalidRequestError
from ctv_ads.use_cases.permission import require
from ctv_ads.web.csv import CSV_TYPE, CsvText
from ctv_ads.web.cursors import read_cursor, write_cursor
from ctv_ads.web.fields import Day, Id
from ctv_ads.web.lists import PageCursor, PageSize
from ctv_ads.web.parameters import asks
from ctv_ads.web.resolver import SIGNED_IN
from functions.analytics.supply_schemas import EXPORTED, SupplyPage, exported

router = Router()

EXPORT_PATH = "/api/v1/exports/placements.csv"
MAX_BYTES = 5_000_000
"""Of one file: a Lambda answers at most 6 MB."""
MAX_ROWS = 10_000
_USUAL_DAYS, _USUAL_DAYS_OF_HOURS = 30, 7
_MOST_DAYS, _MOST_DAYS_OF_HOURS = 400, 31
# Parts have keys and no ids.
_NO_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of the report, in the browser and as a file."""

    by: Annotated[SupplyBy, Query(description="Tell requests apart along this")] = (
        SupplyBy.PLACEMENT
    )
    first_day: Annotated[
        Day | None,
        Query(alias="from", description="First day, UTC; else it makes 30 days, 7 by hour"),
    ] = None
    last_day: Annotated[Day | None, Query(alias="to", description="Last day, UTC; else today")] = (
        None
    )
    placement: Annotated[
        Id | None, Query(alias="placement_id", description="Of this placement only")
    ] = None
    cursor: PageCursor = None

    def query(self, *, limit: int) -> SupplyQuery:
        """Return it as the report takes it.

        Raises:
            InvalidRequestError: the days are too many, or the cursor is none of this order's.
        """
        usual, most = _USUAL_DAYS, _MOST_DAYS
        if self.by is SupplyBy.HOUR:
            usual, most = _USUAL_DAYS_OF_HOURS, _MOST_DAYS_OF_HOURS
        last = self.last_day or utc_now().date()
        first = self.first_day or date.fromordinal(max(last.toordinal() - usual + 1, 1))
        if (last - first).days >= most:
            problem = FieldProblem("to", "too_many_days", f"must make {most} days at most")
            raise InvalidRequestError("too many days at once", [problem])
        after = read_cursor(self.cursor, sort=self.by.value)
        return SupplyQuery(
            by=self.by,
            first_day=first,
            last_day=last,
            limit=limit,
            placement_id=PlacementId(self.placement) if self.placement else None,
            after=after.value if after else None,
        )


@router.get(
    "/api/v1/reports/placements",
    summary="Report what was asked for in placements, and what came of it",
    tags=["analytics"],
    security=SIGNED_IN,
)
@asks(Asked)
def report(
    *, caller: SignedIn, stores: OpenStores, asked: Asked, limit: PageSize = 50
) -> SupplyPage:
    """Report requests, opportunities, ads served, fill rate and no-fills with their reasons.

    A viewer who is bound to advertisers sees their ads only, and no requests. At most 400 days at
    a time, 31 by the hour.
    """
    require(caller, Action.READ_REPORTS)
    query = asked.query(limit=limit)
    with stores.transaction(caller) as store:
        found = store.supply.report(query)
    last = found.parts[-1] if found.has_more else None
    return SupplyPage.of(found, query, _cursor(query, last))


@router.get(
    EXPORT_PATH,
    summary="Export the report of placements as CSV",
    tags=["analytics"],
    security=SIGNED_IN,
    responses={
        200: {
            "description": f"At most {MAX_ROWS} parts; if there are more, the header `Link` "
            'with rel="next" tells the address of the file that follows',
            "content": {"text/csv": {"schema": {"type": "string"}}},
        }
    },
)
@asks(Asked)
def export(*, caller: SignedIn, stores: OpenStores, asked: Asked) -> Response[str]:
    """Give the parts of the report as a CSV file: money in micros, rates in basis points."""
    require(caller, Action.EXPORT)
    query = asked.query(limit=MAX_ROWS)
    with stores.transaction(caller) as store:
        found = store.supply.report(query)
    table = CsvText(EXPORTED, max_bytes=MAX_BYTES)
    fitting = list(takewhile(lambda part: table.add(exported(part)), found.parts))
    headers = {"Content-Disposition": 'attachment; filename="placements.csv"'}
    if found.has_more or len(fitting) < len(found.parts):
        headers["Link"] = _next_link(query, fitting[-1])
    return Response(HTTPStatus.OK, CSV_TYPE, table.text(), headers=headers)


def _cursor(query: SupplyQuery, last: SupplyPart | None) -> str | None:
    return write_cursor(None if last is None else Cursor(query.by.value, last.key, _NO_ID))


def _next_link(query: SupplyQuery, last: SupplyPart) -> str:
    parameters = {
        "by": query.by.value,
        "from": query.first_day,
        "to": query.last_day,
        "placement_id": query.placement_id,
        "cursor": _cursor(query, last),
    }
    given = {name: value for name, value in parameters.items() if value is not None}
    return f'<{EXPORT_PATH}?{urlencode(given)}>; rel="next"'
