"""How tokens go out."""

from typing import Any

from aws_lambda_powertools.event_handler import Request
from aws_lambda_powertools.shared.cookies import Cookie

from ctv_ads.adapters.access_tokens import AccessTokens
from ctv_ads.domain.session import OpenSession
from ctv_ads.use_cases.sessions import Client
from functions.auth.cookies import refresh_cookie
from functions.auth.schemas.sessions import SignedInView


def signed_in_view(
    tokens: AccessTokens, opened: OpenSession, *, with_refresh_token: bool = True
) -> SignedInView:
    """Return the tokens of an open session."""
    return SignedInView.of(
        opened,
        access_token=tokens.issue(opened.account, opened.session_id),
        expires_in=int(tokens.lifetime.total_seconds()),
        refresh_token=opened.refresh_token if with_refresh_token else None,
    )


def session_cookie(request: Request, opened: OpenSession) -> Cookie:
    """Return the cookie that keeps a session's refresh token."""
    return refresh_cookie(event_of(request), opened.refresh_token, opened.lifetime_s)


def client_of(request: Request) -> Client:
    """Return what is kept of the client."""
    request_id = event_of(request)["requestContext"]["requestId"]
    return Client(request_id, request.headers.get("user-agent", ""))


def event_of(request: Request) -> dict[str, Any]:
    """Return the event as API Gateway sent it."""
    event: dict[str, Any] = request.resolved_event.raw_event
    return event
