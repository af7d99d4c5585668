"""Whose word counts: nobody chooses an address, a place or a device for others."""

from ipaddress import ip_network
from typing import Any

import pytest

from ctv_ads.domain.ad_request import AdRequest
from ctv_ads.ports.places import NOWHERE, Place
from ctv_ads.web.door import Door
from ctv_ads.web.hops import CLOUDFRONT_PROOF
from functions.ad_request.query import ad_request_of, asked_by
from tests.functions.recorded import api_event

PROOF = "p" * 32
PEER, PROXY, VIEWER, OTHER = "203.0.113.77", "10.1.2.3", "198.51.100.7", "192.0.2.200"
PLACES = {VIEWER: Place("US", "US-CA", "501", "Los Angeles", "90210"), OTHER: Place("JP")}
CLOUDFRONT = {
    "cloudfront-viewer-country": "US",
    "cloudfront-viewer-country-region": "NY",
    "cloudfront-viewer-metro-code": "501",
    "cloudfront-viewer-city": "S%C3%A3o%20Paulo",
    "cloudfront-viewer-postal-code": "10001-0001",
    "x-viewer-address": VIEWER,
    "x-amz-cf-id": "abc",
}


class KnownPlaces:
    """A database that knows some addresses, and their networks roughly or falsely."""

    def __init__(self, networks: dict[str, Place] | None = None) -> None:
        self.known = PLACES | (networks or {})
        self.asked: list[str] = []

    def place_of(self, address: str) -> Place:
        self.asked.append(address)
        return self.known.get(address, NOWHERE)


def a_door(**changes: Any) -> Door:
    given: dict[str, Any] = {
        "key": b"k" * 32,
        "trusted_proxies": (ip_network("10.0.0.0/8"), ip_network("fd00::/8")),
        "cloudfront_proof": PROOF,
        "places": KnownPlaces(),
    }
    return Door(**given | changes)


def request_of(
    query: str = "",
    headers: dict[str, str] | None = None,
    *,
    peer: str = PEER,
    trusted: bool = False,
    scope: str = "o",
    door: Door | None = None,
) -> AdRequest:
    sent = {"x-forwarded-for": peer, **(headers or {})}
    event = api_event("GET", f"/api/v1/vast?placement=demo{query}", headers=sent)
    event["requestContext"]["http"]["sourceIp"] = peer
    return ad_request_of(asked_by(event), trusted=trusted, scope=scope, door=door or a_door())


def household_of(address: str, **changes: Any) -> str:
    key = request_of(peer=address, **changes).viewer.household_key
    assert key is not None
    return key


def test_a_device_is_where_it_calls_from() -> None:
    viewer = request_of(peer=VIEWER).viewer
    assert viewer.household_key == household_of(VIEWER)
    assert (viewer.country, viewer.region, viewer.metro) == ("US", "US-CA", "501")
    assert (viewer.city, viewer.postal) == ("Los Angeles", "90210")


@pytest.mark.parametrize(
    "headers",
    [
        {"x-device-ip": VIEWER},
        {"x-forwarded-for": f"{VIEWER}, {PEER}"},
        {"x-forwarded-for": f"{VIEWER}, 10.0.0.1, {PEER}"},
        {"x-real-ip": VIEWER, "true-client-ip": VIEWER, "forwarded": f"for={VIEWER}"},
        {CLOUDFRONT_PROOF: "guess", "x-viewer-address": VIEWER},
        {CLOUDFRONT_PROOF: "", **CLOUDFRONT, "x-amz-cf-id": ""},
        {CLOUDFRONT_PROOF: "ü" * 32},
    ],
    ids=str,
)
def test_a_device_cannot_speak_for_another(headers: dict[str, str]) -> None:
    viewer = request_of(headers=headers).viewer
    assert viewer.household_key in {household_of(PEER), None}
    assert viewer.country is None


def test_who_says_it_is_cloudfront_without_proof_has_no_address_and_no_place() -> None:
    viewer = request_of(headers=CLOUDFRONT).viewer
    assert (viewer.household_key, viewer.country, viewer.city) == (None, None, None)


def test_without_a_setting_no_proof_is_one() -> None:
    headers = {**CLOUDFRONT, CLOUDFRONT_PROOF: "None"}
    viewer = request_of(headers=headers, door=a_door(cloudfront_proof=None)).viewer
    assert (viewer.household_key, viewer.country) == (None, None)


def test_cloudfront_with_proof_tells_address_and_place() -> None:
    viewer = request_of(headers={**CLOUDFRONT, CLOUDFRONT_PROOF: PROOF}).viewer
    assert viewer.household_key == household_of(VIEWER)
    assert (viewer.country, viewer.region, viewer.metro) == ("US", "US-NY", "501")
    assert (viewer.city, viewer.postal) == ("São Paulo", "10001")


def test_what_cloudfront_does_not_know_stays_unknown() -> None:
    headers = {CLOUDFRONT_PROOF: PROOF, "x-viewer-address": "?", "cloudfront-viewer-country": "??"}
    viewer = request_of(headers=headers).viewer
    assert (viewer.household_key, viewer.country) == (None, None)


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({"x-device-ip": VIEWER}, VIEWER),
        ({"x-device-ip": f"{VIEWER}:4433"}, VIEWER),
        ({"x-device-ip": "2001:db8::1"}, "2001:db8::1"),
        ({"x-device-ip": "[2001:db8::1]:443"}, "2001:db8::1"),
        ({"x-device-ip": f"::ffff:{VIEWER}"}, VIEWER),
        ({"x-forwarded-for": f"{VIEWER}, {PROXY}"}, VIEWER),
        ({"x-forwarded-for": f"{OTHER}, {VIEWER}, 10.9.9.9, {PROXY}"}, VIEWER),
        ({"x-forwarded-for": f"{OTHER}, {VIEWER}, fd00::7, {PROXY}"}, VIEWER),
        ({"x-device-ip": "localhost", "x-forwarded-for": f"{VIEWER},{PROXY}"}, VIEWER),
    ],
    ids=str,
)
def test_a_trusted_proxy_names_the_device_behind_it(headers: dict[str, str], address: str) -> None:
    viewer = request_of(headers=headers, peer=PROXY).viewer
    assert viewer.household_key == household_of(address)


@pytest.mark.parametrize("forwarded", [PROXY, f"nobody, {PROXY}", f"{VIEWER}, nobody, {PROXY}", ""])
def test_a_trusted_proxy_that_names_nobody_is_no_household(forwarded: str) -> None:
    viewer = request_of(headers={"x-forwarded-for": forwarded}, peer=PROXY).viewer
    assert (viewer.household_key, viewer.country) == (None, None)


def test_a_proxy_behind_cloudfront_tells_the_place_by_its_devices_address() -> None:
    headers = {
        **CLOUDFRONT,
        CLOUDFRONT_PROOF: PROOF,
        "x-viewer-address": PROXY,
        "x-device-ip": OTHER,
    }
    viewer = request_of(headers=headers).viewer
    assert (viewer.household_key, viewer.country) == (household_of(OTHER), "JP")


@pytest.mark.parametrize(
    ("query", "headers", "address"),
    [
        (f"&ip={VIEWER}", {}, VIEWER),
        (f"&ip={VIEWER}", {"x-device-ip": OTHER}, VIEWER),
        ("&ip=[DEVICEIP]", {"x-device-ip": VIEWER}, VIEWER),
        ("&ip=nowhere", {"x-device-ip": VIEWER}, VIEWER),
        ("", {"x-forwarded-for": f"{VIEWER}, {PEER}"}, VIEWER),
    ],
)
def test_a_trusted_caller_names_its_viewer(
    query: str, headers: dict[str, str], address: str
) -> None:
    viewer = request_of(query, headers, trusted=True).viewer
    assert viewer.household_key == household_of(address)
    assert viewer.country == "US"


def test_a_stitcher_that_names_no_viewer_is_no_household() -> None:
    assert request_of(trusted=True).viewer.household_key is None


def test_a_trusted_callers_word_goes_before_any_database() -> None:
    viewer = request_of(f"&ip={VIEWER}&country=jp&city=Kyoto", trusted=True).viewer
    assert (viewer.country, viewer.city, viewer.region) == ("JP", "Kyoto", None)


def test_homes_share_a_64_and_not_a_neighbours_address() -> None:
    assert household_of("2001:db8::1") == household_of("2001:db8::ffff:2")
    assert household_of("2001:db8::1") != household_of("2001:db8:0:1::1")
    assert household_of("192.0.2.1") != household_of("192.0.2.2")


def test_keys_are_an_organizations_own_and_of_one_kind() -> None:
    query = "&session_id=x&ifa=x"
    mine, theirs = request_of(query).viewer, request_of(query, scope="p").viewer
    keys = [mine.session_key, mine.device_key, mine.household_key]
    keys += [theirs.session_key, theirs.device_key, theirs.household_key]
    assert len(set(keys)) == 6
    other = request_of(query, door=a_door(key=b"j" * 32)).viewer
    assert other.session_key not in keys


def test_the_same_device_is_the_same_however_its_id_is_written() -> None:
    upper, lower = request_of("&ifa=ABC-1").viewer, request_of("&ifa=abc-1").viewer
    assert upper.device_key == lower.device_key


def test_nothing_raw_leaves_the_door() -> None:
    query = (
        f"&ifa=my-device-id&session_id=my-session&ip={VIEWER}&postal=90210-1234&LATLONG=48.2,16.3"
    )
    request = request_of(query, {"x-device-ip": OTHER}, trusted=True)
    for secret in ("my-device-id", "my-session", VIEWER, OTHER, PEER, "1234", "48.2"):
        assert secret not in repr(request)


def test_a_request_may_be_made_twice_of_what_was_asked() -> None:
    event = api_event("GET", "/api/v1/vast?placement=demo&country=US&duration_ms=x")
    asked = asked_by(event)
    first = ad_request_of(asked, trusted=False, scope="o", door=a_door())
    assert ad_request_of(asked, trusted=False, scope="o", door=a_door()) == first
    assert ad_request_of(asked, trusted=True, scope="o", door=a_door()).viewer.country == "US"


def test_ipv4_in_the_clothes_of_ipv6_is_the_same_home_and_the_same_proxy() -> None:
    assert household_of(f"::ffff:{VIEWER}") == household_of(VIEWER)
    relayed = request_of(headers={"x-device-ip": f"::ffff:{VIEWER}"}, peer=f"::ffff:{PROXY}")
    assert relayed.viewer.household_key == household_of(VIEWER)
    assert relayed.viewer.country == "US"


NETWORK = "198.51.100.0"
CALIFORNIA = Place("US", "US-CA", "501", "Los Angeles", "90210")
REFUSALS = ["lmt=1", "coppa=1", "lmt=1&coppa=1", "gdpr=1", "us_privacy=1YYN", "ifa=0000-0000"]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_of_who_refused_a_database_learns_the_network_and_we_the_region(refusal: str) -> None:
    places = KnownPlaces({NETWORK: CALIFORNIA})
    viewer = request_of(f"&{refusal}", peer=VIEWER, door=a_door(places=places)).viewer
    assert (viewer.country, viewer.region) == ("US", "US-CA")
    assert (viewer.metro, viewer.city, viewer.postal, viewer.household_key) == (None,) * 4
    assert places.asked == [NETWORK]


def test_of_an_ipv6_network_three_groups_are_looked_up() -> None:
    places = KnownPlaces({"2001:db8:7::": Place("JP", "JP-13", "1", "Tokyo", "100")})
    viewer = request_of("&lmt=1", peer="2001:db8:7:8::9", door=a_door(places=places)).viewer
    assert (viewer.country, viewer.region, viewer.city) == ("JP", "JP-13", None)
    assert places.asked == ["2001:db8:7::"]


def test_silence_in_a_country_of_consent_is_told_by_the_network() -> None:
    places = KnownPlaces({NETWORK: Place("AT", "AT-9", None, "Wien", "1010")})
    request = request_of(peer=VIEWER, door=a_door(places=places))
    assert (request.viewer.country, request.viewer.city) == ("AT", None)
    assert request.privacy.refusals == ("no_signal",)
    assert places.asked == [NETWORK]


def test_an_address_in_another_country_than_its_network_is_judged_by_its_own() -> None:
    places = KnownPlaces({NETWORK: Place("JP"), VIEWER: Place("AT", "AT-9", None, "Wien")})
    request = request_of(peer=VIEWER, door=a_door(places=places))
    assert request.privacy.refusals == ("no_signal",)
    assert (request.viewer.country, request.viewer.city) == ("JP", None)
    assert request.viewer.household_key is None


@pytest.mark.parametrize("refusal", REFUSALS)
def test_of_who_refused_cloudfront_tells_the_region_at_most(refusal: str) -> None:
    viewer = request_of(f"&{refusal}", headers={**CLOUDFRONT, CLOUDFRONT_PROOF: PROOF}).viewer
    assert (viewer.country, viewer.region) == ("US", "US-NY")
    assert (viewer.metro, viewer.city, viewer.postal) == (None, None, None)


def test_a_place_that_a_trusted_caller_named_stays_but_for_the_house() -> None:
    named = "&country=US&region=CA&metro=501&city=Fresno&postal=90210&lmt=1"
    viewer = request_of(named, trusted=True).viewer
    assert (viewer.metro, viewer.city, viewer.postal) == ("501", "Fresno", "902")
