"""`RateLimit` headers (draft-ietf-httpapi-ratelimit-headers) and 429."""

import ipaddress
from collections.abc import Mapping
from hmac import compare_digest

from ctv_ads.domain.addresses import unmapped
from ctv_ads.errors import RateLimitedError
from ctv_ads.ports.access import Allowance
from ctv_ads.web.hops import CLOUDFRONT_PROOF
from ctv_ads.web.request_state import request_state
from ctv_ads.web.viewer import viewer_address


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


def client_address(headers: Mapping[str, str], source_ip: str, *, proof: str | None) -> str:
    """Return the address of who asks: CloudFront tells it, if `proof` shows that it is CloudFront.

    Without proof it is the connection's: else whoever calls the API's own address names another
    address each time, and no limit holds. Of an IPv6 address it is the /64, which one client owns
    whole.
    """
    shown = headers.get(CLOUDFRONT_PROOF, "").encode(errors="replace")
    is_of_cloudfront = proof is not None and compare_digest(shown, proof.encode())
    address = viewer_address(headers, source_ip) if is_of_cloudfront else unmapped(source_ip)
    if ":" in address:
        return str(ipaddress.ip_network(f"{address.partition('%')[0]}/64", strict=False))
    return address
