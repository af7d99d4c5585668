"""The cookie that holds a browser's refresh token.

It goes to the routes below `/api/v1/auth` alone, so no decision route ever sees it; that is why
it is called `__Secure-` and not `__Host-`, which would send it everywhere.
"""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.shared.cookies import Cookie, SameSite

_NAME = "ctv-refresh"
_PREFIX = "__Secure-"
_PATH = "/api/v1/auth"


def refresh_cookie(event: Mapping[str, Any], token: str, lifetime_s: int) -> Cookie:
    """Return the cookie that keeps a refresh token; an empty token takes it back."""
    # Browsers hold `Secure` cookies of http://localhost, but not all of them the prefix there.
    is_local = event["requestContext"]["domainName"].partition(":")[0] == "localhost"
    return Cookie(
        name=_NAME if is_local else _PREFIX + _NAME,
        value=token,
        path=_PATH,
        secure=True,
        http_only=True,
        same_site=SameSite.STRICT_MODE,
        max_age=lifetime_s,
    )


def sent_token(event: Mapping[str, Any]) -> str | None:
    """Return the refresh token that the browser has sent, or None."""
    for cookie in event.get("cookies") or ():
        name, _, value = cookie.partition("=")
        if name.removeprefix(_PREFIX) == _NAME:
            return value or None
    return None
