"""`/api/v1/members` and `/api/v1/invitations`."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from ctv_ads.bootstrap.access import PeopleManaging
from ctv_ads.bootstrap.control_plane import ONCE_PER_KEY, SignedIn
from ctv_ads.domain.ids import UserId
from ctv_ads.domain.people import InvitationId
from ctv_ads.use_cases.people import Position
from ctv_ads.web.account_fields import scope_of
from ctv_ads.web.fields import Id
from ctv_ads.web.resolver import SIGNED_IN
from functions.auth.schemas.people import (
    InvitationList,
    InvitationView,
    MemberChange,
    MemberList,
    MemberView,
    NewInvitation,
)

router = Router()


@router.get("/api/v1/members", summary="List people", tags=["people"], security=SIGNED_IN)
def members(caller: SignedIn, people: PeopleManaging) -> MemberList:
    """List everybody in your organization."""
    return MemberList(items=[MemberView.of(member) for member in people.members(caller)])


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
def change(user_id: Id, body: MemberChange, caller: SignedIn, people: PeopleManaging) -> MemberView:
    """Change what somebody may do, from their next request on."""
    changed = people.change(
        caller,
        UserId(user_id),
        role=body.role,
        scope=scope_of(body.advertiser_ids),
        keeps_scope="advertiser_ids" not in body.model_fields_set,
    )
    return MemberView.of(changed)


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
def remove(user_id: Id, caller: SignedIn, people: PeopleManaging) -> Response[None]:
    """Remove somebody, or leave. Their sessions and API keys end at once."""
    people.remove(caller, UserId(user_id))
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
def invitations(caller: SignedIn, people: PeopleManaging) -> InvitationList:
    """List the invitations that can still be accepted."""
    found = people.invitations(caller)
    return InvitationList(items=[InvitationView.of(invitation) for invitation in found])


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
