"""Lists of invalid traffic: what is in them is found, whatever their order."""

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctv_ads.adapters.traffic_lists import TrafficLists

_NETWORKS = st.tuples(st.ip_addresses(v=4), st.integers(4, 32)).map(
    lambda pair: ipaddress.ip_network(f"{pair[0]}/{pair[1]}", strict=False)
) | st.tuples(st.ip_addresses(v=6), st.integers(8, 128)).map(
    lambda pair: ipaddress.ip_network(f"{pair[0]}/{pair[1]}", strict=False)
)


@given(st.lists(_NETWORKS, max_size=20), st.lists(st.ip_addresses(), max_size=10))
def test_an_address_is_listed_if_one_of_the_networks_holds_it(
    networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network],
    others: list[ipaddress.IPv4Address | ipaddress.IPv6Address],
) -> None:
    lists = TrafficLists(map(str, networks), [])
    edges = [edge for one in networks for edge in (one.network_address, one.broadcast_address)]
    # Those are looked up as what they are, see below.
    clothed = [one for one in [*edges, *others] if getattr(one, "ipv4_mapped", None)]
    for address in {*edges, *others} - {*clothed}:
        listed = any(address in one for one in networks if one.version == address.version)
        assert lists.is_data_centre(str(address)) is listed


def test_nobody_hides_in_the_clothes_of_ipv6() -> None:
    lists = TrafficLists(["203.0.113.0/24"], [])
    assert lists.is_data_centre("::ffff:203.0.113.9")
    assert lists.is_data_centre("::ffff:cb00:7109")
    assert not lists.is_data_centre("::ffff:198.51.100.9")


def test_what_is_no_network_is_named() -> None:
    with pytest.raises(ValueError, match=r"300\.1\.1\.0"):
        TrafficLists(["300.1.1.0/24"], [])


def test_the_packaged_lists_know_a_hoster_and_a_crawler_and_no_player() -> None:
    lists = TrafficLists.from_files(None, None)
    assert lists.is_data_centre("46.4.1.1")
    assert not lists.is_data_centre("203.0.113.9")
    assert lists.is_crawler("Mozilla/5.0 (compatible; Googlebot/2.1)")
    for player in ("Roku/DVP-14.5", "AWS MediaTailor", "curl/8.5.0", "", "okhttp/4.9.3"):
        assert not lists.is_crawler(player)


def test_an_operators_own_lists_take_their_place(tmp_path: Path) -> None:
    networks, agents = tmp_path / "networks.txt", tmp_path / "agents.txt"
    networks.write_text("# ours\n\n203.0.113.0/24  # a lab\n", "utf-8")
    agents.write_text("LabBot # ours\n", "utf-8")
    lists = TrafficLists.from_files(str(networks), str(agents))
    assert lists.is_data_centre("203.0.113.9")
    assert not lists.is_data_centre("46.4.1.1")
    assert lists.is_crawler("labbot/1")
    assert not lists.is_crawler("Googlebot")
