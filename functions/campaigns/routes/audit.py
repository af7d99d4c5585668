"""`/api/v1/audit`."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import StringConstraints

from ctv_ads.bootstrap.control_plane import OpenStores, SignedIn
from ctv_ads.domain.access import Action
from ctv_ads.domain.audit import AuditAction
from ctv_ads.domain.listing import ListQuery
from ctv_ads.use_cases.permission import require
from ctv_ads.web.cursors import read_cursor
from ctv_ads.web.fields import Id, Moment, Name
from ctv_ads.web.resolver import SIGNED_IN
from functions.campaigns.schemas.audit import AuditPage

router = Router()

_NEWEST_FIRST = "-occurred_at"
_Word = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,50}$")]
_Entity = Annotated[_Word | None, Query(description="A kind of thing, such as campaign")]
_Thing = Annotated[Id | None, Query(description="One thing's id")]
_Actor = Annotated[Id | None, Query(description="Who did it")]
_Action = Annotated[AuditAction | None, Query(description="What was done")]
_Request = Annotated[Name | None, Query(description="What one request changed")]
_From = Annotated[Moment | None, Query(alias="from", description="At this moment or later")]
_To = Annotated[Moment | None, Query(alias="to", description="Before this moment")]
_Cursor = Annotated[
    str | None, Query(max_length=2000, description="`next_cursor` of the page before")
]
_PageSize = Annotated[int, Query(ge=1, le=200)]


@router.get(
    "/api/v1/audit",
    summary="Read who changed what",
    tags=["audit"],
    security=SIGNED_IN,
)
def page(  # noqa: PLR0913 - each is a query parameter
    *,
    caller: SignedIn,
    stores: OpenStores,
    entity: _Entity = None,
    entity_id: _Thing = None,
    actor_id: _Actor = None,
    action: _Action = None,
    request_id: _Request = None,
    since: _From = None,
    before: _To = None,
    cursor: _Cursor = None,
    limit: _PageSize = 50,
) -> AuditPage:
    """List changes, the newest first, each with the state before and after."""
    require(caller, Action.READ_AUDIT)
    query = ListQuery(
        limit=limit,
        sort=_NEWEST_FIRST,
        cursor=read_cursor(cursor, sort=_NEWEST_FIRST),
        filters={
            "entity": entity,
            "entity_id": entity_id,
            "actor_id": actor_id,
            "action": action.value if action else None,
            "request_id": request_id,
            "since": since,
            "before": before,
        },
    )
    with stores.transaction(caller) as store:
        return AuditPage.of(store.audit_events.page(query))
