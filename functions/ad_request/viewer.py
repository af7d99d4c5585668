"""Who watches, and where: only as far as the sender is trusted and privacy allows.

Raw device ids, addresses and the part of a postal code that names a house end here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from socket import AF_INET, AF_INET6, inet_ntop
from typing import Any, Protocol
from urllib.parse import unquote

from ctv_ads.domain.ad_request import Privacy, Viewer
from ctv_ads.domain.addresses import packed_address
from ctv_ads.domain.privacy.verdict import POSTAL_WITHOUT_CONSENT, privacy_of
from ctv_ads.ports.places import NOWHERE, Place, Places
from ctv_ads.web.door import Door
from ctv_ads.web.hops import Hop, hop_of
from ctv_ads.web.keys import device_key, household_key, session_key
from functions.ad_request.user_agents import device_of
from functions.ad_request.values import Part, place_of

_KEPT_OF_A_PLACE = ("country", "region")
_BYTES_OF_IPV4 = 4
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
_Place = dict[str, Any]
"""Fields of `Viewer`."""


class _Judge(Protocol):
    """Tells what the request's signals allow to a viewer of that country."""

    def __call__(self, *, country: str | None) -> Privacy: ...


@dataclass(frozen=True, slots=True)
class Caller:
    """The connection a request came by."""

    headers: Mapping[str, str]
    source_ip: str


def viewer_of(
    parts: Parts, caller: Caller, *, trusted: bool, scope: str, door: Door
) -> tuple[Viewer, Privacy]:
    """Return the viewer and what may be done with what is known of them.

    `scope` keeps the keys of one organization apart from all others'.
    """
    told = parts[Part.VIEWER]
    hop = hop_of(caller.headers, caller.source_ip, door, named=told.get("ip"), trusted=trusted)
    ifa, session = told.get("ifa"), told.get("session_id")
    judge = partial(privacy_of, parts[Part.SIGNALS], ifa=ifa, rules=door.privacy)
    if parts[Part.PLACE]:
        place, privacy = _place_as_named(parts[Part.PLACE], judge)
    elif not trusted and not hop.is_relayed and hop.is_of_cloudfront:
        # Of somebody's proxy CloudFront would tell where the proxy stands.
        place, privacy = _place_by_cloudfront(caller.headers, judge)
    else:
        place, privacy = _place_by_address(hop.address, door.places, judge)
    if told.get("ifa_type") == "sessionid":
        session, ifa = session or ifa, None
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


def _network(address: str | None) -> bytes | None:
    """Return what stands for a household: an IPv4 address, or the /64 of an IPv6 one."""
    packed = packed_address(address) if address else None
    return packed[:8] if packed else None


def _place_as_named(told: _Place, judge: _Judge) -> tuple[_Place, Privacy]:
    """Return the place that a trusted caller named: how exactly is the caller's to answer for."""
    place = _with_country(told)
    privacy = judge(country=place.get("country"))
    if "postal" in place and not privacy.may_use_household:
        place["postal"] = place["postal"][:POSTAL_WITHOUT_CONSENT]
    return place, privacy


def _place_by_cloudfront(headers: Mapping[str, str], judge: _Judge) -> tuple[_Place, Privacy]:
    sent = {name: headers.get(header) for name, header in CLOUDFRONT_PLACE.items()}
    place = _with_country(place_of({name: unquote(text) for name, text in sent.items() if text}))
    privacy = judge(country=place.get("country"))
    return place if privacy.may_use_household else _coarse(place), privacy


def _place_by_address(
    address: str | None, places: Places | None, judge: _Judge
) -> tuple[_Place, Privacy]:
    """Return where the database finds the network; the address itself only if it may be used.

    A refusal may follow from the country alone, so the network is looked up first.
    """
    packed = packed_address(address) if places is not None and address else None
    if places is None or address is None or packed is None:
        return {}, judge(country=None)
    rough = _fields(places.place_of(_network_of(packed)))
    country = rough.get("country")
    privacy = judge(country=country)
    if privacy.may_use_household:
        exact = _fields(places.place_of(address))
        if exact.get("country") != country:
            privacy = judge(country=exact.get("country"))
        if privacy.may_use_household:
            return exact, privacy
    return _coarse(rough), privacy


def _network_of(packed: bytes) -> str:
    """Return the first address of its /24 or /48, as beacons keep it of a caller."""
    if len(packed) == _BYTES_OF_IPV4:
        return inet_ntop(AF_INET, packed[:3] + bytes(1))
    return inet_ntop(AF_INET6, packed[:6] + bytes(10))


def _coarse(place: _Place) -> _Place:
    """Return what is kept of a place that nobody named, of a viewer who refused."""
    return {name: place[name] for name in _KEPT_OF_A_PLACE if name in place}


def _with_country(place: _Place) -> _Place:
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


def _fields(place: Place) -> _Place:
    """Return what a database told as fields, in the same form as what is sent."""
    if place is NOWHERE:
        return {}
    known = {name: getattr(place, name) for name in CLOUDFRONT_PLACE}
    return _with_country(place_of({name: text for name, text in known.items() if text}))


def _device(
    told: dict[str, str], user_agent: str | None, headers: Mapping[str, str], hop: Hop
) -> dict[str, str]:
    if len(told) == _PARTS_OF_DEVICE:
        return told
    if user_agent is None and hop.is_relayed:
        user_agent = headers.get("x-device-user-agent")
    device = device_of(user_agent or headers.get("user-agent", ""))
    return device | told if told else device
