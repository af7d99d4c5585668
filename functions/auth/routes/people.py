"""`/api/v1/members` and `/api/v1/invitations`."""

from functools import partial
from http import HTTPStatus
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query

from ctv_ads.adapters.postgres.listing import contains
from ctv_ads.bootstrap.access import PeopleManaging
from ctv_ads.bootstrap.control_plane import ONCE_PER_KEY, SignedIn
from ctv_ads.domain.ids import UserId
from ctv_ads.domain.people import InvitationId
from ctv_ads.use_cases.people import Position
from ctv_ads.web.account_fields import scope_of
from ctv_ads.web.etags import IfMatch, check_version, with_etag
from ctv_ads.web.fields import Id
from ctv_ads.web.lists import PageCursor, PageSize, Search, list_query
from ctv_ads.web.resolver import SIGNED_IN
from functions.auth.schemas.people import (
    InvitationPage,
    InvitationView,
    MemberChange,
    MemberPage,
    MemberView,
    NewInvitation,
)

router = Router()


_By = "With `-` before it, the greatest first"
_MemberSort = Annotated[
    Literal["joined_at", "-joined_at", "email", "-email"], Query(description=_By)
]
_InvitationSort = Annotated[
    Literal["created_at", "-created_at", "email", "-email"], Query(description=_By)
]


@router.get("/api/v1/members", summary="List people", tags=["people"], security=SIGNED_IN)
def members(
    caller: SignedIn,
    people: PeopleManaging,
    q: Search = None,
    sort: _MemberSort = "joined_at",
    limit: PageSize = 50,
    cursor: PageCursor = None,
) -> MemberPage:
    """List the people of your organization, in the order in which they joined."""
    query = list_query(limit=limit, sort=sort, cursor=cursor, q=contains(q) if q else None)
    return MemberPage.of(people.members(caller, query))


@router.get(
    "/api/v1/members/<user_id>", summary="Read a person", tags=["people"], security=SIGNED_IN
)
def member(user_id: Id, caller: SignedIn, people: PeopleManaging) -> Response[MemberView]:
    """Return one person of your organization."""
    found = people.member(caller, UserId(user_id))
    return with_etag(MemberView.of(found), found.version)


@router.patch(
    "/api/v1/members/<user_id>",
    summary="Change a person's role",
    tags=["people"],
    security=SIGNED_IN,
    responses={
        200: {"description": "The member as it is now"},
        409: {"description": "Nobody would be left as owner"},
    },
)
def change(
    user_id: Id,
    body: MemberChange,
    caller: SignedIn,
    people: PeopleManaging,
    if_match: IfMatch = None,
) -> Response[MemberView]:
    """Change what somebody may do, from their next request on."""
    changed = people.change(
        caller,
        UserId(user_id),
        role=body.role,
        scope=scope_of(body.advertiser_ids),
        keeps_scope="advertiser_ids" not in body.model_fields_set,
        check=partial(check_version, if_match),
    )
    return with_etag(MemberView.of(changed), changed.version)


@router.delete(
    "/api/v1/members/<user_id>",
    summary="Remove a person",
    tags=["people"],
    security=SIGNED_IN,
    status_code=HTTPStatus.NO_CONTENT,
    responses={
        204: {"description": "They no longer belong to your organization"},
        409: {"description": "Nobody would be left as owner"},
    },
)
def remove(
    user_id: Id, caller: SignedIn, people: PeopleManaging, if_match: IfMatch = None
) -> Response[None]:
    """Remove somebody, or leave. Their sessions and API keys end at once."""
    people.remove(caller, UserId(user_id), partial(check_version, if_match))
    return Response(HTTPStatus.NO_CONTENT)


@router.post(
    "/api/v1/invitations",
    summary="Invite somebody",
    tags=["people"],
    security=SIGNED_IN,
    middlewares=ONCE_PER_KEY,
    status_code=HTTPStatus.CREATED,
    responses={
        201: {"description": "A mail with the token is on its way"},
        409: {"description": "They belong to your organization already"},
    },
)
def invite(body: NewInvitation, caller: SignedIn, people: PeopleManaging) -> InvitationView:
    """Send an invitation by email; an earlier one to the same address is replaced."""
    position = Position(body.role, scope_of(body.advertiser_ids))
    return InvitationView.of(people.invite(caller, body.email, position))


@router.get("/api/v1/invitations", summary="List invitations", tags=["people"], security=SIGNED_IN)
def invitations(
    caller: SignedIn,
    people: PeopleManaging,
    sort: _InvitationSort = "-created_at",
    limit: PageSize = 50,
    cursor: PageCursor = None,
) -> InvitationPage:
    """List the invitations that can still be accepted, newest first unless asked otherwise."""
    query = list_query(limit=limit, sort=sort, cursor=cursor)
    return InvitationPage.of(people.invitations(caller, query))


@router.delete(
    "/api/v1/invitations/<invitation_id>",
    summary="Withdraw an invitation",
    tags=["people"],
    security=SIGNED_IN,
    status_code=HTTPStatus.NO_CONTENT,
    responses={204: {"description": "Its token is worth nothing now"}},
)
def withdraw(invitation_id: Id, caller: SignedIn, people: PeopleManaging) -> Response[None]:
    """Take an invitation back."""
    people.withdraw(caller, InvitationId(invitation_id))
    return Response(HTTPStatus.NO_CONTENT)
