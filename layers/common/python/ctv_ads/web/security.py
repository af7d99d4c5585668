"""Headers that every answer carries, and CORS for configured origins.

Standard library only: the decision plane imports it too.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

SECURITY_HEADERS: Mapping[str, str] = {
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    # Answers are data: nothing in them may run or load. A page among them has its own policy.
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
MACHINE_HEADERS: Mapping[str, str] = {
    "strict-transport-security": SECURITY_HEADERS["Strict-Transport-Security"],
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    # A player is a page of another origin, and may embed what it gets without asking (a pixel).
    "cross-origin-resource-policy": "cross-origin",
}
"""What every answer of the decision plane carries: players and stitchers read it, not browsers
that show pages. Merged into constants, so that it costs a decision nothing."""
_METHODS = "GET, POST, PUT, PATCH, DELETE"
_REQUEST_HEADERS = "authorization, content-type, idempotency-key, if-match"
_EXPOSED = "ETag, Idempotent-Replay, Location, RateLimit, RateLimit-Policy, Retry-After"
_PREFLIGHT_LIFETIME_S = 600


def secured(answer: dict[str, Any]) -> dict[str, Any]:
    """Add the security headers of the control plane that the answer has not set for itself."""
    headers = answer.setdefault("headers", {})
    present = {name.lower() for name in headers}
    for name, value in SECURITY_HEADERS.items():
        if name.lower() not in present:
            headers[name] = value
    return answer


def cors_headers(origin: str, allowed: Sequence[str]) -> dict[str, str]:
    """Return what lets a page of `origin` read the answer; nothing for others."""
    if not allowed:
        return {}
    # A cache must not give one origin's answer to another.
    vary = {"Vary": "Origin"}
    if origin not in allowed:
        return vary
    return vary | {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": _EXPOSED,
    }


def preflight(origin: str, allowed: Sequence[str]) -> dict[str, Any]:
    """Return the answer to a browser that asks what a page of `origin` may send."""
    headers = cors_headers(origin, allowed)
    if "Access-Control-Allow-Origin" in headers:
        headers |= {
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Allow-Headers": _REQUEST_HEADERS,
            "Access-Control-Max-Age": str(_PREFLIGHT_LIFETIME_S),
        }
    return {"statusCode": HTTPStatus.NO_CONTENT.value, "headers": headers}
