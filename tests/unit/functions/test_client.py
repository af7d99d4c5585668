"""What is kept of a caller: a network and a class, never an address."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.impressions.client import caller_of, client_network, user_agent_class


@given(st.ip_addresses(v=4))
def test_of_an_ipv4_address_24_bits_are_kept(address: ipaddress.IPv4Address) -> None:
    network = ipaddress.ip_network(client_network(str(address)) or "")
    assert network.prefixlen == 24
    assert address in network


@given(st.ip_addresses(v=6))
def test_of_an_ipv6_address_48_bits_are_kept(address: ipaddress.IPv6Address) -> None:
    network = ipaddress.ip_network(client_network(str(address)) or "")
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


def test_a_stitcher_names_the_device_it_speaks_for() -> None:
    headers = {"user-agent": "AWS MediaTailor", "x-device-user-agent": "Roku/DVP"}
    caller = caller_of(headers, "203.0.113.77")
    assert (caller.client_network, caller.user_agent_class) == ("203.0.113.0/24", "roku")
    assert (caller.address, caller.user_agent) == ("203.0.113.77", "Roku/DVP")
    assert caller_of({}, "").client_network is None


@pytest.mark.parametrize(
    ("headers", "network"),
    [
        ({"x-device-ip": "203.0.113.77"}, "203.0.113.0/24"),
        ({"x-device-ip": " 2001:db8:1234:5678::9 "}, "2001:db8:1234::/48"),
        ({"x-device-ip": "203.0.113.77", "x-viewer-address": "192.0.2.1"}, "203.0.113.0/24"),
        ({"x-device-ip": "a television", "x-viewer-address": "192.0.2.1"}, "192.0.2.0/24"),
        ({"cloudfront-viewer-address": "192.0.2.1:443"}, "192.0.2.0/24"),
        ({"x-device-ip": "203.0.113.77, 192.0.2.1"}, "198.51.100.0/24"),
        ({"x-device-ip": "", "cloudfront-viewer-address": "nowhere:1"}, "198.51.100.0/24"),
    ],
)
def test_the_network_is_the_devices_else_the_viewers_else_the_connections(
    headers: dict[str, str], network: str
) -> None:
    assert caller_of(headers, "198.51.100.7").client_network == network
