"""`/api/v1/campaigns/{campaign_id}/ledger` and `/api/v1/exports/ledger.csv`."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from ctv_ads.bootstrap.control_plane import OpenStores, SignedIn
from ctv_ads.domain.access import Action
from ctv_ads.domain.ids import AdvertiserId, CampaignId
from ctv_ads.domain.listing import ListQuery
from ctv_ads.use_cases.permission import require
from ctv_ads.web.csv import CSV_TYPE, CsvText
from ctv_ads.web.cursors import read_cursor, write_cursor
from ctv_ads.web.fields import Day, Id
from ctv_ads.web.resolver import SIGNED_IN
from functions.analytics.ledger_schemas import EXPORTED, LedgerEntryView, LedgerPage, exported

router = Router()

_SORT = "day"
EXPORT_PATH = "/api/v1/exports/ledger.csv"
MAX_BYTES = 5_000_000
"""Of one file: a Lambda answers at most 6 MB."""

_FirstDay = Annotated[Day | None, Query(alias="from", description="First day, UTC")]
_LastDay = Annotated[Day | None, Query(alias="to", description="Last day, UTC")]
_Cursor = Annotated[
    str | None, Query(max_length=2000, description="`next_cursor` of the page before")
]
_PageSize = Annotated[int, Query(ge=1, le=200)]


@router.get(
    "/api/v1/campaigns/<campaign_id>/ledger",
    summary="List the entries of a campaign in the books",
    tags=["analytics"],
    security=SIGNED_IN,
)
def campaign_ledger(  # noqa: PLR0913 - each is a parameter of the route
    *,
    campaign_id: Id,
    caller: SignedIn,
    stores: OpenStores,
    first_day: _FirstDay = None,
    last_day: _LastDay = None,
    cursor: _Cursor = None,
    limit: _PageSize = 50,
) -> LedgerPage:
    """List entries by day, in the order they were made; `owed_micros` is of all let through.

    What was billed stays in the books, also when the campaign is deleted.
    """
    require(caller, Action.READ_REPORTS)
    query = ListQuery(
        limit=limit,
        sort=_SORT,
        cursor=read_cursor(cursor, sort=_SORT),
        filters={"campaign_id": campaign_id, "first_day": first_day, "last_day": last_day},
    )
    with stores.transaction(caller) as store:
        found = store.ledger.page(CampaignId(campaign_id), query)
    return LedgerPage(
        items=[LedgerEntryView.of(entry) for entry in found.items],
        next_cursor=write_cursor(found.next_cursor),
        count=found.totals["count"],
        owed_micros=found.totals["signed_micros"],
    )


@router.get(
    EXPORT_PATH,
    summary="Export an advertiser's books as CSV",
    tags=["analytics"],
    security=SIGNED_IN,
    responses={
        200: {
            "description": "Entries of all campaigns in the order of their chains, which whoever "
            "has the file can check. If there are more than one answer holds, the header `Link` "
            'with rel="next" tells the address of the file that follows',
            "content": {"text/csv": {"schema": {"type": "string"}}},
        },
        404: {"description": "There is no such advertiser in your organization"},
    },
)
def export(
    *,
    caller: SignedIn,
    stores: OpenStores,
    advertiser: Annotated[Id, Query(alias="advertiser_id")],
    first_day: Annotated[Day, Query(alias="from", description="First day, UTC")],
    last_day: Annotated[Day, Query(alias="to", description="Last day, UTC")],
    after: Annotated[int, Query(ge=0, description="Entries of the first day to leave out")] = 0,
) -> Response[str]:
    """Give the entries of some days as a CSV file that can be checked without this product."""
    require(caller, Action.EXPORT)
    table = CsvText(EXPORTED, max_bytes=MAX_BYTES)
    headers = {"Content-Disposition": 'attachment; filename="ledger.csv"'}
    with stores.transaction(caller) as store:
        for entry, day in store.ledger.chains(
            AdvertiserId(advertiser), first_day=first_day, last_day=last_day, after=after
        ):
            if not table.add(exported(entry, day)):
                rest = {
                    "advertiser_id": advertiser,
                    "from": entry.day,
                    "to": last_day,
                    "after": entry.sequence - 1,
                }
                headers["Link"] = f'<{EXPORT_PATH}?{urlencode(rest)}>; rel="next"'
                break
    return Response(HTTPStatus.OK, CSV_TYPE, table.text(), headers=headers)
