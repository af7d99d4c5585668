"""`/api/v1/line-items/{line_item_id}/creatives`."""

from functools import partial

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from ctv_ads.bootstrap.control_plane import OpenStores, SignedIn
from ctv_ads.bootstrap.trafficking import LineItemTrafficking
from ctv_ads.domain.ids import LineItemId
from ctv_ads.web.etags import IfMatch, check_version, with_etag
from ctv_ads.web.fields import Id
from ctv_ads.web.resolver import SIGNED_IN
from functions.campaigns.schemas.assignments import Assignments, AssignmentsView

router = Router()


@router.get(
    "/api/v1/line-items/<line_item_id>/creatives",
    summary="Read which creatives a line item rotates",
    tags=["line items"],
    security=SIGNED_IN,
)
def read(line_item_id: Id, caller: SignedIn, stores: OpenStores) -> Response[AssignmentsView]:
    """Return the assignments, with the line item's ETag; none: all ready ones of its campaign."""
    with stores.transaction(caller) as store:
        line_item = store.line_items.get(LineItemId(line_item_id))
        found = store.line_items.assignments(line_item.line_item_id)
    return with_etag(AssignmentsView.of(found), line_item.version)


@router.put(
    "/api/v1/line-items/<line_item_id>/creatives",
    summary="Say which creatives a line item rotates",
    tags=["line items"],
    security=SIGNED_IN,
    responses={
        200: {"description": "The creatives it rotates now"},
        409: {"description": "The campaign is over"},
    },
)
def replace(
    line_item_id: Id,
    body: Assignments,
    caller: SignedIn,
    line_items: LineItemTrafficking,
    if_match: IfMatch = None,
) -> Response[AssignmentsView]:
    """Replace all assignments; an empty list goes back to all ready ones of the campaign."""
    check = partial(check_version, if_match)
    line_item, stored = line_items.assign(caller, LineItemId(line_item_id), body.values(), check)
    return with_etag(AssignmentsView.of(stored), line_item.version)
