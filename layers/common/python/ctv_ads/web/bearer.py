"""The access token of a request."""

from collections.abc import Mapping

from ctv_ads.errors import UnauthenticatedError


def bearer_token(headers: Mapping[str, str]) -> str:
    """Return the token of `Authorization: Bearer …` (RFC 6750 §2.1).

    Raises:
        UnauthenticatedError: there is none.
    """
    value = headers.get("authorization") or headers.get("Authorization") or ""
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise UnauthenticatedError("an access token is needed: Authorization: Bearer <token>")
    return token.strip()
