"""What is kept of a caller: a network and a class, never an address."""

import ipaddress
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctv_ads.use_cases.collect_beacon import Caller
from ctv_ads.web.hops import Believed
from functions.impressions.client import caller_of, client_network, user_agent_class


@given(st.ip_addresses(v=4))
def test_of_an_ipv4_address_24_bits_are_kept(address: ipaddress.IPv4Address) -> None:
    network = ipaddress.ip_network(client_network(str(address)) or "")
    assert network.prefixlen == 24
    assert address in network


@given(st.ip_addresses(v=6))
def test_of_an_ipv6_address_48_bits_are_kept(address: ipaddress.IPv6Address) -> None:
    network = ipaddress.ip_network(client_network(str(address)) or "")
    if address.ipv4_mapped is None:
        assert network.prefixlen == 48
        assert address in network


@pytest.mark.parametrize(
    "wrong", ["", "x", "1.2.3", "1.2.3.4.5", "1.2.3.4/24", "999.1.1.1", "1.2.3.4, 5.6.7.8", "\0"]
)
def test_what_is_no_address_is_nobody(wrong: str) -> None:
    assert client_network(wrong) is None


@given(st.text())
def test_noise_is_nobody_or_a_network(text: str) -> None:
    network = client_network(text)
    assert network is None or ipaddress.ip_network(network)


def test_the_zone_of_an_address_is_not_kept() -> None:
    assert client_network("fe80::1%eth0") in {None, "fe80::/48"}


@pytest.mark.parametrize(
    ("user_agent", "kind"),
    [
        ("Roku/DVP-14.5 (14.5.4.5934-46)", "roku"),
        ("AWS MediaTailor", "stitcher"),
        ("Mozilla/5.0 (Linux; Android 7.1.2; AFTMM Build/NS6265) AppleWebKit", "fire_tv"),
        ("AppleTV11,1/11.1", "apple_tv"),
        ("Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit", "samsung_tv"),
        ("Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit", "lg_tv"),
        ("Mozilla/5.0 (X11; Linux armv7l) CrKey/1.56", "chromecast"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1)", "bot"),
        ("curl/8.5.0", "tool"),
        ("python-requests/2.32", "tool"),
        ("Mozilla/5.0 (X11; Linux x86_64) Firefox/132.0", "browser"),
        ("", "other"),
        ("\0😀", "other"),
    ],
)
def test_user_agents_are_classed(user_agent: str, kind: str) -> None:
    assert user_agent_class(user_agent) == kind


STITCHER, VIEWER, PEER = "10.1.2.3", "203.0.113.77", "198.51.100.7"
PROOF = "p" * 32
BELIEVED = Believed(trusted_proxies=(ip_network("10.0.0.0/8"),), cloudfront_proof=PROOF)
DEVICE = {"x-device-ip": VIEWER, "x-device-user-agent": "Roku/DVP", "user-agent": "Hetzner-bot"}


def test_a_stitcher_that_is_believed_names_the_device_it_speaks_for() -> None:
    for peer in (STITCHER, f"::ffff:{STITCHER}"):
        caller = caller_of(DEVICE, peer, BELIEVED)
        assert caller == Caller(VIEWER, "Roku/DVP", "203.0.113.0/24", "roku")


@pytest.mark.parametrize("believed", [BELIEVED, Believed()])
def test_anybody_else_is_judged_by_their_own_address_and_agent(believed: Believed) -> None:
    lies = {**DEVICE, "x-forwarded-for": f"{VIEWER}, {PEER}", "x-viewer-address": VIEWER,
            "cloudfront-viewer-address": f"{VIEWER}:443"}  # fmt: skip
    for more in ({}, {"x-cloudfront-proof": "guess"}, {"x-amz-cf-id": "a mark"}):
        caller = caller_of({**lies, **more}, PEER, believed)
        assert caller == Caller(PEER, "Hetzner-bot", "198.51.100.0/24", "bot")


def test_through_cloudfront_a_caller_is_the_viewer_and_no_more_believed_than_others() -> None:
    headers = {**DEVICE, "x-cloudfront-proof": PROOF, "x-viewer-address": "192.0.2.1"}
    caller = caller_of(headers, PEER, BELIEVED)
    assert (caller.address, caller.user_agent) == ("192.0.2.1", "Hetzner-bot")
    of_stitcher = caller_of(headers | {"x-viewer-address": STITCHER}, PEER, BELIEVED)
    assert (of_stitcher.address, of_stitcher.user_agent) == (VIEWER, "Roku/DVP")


def test_mediatailor_forwards_the_players_address_and_agent() -> None:
    headers = {"user-agent": "AFTMM Fire", "x-forwarded-for": f"{VIEWER}, {STITCHER}"}
    caller = caller_of(headers, STITCHER, BELIEVED)
    assert caller == Caller(VIEWER, "AFTMM Fire", "203.0.113.0/24", "fire_tv")


def test_a_stitcher_that_names_nobody_is_nobody() -> None:
    caller = caller_of({"user-agent": "AWS MediaTailor"}, STITCHER, BELIEVED)
    assert caller == Caller("", "AWS MediaTailor", None, "stitcher")


@pytest.mark.parametrize(
    ("named", "network"),
    [
        (" 2001:db8:1234:5678::9 ", "2001:db8:1234::/48"),
        (f"::ffff:{VIEWER}", "203.0.113.0/24"),
        ("[2001:db8:1234::9]:443", "2001:db8:1234::/48"),
        (f"{VIEWER}, 192.0.2.1", None),
        ("a television", None),
    ],
)
def test_of_the_device_that_is_named_its_network_is_kept(named: str, network: str | None) -> None:
    assert caller_of({"x-device-ip": named}, STITCHER, BELIEVED).client_network == network


def test_ipv4_in_the_clothes_of_ipv6_has_its_own_network() -> None:
    assert client_network("::ffff:203.0.113.77") == "203.0.113.0/24"
    assert caller_of({}, "::ffff:203.0.113.77", Believed()).client_network == "203.0.113.0/24"
    assert caller_of({}, "", Believed()).client_network is None
