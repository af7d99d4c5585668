"""`/api/v1/decisions`: why this ad, why not that one, and what would have been."""

from typing import Annotated

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from ctv_ads.bootstrap.control_plane import SignedIn
from ctv_ads.bootstrap.decisions import DecisionExplaining
from ctv_ads.domain.ids import DecisionId, LineItemId, PlacementId
from ctv_ads.ports.decisions import DecisionFilter
from ctv_ads.web.fields import Id, Moment
from ctv_ads.web.resolver import SIGNED_IN
from functions.analytics.decision_schemas import DecisionList, DecisionView
from functions.analytics.replay_schemas import ReplayView, WhatIf, WhatIfView

router = Router()

_Placement = Annotated[Id | None, Query(description="Asked by this placement")]
_LineItem = Annotated[Id | None, Query(description="With this line item among the candidates")]
_Asked = Annotated[
    Id | None, Query(description="Answer for this line item in `asked`, however many there are")
]
_Session = Annotated[
    str | None,
    Query(pattern=r"^[0-9a-f]{16,128}$", description="`viewer.session_key` of another decision"),
]
_SessionId = Annotated[
    str | None,
    Query(min_length=1, max_length=500, description="`session_id` as requests name it"),
]
_Cursor = Annotated[
    str | None, Query(max_length=64, description="`next_cursor` of the page before")
]
_Before = Annotated[Moment | None, Query(description="Decided before this moment")]
_PageSize = Annotated[int, Query(ge=1, le=200)]


@router.get(
    "/api/v1/decisions",
    summary="List recent decisions",
    tags=["explanations"],
    security=SIGNED_IN,
)
def recent(  # noqa: PLR0913 - each is a query parameter
    *,
    caller: SignedIn,
    explaining: DecisionExplaining,
    placement_id: _Placement = None,
    line_item_id: _LineItem = None,
    session: _Session = None,
    session_id: _SessionId = None,
    before: _Before = None,
    cursor: _Cursor = None,
    limit: _PageSize = 50,
) -> DecisionList:
    """List decisions that are kept near, the newest first.

    A call looks at some 20,000 decisions of all organizations at most and says how far back that
    was (`looked_back_to`). While there is a `next_cursor` older ones may follow, even if `items` is empty.
    """
    wanted = DecisionFilter(
        caller.organization_id,
        placement_id=PlacementId(placement_id) if placement_id else None,
        line_item_id=LineItemId(line_item_id) if line_item_id else None,
        session_keys=frozenset({session}) if session else None,
        before=before,
    )
    found = explaining.recent(caller, wanted, session_id=session_id, limit=limit, cursor=cursor)
    return DecisionList.of(found)


@router.get(
    "/api/v1/decisions/<decision_id>",
    summary="Explain a decision",
    tags=["explanations"],
    security=SIGNED_IN,
)
def explain(
    decision_id: Id,
    caller: SignedIn,
    explaining: DecisionExplaining,
    line_item_id: _Asked = None,
) -> DecisionView:
    """Tell why each line item ran or did not: every one of the inventory has exactly one reason."""
    asked = LineItemId(line_item_id) if line_item_id else None
    return DecisionView.of(explaining.explain(caller, DecisionId(decision_id), asked))


@router.post(
    "/api/v1/decisions/<decision_id>/replay",
    summary="Make a decision again",
    tags=["explanations"],
    security=SIGNED_IN,
)
def replay(decision_id: Id, caller: SignedIn, explaining: DecisionExplaining) -> ReplayView:
    """Run the same code on the stored inventory and request; the answer is what was sent."""
    return ReplayView.of(explaining.replay(caller, DecisionId(decision_id)))


@router.post(
    "/api/v1/decisions/<decision_id>/what-if",
    summary="Suppose another request",
    tags=["explanations"],
    security=SIGNED_IN,
)
def what_if(
    decision_id: Id,
    body: Annotated[WhatIf, Body()],
    caller: SignedIn,
    explaining: DecisionExplaining,
) -> WhatIfView:
    """Tell what the request would have got with other values; nothing is spent or counted."""
    return WhatIfView.of(explaining.suppose(caller, DecisionId(decision_id), body.changes))
