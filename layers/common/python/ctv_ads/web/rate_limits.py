"""`RateLimit` headers (draft-ietf-httpapi-ratelimit-headers) and 429."""

from collections.abc import Mapping

from ctv_ads.errors import RateLimitedError
from ctv_ads.ports.access import Allowance
from ctv_ads.web.request_state import request_state


def apply(allowance: Allowance) -> None:
    """Tell the client what is left of a limit, and refuse if it is exceeded.

    Raises:
        RateLimitedError: it is.
    """
    headers = request_state().headers
    policy = f'"{allowance.policy}";q={allowance.limit};w={allowance.window_s}'
    left = f'"{allowance.policy}";r={allowance.remaining};t={allowance.resets_in_s}'
    for name, value in (("RateLimit-Policy", policy), ("RateLimit", left)):
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if allowance.is_exceeded:
        message = f"more than {allowance.limit} requests in {allowance.window_s} s"
        raise RateLimitedError(message, retry_after_s=max(allowance.resets_in_s, 1))


def client_address(headers: Mapping[str, str], source_ip: str) -> str:
    """Return the address of who asks, which CloudFront tells in a header of its own.

    Of an IPv6 address it is the /64, which one client owns whole.
    """
    viewer = headers.get("cloudfront-viewer-address", "")
    address = viewer.rpartition(":")[0] or source_ip
    if ":" in address:
        return ":".join(address.strip("[]").split(":")[:4])
    return address
