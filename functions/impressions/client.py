"""What may be kept of the caller: a truncated network and a class of user agent."""

import ipaddress
from collections.abc import Mapping

from ctv_ads.domain.addresses import unmapped
from ctv_ads.use_cases.collect_beacon import Caller
from ctv_ads.web.hops import Believed, hop_of

_PREFIX_BY_VERSION = {4: 24, 6: 48}
_CLASSES = (
    ("roku", "roku"),
    ("mediatailor", "stitcher"),
    ("aftt", "fire_tv"),
    ("afts", "fire_tv"),
    ("aftm", "fire_tv"),
    ("appletv", "apple_tv"),
    ("tizen", "samsung_tv"),
    ("web0s", "lg_tv"),
    ("webos", "lg_tv"),
    ("crkey", "chromecast"),
    ("googletv", "google_tv"),
    ("android tv", "google_tv"),
    ("bot", "bot"),
    ("crawl", "bot"),
    ("spider", "bot"),
    ("curl/", "tool"),
    ("python", "tool"),
    ("mozilla/", "browser"),
)


def client_network(address: str) -> str | None:
    """Return the caller's network, /24 or /48: no more of an address is ever stored."""
    try:
        parsed = ipaddress.ip_address(unmapped(address))
    except ValueError:
        return None
    prefix = _PREFIX_BY_VERSION[parsed.version]
    return str(ipaddress.ip_network(f"{parsed}/{prefix}", strict=False))


def user_agent_class(user_agent: str) -> str:
    """Return the kind of client that a user agent string tells of."""
    lowered = user_agent.lower()
    return next((kind for sign, kind in _CLASSES if sign in lowered), "other")


def caller_of(headers: Mapping[str, str], source_ip: str, believed: Believed) -> Caller:
    """Return the viewer's device behind a call, by whose address and agent the call is judged.

    A stitcher that calls on a device's behalf names it in X-Device-IP and X-Device-User-Agent
    (VAST 4.2 §1.1.3), or forwards its address and agent. Only who is believed speaks for others:
    else whoever calls from a data centre would name a home. What is believed to be relayed, but
    for nobody who is named, has no address; its stitcher's would be everybody's.
    """
    hop = hop_of(headers, source_ip, believed)
    user_agent = headers.get("user-agent", "")
    if hop.is_relayed:
        user_agent = headers.get("x-device-user-agent") or user_agent
        address = hop.address or ""
    else:
        # Also of who only says that CloudFront stands between.
        address = hop.address or unmapped(source_ip)
    return Caller(address, user_agent, client_network(address), user_agent_class(user_agent))
