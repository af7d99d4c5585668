"""Who is behind a connection, as far as those who say so are believed."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from ipaddress import IPv4Network, IPv6Network

from ctv_ads.domain.addresses import packed_address, unmapped
from ctv_ads.web.viewer import VIEWER_ADDRESS

CLOUDFRONT_PROOF = "x-cloudfront-proof"
"""Header that our distribution adds, with a secret: without it, headers of CloudFront are talk."""
_MAX_FORWARDED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Believed:
    """Whose word about viewers counts."""

    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks whose X-Device-IP, X-Device-User-Agent and X-Forwarded-For are believed."""
    cloudfront_proof: str | None = field(default=None, repr=False)
    """None: nothing is believed that says it comes from CloudFront."""


@dataclass(frozen=True, slots=True)
class Hop:
    """Who is behind the connection. `address` None: not known, and not guessed."""

    address: str | None
    is_relayed: bool
    """Whether somebody believed speaks for the viewer."""
    is_of_cloudfront: bool


def hop_of(
    headers: Mapping[str, str],
    source_ip: str,
    believed: Believed,
    *,
    named: str | None = None,
    trusted: bool = False,
) -> Hop:
    """Return who is behind a connection.

    A `trusted` caller is believed as a trusted proxy is, and first of all the address `named`.
    """
    peer = unmapped(source_ip)
    is_of_cloudfront = _is_of_cloudfront(headers, believed)
    connected: str | None = peer
    if is_of_cloudfront:
        connected = unmapped(headers.get(VIEWER_ADDRESS, "")) or None
    elif "x-amz-cf-id" in headers:
        # Some distribution's address, if true: many homes behind one. If false, they lose theirs.
        connected = None
    if not trusted and not _is_trusted_proxy(connected, believed):
        return Hop(connected, is_relayed=False, is_of_cloudfront=is_of_cloudfront)
    address = (
        _bare(named)
        or _bare(headers.get("x-device-ip"))
        or _forwarded(headers, {peer, connected}, believed)
    )
    return Hop(address, is_relayed=True, is_of_cloudfront=is_of_cloudfront)


def _is_of_cloudfront(headers: Mapping[str, str], believed: Believed) -> bool:
    proof = headers.get(CLOUDFRONT_PROOF)
    return (
        believed.cloudfront_proof is not None
        and proof is not None
        and compare_digest(proof.encode(errors="replace"), believed.cloudfront_proof.encode())
    )


def _is_trusted_proxy(address: str | None, believed: Believed) -> bool:
    if not believed.trusted_proxies or address is None:
        return False
    try:
        parsed_address = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed_address in network for network in believed.trusted_proxies)


def _forwarded(
    headers: Mapping[str, str], passed: set[str | None], believed: Believed
) -> str | None:
    """Return the nearest address of X-Forwarded-For that is no hop of ours.

    Every hop adds who called it at the right; what is further left anybody may have written.
    """
    chain = headers.get("x-forwarded-for", "").split(",")[-_MAX_FORWARDED:]
    for text in reversed(chain):
        address = _bare(text)
        if address is None:
            return None
        if address not in passed and not _is_trusted_proxy(address, believed):
            return address
    return None


def _bare(text: str | None) -> str | None:
    """Return an address without port and brackets, None for what is none."""
    if not text:
        return None
    address = text.strip()
    if address.startswith("["):
        address = address[1:].partition("]")[0]
    elif address.count(":") == 1:
        address = address.partition(":")[0]
    return unmapped(address) if packed_address(address) else None
