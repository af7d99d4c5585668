"""Fetching strangers' documents: no private address is ever reached.

Tests of the rule keep the one that ships; those that need a server bring their own.
"""

from collections.abc import Callable, Sequence

import pytest

from ctv_ads.adapters.web.addresses import is_public
from ctv_ads.adapters.web.vast_fetcher import HttpVastFetcher, system_resolver
from ctv_ads.domain.media import RejectionCode
from tests.strangers import LOOPBACK, a_server, fetch, ok, refusal


def never_resolve(_host: str, _port: int) -> Sequence[str]:
    raise AssertionError("the host of a refused address was looked up")


PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",  # noqa: S104 - refused, not bound
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "169.254.170.2",
    "100.64.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::1",
    "2001:0:53aa:64c:0:0:80ff:fffe",
    "2001:db8::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "not an address",
    "",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_never_connected_to(address: str) -> None:
    assert not is_public(address)
    fetcher = HttpVastFetcher(resolve=lambda _host, _port: [address])
    assert refusal(fetcher, "https://tag.example/") is RejectionCode.TAG_ADDRESS_REFUSED


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700:4700::1111"])
def test_public_addresses_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "017700000001",
        "0177.0.0.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "localhost",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "[fd00:ec2::254]",
        "[64:ff9b::a9fe:a9fe]",
    ],
)
def test_no_spelling_of_a_private_address_gets_through(host: str) -> None:
    code = refusal(HttpVastFetcher(), f"http://{host}/latest/meta-data/")
    # Spellings that this system's resolver does not know are no addresses at all.
    assert code in {RejectionCode.TAG_ADDRESS_REFUSED, RejectionCode.TAG_UNREACHABLE}
    if host != "017700000001":
        assert code is RejectionCode.TAG_ADDRESS_REFUSED


def test_the_resolver_turns_odd_spellings_into_what_they_mean() -> None:
    for host in ("2130706433", "0x7f.1", "127.1", "0177.0.0.1"):
        assert system_resolver(host, 80) == [LOOPBACK]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://tag.example/",
        "file:///etc/passwd",
        "gopher://tag.example:80/",
        "//tag.example/",
        "",
        "https://",
        "https:///path",
        "http://tag.example:22/",
        "http://tag.example:6379/",
        "https://tag.example:8443/",
        "http://tag.example:99999/",
        "http://tag.example:x/",
        "http://user:password@tag.example/",
        "http://user@tag.example/",
        "http://tag.example@127.0.0.1/",
        "http://[::1",
        "http://[fe80::1%25eth0]/",
        "http://tag example/",
        "http://tag.example%00.example/",
        "http://täg.example/",
        "http://-tag.example/",
        "http://" + "a" * 254 + "/",
    ],
)
def test_an_address_of_another_kind_is_refused_before_it_is_looked_up(url: str) -> None:
    fetcher = HttpVastFetcher(resolve=never_resolve)
    assert refusal(fetcher, url) is RejectionCode.TAG_ADDRESS_REFUSED


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    fetcher = HttpVastFetcher(resolve=lambda _host, _port: ["8.8.8.8", "10.0.0.1"])
    assert refusal(fetcher, "https://tag.example/") is RejectionCode.TAG_ADDRESS_REFUSED


def test_a_name_that_changes_after_the_check_gains_nothing() -> None:
    lookups: list[str] = []

    def rebinding(host: str, _port: int) -> Sequence[str]:
        lookups.append(host)
        return [LOOPBACK] if len(lookups) == 1 else ["127.0.0.2"]

    asked: list[bytes] = []

    def respond(head: bytes, send: Callable[[bytes], None]) -> None:
        asked.append(head)
        send(ok(b"<VAST/>"))

    with a_server(respond) as port:
        fetcher = HttpVastFetcher(rebinding, lambda address: address == LOOPBACK, frozenset({port}))
        assert fetch(fetcher, f"http://tag.example:{port}/") == b"<VAST/>"
    assert lookups == ["tag.example"]
    assert f"Host: tag.example:{port}".encode() in asked[0]


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:{port}/",
        "http://[::1]:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "http://tag.example:22/",
        "http://user@tag.example:{port}/",
    ],
)
def test_a_redirect_is_checked_like_the_first_address(target: str) -> None:
    """Only the name `tag.example` may be reached, although it is the same machine."""

    def resolve(host: str, _port: int) -> Sequence[str]:
        return [LOOPBACK] if host == "tag.example" else [f"{host}-resolved"]

    def respond(_head: bytes, send: Callable[[bytes], None]) -> None:
        location = target.format(port=port).encode()
        send(b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n")

    with a_server(respond) as port:
        fetcher = HttpVastFetcher(
            resolve, lambda address: address == LOOPBACK, frozenset({port, 80})
        )
        code = refusal(fetcher, f"http://tag.example:{port}/")
    assert code is RejectionCode.TAG_ADDRESS_REFUSED
