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
    for player in ("Roku/DVP-14.5", "AWS MediaTailor", "curl/8.5.0", "okhttp/4.9.3", "CUBOT X30"):
        assert not lists.is_crawler(player)


@pytest.mark.parametrize(
    "agent", ["MyCrawler/2.0", "SomeBot/1.0", "python-requests/2.32", "", " ", "CCBot/2.0"]
)
def test_the_packaged_list_knows_what_nobody_watches_with(agent: str) -> None:
    assert TrafficLists.from_files(None, None).is_crawler(agent)


@pytest.mark.parametrize(
    "address",
    [
        *("3.5.140.2", "52.94.1.1", "54.240.1.1", "2600:1f00::1", "2600:1f18:1::1"),
        *("34.64.1.1", "35.190.1.1", "2600:1900::1"),
        *("20.33.1.1", "40.112.1.1", "2603:1000::1"),
    ],
)
def test_the_packaged_list_knows_the_clouds(address: str) -> None:
    assert TrafficLists.from_files(None, None).is_data_centre(address)


@pytest.mark.parametrize(
    "address", ["73.1.1.1", "81.2.69.160", "99.1.1.1", "203.0.113.9", "2001:db8::1", "2a02:8388::1"]
)
def test_the_packaged_list_knows_no_home(address: str) -> None:
    assert not TrafficLists.from_files(None, None).is_data_centre(address)


def test_a_network_may_be_excepted() -> None:
    lists = TrafficLists(["!198.51.100.0/25", "198.51.100.0/24", "! 2001:db8::/48"], [])
    assert lists.is_data_centre("198.51.100.200")
    assert not lists.is_data_centre("198.51.100.1")


@pytest.mark.parametrize(
    ("line", "agent", "is_one"),
    [
        ("bot|1|cubot, robotic|0|2|0", "SomeBot/1", True),
        ("bot|1|cubot, robotic|0|2|0", "Robotic TV/1", False),
        ("bot|0||0|2|0", "SomeBot/1", False),
        ("Bot|1||0|2|1", "bot/1", True),
        ("bot|1||0|2|1|2009-01-01", "SomeBot/1", False),
        ("(none)", "", True),
        ("(none)", "TV", False),
        ("|1", "TV", False),
    ],
)
def test_the_lines_of_the_iab_are_read(line: str, agent: str, *, is_one: bool) -> None:
    assert TrafficLists([], [line]).is_crawler(agent) is is_one


def test_where_players_are_listed_nobody_else_is_one() -> None:
    lists = TrafficLists([], ["bot"], ["roku|1||0|2|1", "tizen"])
    agents = ("Roku/DVP", "Mozilla/5.0 (Tizen 7)", "My Roku", "TizenBot", "")
    assert [lists.is_crawler(agent) for agent in agents] == [False, False, True, True, True]


def test_an_operators_own_lists_take_their_place(tmp_path: Path) -> None:
    networks, agents = tmp_path / "networks.txt", tmp_path / "agents.txt"
    players = tmp_path / "players.txt"
    players.write_text("Lab", "utf-8")
    networks.write_text("# ours\n\n203.0.113.0/24  # a lab\n", "utf-8")
    agents.write_text("LabBot # ours\n", "utf-8")
    lists = TrafficLists.from_files(str(networks), str(agents), str(players))
    assert lists.is_data_centre("203.0.113.9")
    assert not lists.is_data_centre("46.4.1.1")
    assert lists.is_crawler("labbot/1")
    assert not lists.is_crawler("Lab/1")
    assert lists.is_crawler("Googlebot")
