"""`/api/v1/auth`: sign in, stay signed in, sign out."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Request, Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from ctv_ads.bootstrap.access import SessionKeeping, WithinLimit
from ctv_ads.bootstrap.control_plane import Tokens, signed_in
from ctv_ads.domain.ids import OrganizationId
from ctv_ads.errors import InvalidRequestError, UnauthenticatedError
from functions.auth.answers import client_of, event_of, session_cookie, signed_in_view
from functions.auth.cookies import refresh_cookie, sent_token
from functions.auth.schemas.sessions import Credentials, RefreshBody, SignedInView

router = Router()

_Token = Annotated[RefreshBody | None, Body()]
_SIGNED_IN: dict[int, OpenAPIResponse] = {
    200: {
        "description": "An access token; the refresh token is also in an HttpOnly cookie",
    }
}


@router.post(
    "/api/v1/auth/login", summary="Sign in", tags=["auth"], responses=_SIGNED_IN, security=[]
)
def login(
    body: Credentials,
    request: Request,
    sessions: SessionKeeping,
    tokens: Tokens,
    _: WithinLimit,
) -> Response[SignedInView]:
    """Exchange email and password for an access token and a refresh token."""
    opened = sessions.sign_in(
        email=body.email,
        password=body.password,
        organization_id=OrganizationId(body.organization_id) if body.organization_id else None,
        client=client_of(request),
    )
    return Response(
        HTTPStatus.OK,
        "application/json",
        signed_in_view(tokens, opened),
        cookies=[session_cookie(request, opened)],
    )


@router.post(
    "/api/v1/auth/refresh",
    summary="Stay signed in",
    tags=["auth"],
    responses=_SIGNED_IN,
    security=[],
)
def refresh(
    request: Request,
    sessions: SessionKeeping,
    tokens: Tokens,
    _: WithinLimit,
    body: _Token = None,
) -> Response[SignedInView]:
    """Exchange a refresh token, from the cookie or the body, for a new one and an access token.

    Each works once. One that comes again tells that somebody has a copy, and ends the session.
    The new one comes back the way the old one came: scripts of a page never see the cookie's.
    """
    in_body = body.refresh_token if body else None
    token = in_body or sent_token(event_of(request))
    if token is None:
        raise UnauthenticatedError("a refresh token is needed, as cookie or in the body")
    renewed = sessions.refresh(token, client_of(request))
    return Response(
        HTTPStatus.OK,
        "application/json",
        signed_in_view(tokens, renewed, with_refresh_token=in_body is not None),
        cookies=[] if in_body else [session_cookie(request, renewed)],
    )


@router.post(
    "/api/v1/auth/logout",
    summary="Sign out",
    tags=["auth"],
    status_code=HTTPStatus.NO_CONTENT,
    responses={204: {"description": "Neither access nor refresh tokens of the session work"}},
    security=[],
)
def logout(
    request: Request, sessions: SessionKeeping, _: WithinLimit, body: _Token = None
) -> Response[None]:
    """End the session of the access token, or else of the refresh token."""
    if body is None and request.body:
        raise InvalidRequestError("the body must be a JSON object")
    token = (body.refresh_token if body else None) or sent_token(event_of(request))
    if "authorization" in request.headers:
        sessions.end(signed_in(request))
    elif token is not None:
        sessions.end_by_token(token, client_of(request))
    else:
        raise UnauthenticatedError("an access token or a refresh token is needed")
    return Response(HTTPStatus.NO_CONTENT, cookies=[refresh_cookie(event_of(request), "", 0)])
