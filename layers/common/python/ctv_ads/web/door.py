"""What the operator believes and decides about ad requests, before any of them is read."""

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from ctv_ads.domain.privacy.verdict import PrivacyRules
from ctv_ads.ports.places import Places

CLOUDFRONT_PROOF = "x-cloudfront-proof"
"""Header that our distribution adds, with a secret: without it, headers of CloudFront are talk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """How viewers are told apart, and whose word counts.

    `key` (16 to 64 bytes) makes the hashes of device ids, addresses and sessions; without it
    nobody can go back from them.
    """

    key: bytes = field(repr=False)
    privacy: PrivacyRules = field(default_factory=PrivacyRules)
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks whose X-Device-IP, X-Device-User-Agent and X-Forwarded-For are believed."""
    cloudfront_proof: str | None = field(default=None, repr=False)
    """None: nothing is believed that says it comes from CloudFront."""
    places: Places | None = None
