"""`/api/v1/auth`: register, change password, reset it, verify an address."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import Request, Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from ctv_ads.bootstrap.access import Accounts, Registering, SessionKeeping, WithinLimit
from ctv_ads.bootstrap.control_plane import SignedIn, Tokens
from ctv_ads.use_cases.registration import Registration
from ctv_ads.web.resolver import SIGNED_IN
from functions.auth.answers import client_of, session_cookie, signed_in_view
from functions.auth.schemas.accounts import (
    EmailVerification,
    NewAccount,
    PasswordChange,
    PasswordReset,
    RegisteredView,
    ResetRequest,
)

router = Router()


@router.post(
    "/api/v1/auth/register",
    summary="Register",
    tags=["auth"],
    status_code=HTTPStatus.CREATED,
    responses={
        201: {"description": "The new account, signed in"},
        409: {"description": "Somebody has registered with this address"},
    },
    security=[],
)
def register(
    body: NewAccount,
    request: Request,
    registering: Registering,
    accounts: Accounts,
    sessions: SessionKeeping,
    tokens: Tokens,
    _: WithinLimit,
) -> Response[RegisteredView]:
    """Found an organization and be its owner, or join one by the token of an invitation."""
    client = client_of(request)
    who = Registration(
        email=body.email, password=body.password, name=body.name, request_id=client.request_id
    )
    if body.invitation_token is not None:
        account = registering.join(who, invitation_token=body.invitation_token)
    else:
        account = registering.found(who, organization_name=body.organization_name or "")
    if not account.email_verified:
        accounts.ask_for_verification(account, request_id=client.request_id)
    if accounts.verification_is_required and not account.email_verified:
        return Response(HTTPStatus.CREATED, "application/json", RegisteredView.unverified(account))
    opened = sessions.open(account, client)
    session = signed_in_view(tokens, opened)
    return Response(
        HTTPStatus.CREATED,
        "application/json",
        RegisteredView(user=session.user, session=session),
        cookies=[session_cookie(request, opened)],
    )


@router.put(
    "/api/v1/auth/password",
    summary="Change your password",
    tags=["auth"],
    status_code=HTTPStatus.NO_CONTENT,
    responses={204: {"description": "Changed; your other sessions have ended"}},
    security=SIGNED_IN,
)
def change_password(
    body: PasswordChange, caller: SignedIn, accounts: Accounts, _: WithinLimit
) -> Response[None]:
    """Change the password; needs the present one. Every other session ends."""
    accounts.change_password(caller, current=body.current_password, new=body.new_password)
    return Response(HTTPStatus.NO_CONTENT)


@router.post(
    "/api/v1/auth/password-reset",
    summary="Ask for a new password",
    tags=["auth"],
    status_code=HTTPStatus.ACCEPTED,
    responses={202: {"description": "If somebody has this address, a mail is on its way"}},
    security=[],
)
def ask_for_reset(
    body: ResetRequest, request: Request, accounts: Accounts, _: WithinLimit
) -> Response[None]:
    """Send a token by email. The answer is the same whether the address is known or not."""
    accounts.ask_for_reset(body.email, request_id=client_of(request).request_id)
    return Response(HTTPStatus.ACCEPTED)


@router.post(
    "/api/v1/auth/password-reset/confirm",
    summary="Set a new password by an emailed token",
    tags=["auth"],
    status_code=HTTPStatus.NO_CONTENT,
    responses={204: {"description": "Set; all your sessions have ended"}},
    security=[],
)
def reset_password(
    body: PasswordReset, request: Request, accounts: Accounts, _: WithinLimit
) -> Response[None]:
    """Set a password by the token of a mail; the token works once, for an hour."""
    request_id = client_of(request).request_id
    accounts.reset_password(body.token, body.new_password, request_id=request_id)
    return Response(HTTPStatus.NO_CONTENT)


@router.post(
    "/api/v1/auth/email-verification",
    summary="Show that an address is yours",
    tags=["auth"],
    status_code=HTTPStatus.NO_CONTENT,
    responses={204: {"description": "The address is verified"}},
    security=[],
)
def verify_email(
    body: EmailVerification, request: Request, accounts: Accounts, _: WithinLimit
) -> Response[None]:
    """Take the token of a mail."""
    accounts.verify_email(body.token, request_id=client_of(request).request_id)
    return Response(HTTPStatus.NO_CONTENT)
