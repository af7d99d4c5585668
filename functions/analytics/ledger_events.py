"""`/api/v1/exports/ledger-events.csv`: the events behind an advertiser's books."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from ctv_ads.bootstrap.control_plane import OpenStores, SignedIn
from ctv_ads.domain.access import Action
from ctv_ads.domain.ids import AdvertiserId
from ctv_ads.use_cases.permission import require
from ctv_ads.web.csv import CSV_TYPE, CsvText
from ctv_ads.web.fields import Day, Id
from ctv_ads.web.resolver import SIGNED_IN
from functions.analytics.ledger_schemas import EVENT_COLUMNS, exported_event

router = Router()

EXPORT_PATH = "/api/v1/exports/ledger-events.csv"
MAX_BYTES = 5_000_000
"""Of one file: a Lambda answers at most 6 MB."""
MOST_EVENTS = 20_000
"""About as many as fit."""
_START = "00000000-0000-0000-0000-000000000000"


@router.get(
    EXPORT_PATH,
    summary="Export the billed events of an advertiser as CSV",
    tags=["analytics"],
    security=SIGNED_IN,
    responses={
        200: {
            "description": "Billed events by day, decision, slot and name, by which whoever has the "
            "books of the same days recounts them: `batch` names the entry that billed an event, "
            "`credited_batch` the one that credited it. If there are more than one answer holds, "
            'the header `Link` with rel="next" tells the address of the file that follows',
            "content": {"text/csv": {"schema": {"type": "string"}}},
        },
        404: {"description": "There is no such advertiser in your organization"},
        409: {"description": "The events of one of the days are in the archive only"},
    },
)
def export_events(  # noqa: PLR0913 - each is a parameter of the route
    *,
    caller: SignedIn,
    stores: OpenStores,
    advertiser: Annotated[Id, Query(alias="advertiser_id")],
    first_day: Annotated[Day, Query(alias="from", description="First day, UTC")],
    last_day: Annotated[Day, Query(alias="to", description="Last day, UTC")],
    after: Annotated[
        Id | None, Query(alias="after_decision", description="Leave out up to this event")
    ] = None,
    after_slot: Annotated[int, Query(ge=0, le=32767)] = 0,
    after_event: Annotated[str, Query(max_length=30, pattern="^[A-Za-z]*$")] = "",
) -> Response[str]:
    """Give the events that the entries of some days sum, with their prices and times."""
    require(caller, Action.EXPORT)
    table = CsvText(EVENT_COLUMNS, max_bytes=MAX_BYTES)
    headers = {"Content-Disposition": 'attachment; filename="ledger-events.csv"'}
    with stores.transaction(caller) as store:
        found = store.ledger.billed_events(
            AdvertiserId(advertiser),
            first_day=first_day,
            last_day=last_day,
            after=(after or _START, after_slot, after_event),
            most=MOST_EVENTS,
        )
    written = [event for event in found if table.add(exported_event(event))]
    if written and (len(written) < len(found) or len(found) == MOST_EVENTS):
        rest = {
            "advertiser_id": advertiser,
            "from": written[-1].day,
            "to": last_day,
            "after_decision": written[-1].decision_id,
            "after_slot": written[-1].slot,
            "after_event": written[-1].event,
        }
        headers["Link"] = f'<{EXPORT_PATH}?{urlencode(rest)}>; rel="next"'
    return Response(HTTPStatus.OK, CSV_TYPE, table.text(), headers=headers)
