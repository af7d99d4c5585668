"""Who watches, and where: only as far as the sender is trusted and privacy allows.

Raw device ids, addresses and the part of a postal code that names a house end here.
"""

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any
from urllib.parse import unquote

from ctv_ads.domain.ad_request import Privacy, Viewer
from ctv_ads.domain.privacy.verdict import POSTAL_WITHOUT_CONSENT, privacy_of
from ctv_ads.ports.places import NOWHERE, Place
from ctv_ads.web.door import CLOUDFRONT_PROOF, Door
from ctv_ads.web.keys import device_key, household_key, session_key
from ctv_ads.web.viewer import VIEWER_ADDRESS
from functions.ad_request.user_agents import device_of
from functions.ad_request.values import Part, place_of

_MAPPED_IPV4 = bytes(10) + b"\xff\xff"
_MAX_FORWARDED = 20
CLOUDFRONT_PLACE = {
    "country": "cloudfront-viewer-country",
    "region": "cloudfront-viewer-country-region",
    "metro": "cloudfront-viewer-metro-code",
    "city": "cloudfront-viewer-city",
    "postal": "cloudfront-viewer-postal-code",
}

_PARTS_OF_DEVICE = 3
Parts = tuple[dict[str, Any], ...]
"""What was sent and is well-formed, by `Part` and by field."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The connection a request came by."""

    headers: Mapping[str, str]
    source_ip: str


@dataclass(frozen=True, slots=True)
class _Hop:
    """Who is behind the connection. `address` None: not known, and not guessed."""

    address: str | None
    is_relayed: bool
    """Whether somebody believed speaks for the viewer."""
    is_of_cloudfront: bool


def viewer_of(
    parts: Parts, caller: Caller, *, trusted: bool, scope: str, door: Door
) -> tuple[Viewer, Privacy]:
    """Return the viewer and what may be done with what is known of them.

    `scope` keeps the keys of one organization apart from all others'.
    """
    told = parts[Part.VIEWER]
    hop = _hop(told.get("ip"), caller, trusted=trusted, door=door)
    place = _place(parts[Part.PLACE], caller.headers, hop, trusted=trusted, door=door)
    ifa, session = told.get("ifa"), told.get("session_id")
    privacy = privacy_of(
        parts[Part.SIGNALS], country=place.get("country"), ifa=ifa, rules=door.privacy
    )
    if told.get("ifa_type") == "sessionid":
        session, ifa = session or ifa, None
    if "postal" in place and not privacy.may_use_household:
        place["postal"] = place["postal"][:POSTAL_WITHOUT_CONSENT]
    network = _network(hop.address) if privacy.may_use_household else None
    viewer = Viewer(
        session_key=session_key(door.key, scope, session) if session else None,
        device_key=device_key(door.key, scope, ifa) if ifa and privacy.may_use_device_id else None,
        household_key=household_key(door.key, scope, network) if network else None,
        segments=told.get("segments", ()) if privacy.may_personalize else (),
        **place,
        **_device(parts[Part.DEVICE], told.get("ua"), caller.headers, hop),
    )
    return viewer, privacy


def _hop(named: str | None, caller: Caller, *, trusted: bool, door: Door) -> _Hop:
    headers, peer = caller.headers, caller.source_ip
    is_of_cloudfront = _is_of_cloudfront(headers, door)
    connected: str | None = peer
    if is_of_cloudfront:
        connected = headers.get(VIEWER_ADDRESS)
    elif "x-amz-cf-id" in headers:
        # Some distribution's address, if true: many homes behind one. If false, they lose theirs.
        connected = None
    if not trusted and not _is_trusted_proxy(connected, door):
        return _Hop(connected, is_relayed=False, is_of_cloudfront=is_of_cloudfront)
    address = (
        _bare(named)
        or _bare(headers.get("x-device-ip"))
        or _forwarded(headers, {peer, connected}, door)
    )
    return _Hop(address, is_relayed=True, is_of_cloudfront=is_of_cloudfront)


def _is_of_cloudfront(headers: Mapping[str, str], door: Door) -> bool:
    proof = headers.get(CLOUDFRONT_PROOF)
    return (
        door.cloudfront_proof is not None
        and proof is not None
        and compare_digest(proof.encode(errors="replace"), door.cloudfront_proof.encode())
    )


def _is_trusted_proxy(address: str | None, door: Door) -> bool:
    if not door.trusted_proxies or address is None:
        return False
    try:
        parsed_address = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed_address in network for network in door.trusted_proxies)


def _forwarded(headers: Mapping[str, str], passed: set[str | None], door: Door) -> str | None:
    """Return the nearest address of X-Forwarded-For that is no hop of ours.

    Every hop adds who called it at the right; what is further left anybody may have written.
    """
    chain = headers.get("x-forwarded-for", "").split(",")[-_MAX_FORWARDED:]
    for text in reversed(chain):
        address = _bare(text)
        if address is None:
            return None
        if address not in passed and not _is_trusted_proxy(address, door):
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
    return address if _packed(address) else None


def _packed(address: str) -> bytes | None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        raw = socket.inet_pton(family, address)
    except (OSError, ValueError):  # no address, or not even ASCII
        return None
    return raw[12:] if raw[:12] == _MAPPED_IPV4 else raw


def _network(address: str | None) -> bytes | None:
    """Return what stands for a household: an IPv4 address, or the /64 of an IPv6 one."""
    packed = _packed(address) if address else None
    return packed[:8] if packed else None


def _place(
    told: dict[str, Any], headers: Mapping[str, str], hop: _Hop, *, trusted: bool, door: Door
) -> dict[str, Any]:
    """Return fields of `Viewer`: of a trusted caller's parameters, CloudFront or the database."""
    if told:
        return _with_country(told)
    if not trusted and not hop.is_relayed and hop.is_of_cloudfront:
        # Of somebody's proxy CloudFront would tell where the proxy stands.
        return _with_country(_place_of_cloudfront(headers))
    if door.places is not None and hop.address is not None:
        return _fields(door.places.place_of(hop.address))
    return {}


def _place_of_cloudfront(headers: Mapping[str, str]) -> dict[str, Any]:
    sent = {name: headers.get(header) for name, header in CLOUDFRONT_PLACE.items()}
    return place_of({name: unquote(text) for name, text in sent.items() if text})


def _with_country(place: dict[str, Any]) -> dict[str, Any]:
    """Complete the region to ISO 3166-2, and take the country from it where none is named."""
    region: str | None = place.get("region")
    if region is None:
        return place
    if "-" in region:
        place.setdefault("country", region[:2])
    elif "country" in place:
        place["region"] = f"{place['country']}-{region}"
    else:
        del place["region"]
    return place


def _fields(place: Place) -> dict[str, Any]:
    """Return what a database told as fields, in the same form as what is sent."""
    if place is NOWHERE:
        return {}
    known = {name: getattr(place, name) for name in CLOUDFRONT_PLACE}
    return _with_country(place_of({name: text for name, text in known.items() if text}))


def _device(
    told: dict[str, str], user_agent: str | None, headers: Mapping[str, str], hop: _Hop
) -> dict[str, str]:
    if len(told) == _PARTS_OF_DEVICE:
        return told
    if user_agent is None and hop.is_relayed:
        user_agent = headers.get("x-device-user-agent")
    device = device_of(user_agent or headers.get("user-agent", ""))
    return device | told if told else device
