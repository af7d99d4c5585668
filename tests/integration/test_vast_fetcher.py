"""Fetching strangers' documents: no private address is ever reached, no stranger takes over time
or memory. The servers are real ones on loopback, so tests of answers bring their own rule of
what may be connected to; tests of the rule keep the one that ships.
"""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from ctv_ads.adapters.web.addresses import is_public
from ctv_ads.adapters.web.vast_fetcher import MAX_BYTES, HttpVastFetcher, system_resolver
from ctv_ads.domain.media import RejectionCode
from ctv_ads.ports.vast_tags import TagFetchError

LOOPBACK = "127.0.0.1"
Respond = Callable[[bytes, Callable[[bytes], None]], None]


def never_resolve(_host: str, _port: int) -> Sequence[str]:
    raise AssertionError("the host of a refused address was looked up")


def fetch(fetcher: HttpVastFetcher, url: str, *, seconds: float = 5) -> bytes:
    return fetcher.fetch(url, deadline=time.monotonic() + seconds)


def refusal(fetcher: HttpVastFetcher, url: str, *, seconds: float = 5) -> RejectionCode:
    with pytest.raises(TagFetchError) as refused:
        fetch(fetcher, url, seconds=seconds)
    assert refused.value.rejection.message.endswith(".")
    return refused.value.rejection.code


@contextmanager
def a_server(respond: Respond) -> Iterator[int]:
    """Answer each connection by `respond`, which gets the request's head and a way to send."""
    listener = socket.create_server((LOOPBACK, 0))
    stopped = threading.Event()

    def serve() -> None:
        while not stopped.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection:
            try:
                respond(connection.recv(65536), connection.sendall)
            except OSError:
                return  # the client has seen enough

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        stopped.set()
        listener.close()


def on_loopback(*ports: int) -> HttpVastFetcher:
    """A fetcher that takes every name for this machine and may connect to it."""
    return HttpVastFetcher(
        resolve=lambda _host, _port: [LOOPBACK],
        may_connect=lambda address: address == LOOPBACK,
        ports=frozenset(ports),
    )


def ok(body: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


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


def test_redirects_are_followed_but_not_for_ever() -> None:
    def respond(head: bytes, send: Callable[[bytes], None]) -> None:
        left = int(head.split()[1].decode().strip("/"))
        if left == 0:
            send(ok(b"<VAST/>"))
        else:
            send(b"HTTP/1.1 302 Found\r\nLocation: /%d\r\nContent-Length: 0\r\n\r\n" % (left - 1))

    with a_server(respond) as port:
        fetcher = on_loopback(port)
        assert fetch(fetcher, f"http://tag.example:{port}/5") == b"<VAST/>"
        code = refusal(fetcher, f"http://tag.example:{port}/6")
    assert code is RejectionCode.TAG_UNREACHABLE


def drip(_head: bytes, send: Callable[[bytes], None]) -> None:
    for byte in ok(b"<VAST/>" * 1000):
        send(bytes([byte]))
        time.sleep(0.02)


def drip_body(_head: bytes, send: Callable[[bytes], None]) -> None:
    send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(1000):
        send(b"1\r\nx\r\n")
        time.sleep(0.02)


def say_nothing(_head: bytes, _send: Callable[[bytes], None]) -> None:
    time.sleep(3)


def continue_for_ever(_head: bytes, send: Callable[[bytes], None]) -> None:
    for _ in range(1000):
        send(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.02)


@pytest.mark.parametrize("respond", [drip, drip_body, say_nothing, continue_for_ever])
def test_a_slow_server_is_left_at_the_deadline(respond: Respond) -> None:
    with a_server(respond) as port:
        began = time.monotonic()
        code = refusal(on_loopback(port), f"http://tag.example:{port}/", seconds=0.3)
        assert code is RejectionCode.TAG_TOO_SLOW
        assert time.monotonic() - began < 1.5


def test_a_slow_resolver_is_left_at_the_deadline() -> None:
    def slow(_host: str, _port: int) -> Sequence[str]:
        time.sleep(2)
        return ["8.8.8.8"]

    began = time.monotonic()
    fetcher = HttpVastFetcher(resolve=slow)
    assert refusal(fetcher, "https://tag.example/", seconds=0.2) is RejectionCode.TAG_TOO_SLOW
    assert time.monotonic() - began < 1


def test_a_server_that_does_not_shake_hands_is_left_at_the_deadline() -> None:
    with a_server(say_nothing) as port:
        code = refusal(on_loopback(port), f"https://tag.example:{port}/", seconds=0.3)
    assert code is RejectionCode.TAG_TOO_SLOW


def test_without_time_left_nothing_is_asked() -> None:
    fetcher = on_loopback(9)
    assert refusal(fetcher, "http://tag.example:9/", seconds=-1) is RejectionCode.TAG_TOO_SLOW


def test_a_document_of_the_largest_size_is_taken_and_no_byte_more() -> None:
    def respond(head: bytes, send: Callable[[bytes], None]) -> None:
        send(ok(b"x" * int(head.split()[1].strip(b"/"))))

    with a_server(respond) as port:
        fetcher = on_loopback(port)
        assert len(fetch(fetcher, f"http://tag.example:{port}/{MAX_BYTES}")) == MAX_BYTES
        code = refusal(fetcher, f"http://tag.example:{port}/{MAX_BYTES + 1}")
    assert code is RejectionCode.TAG_TOO_LARGE


def test_a_packed_document_is_unpacked_and_a_bomb_is_not() -> None:
    small, bomb = gzip.compress(b"<VAST/>"), gzip.compress(bytes(200 * MAX_BYTES), 9)
    assert len(bomb) < MAX_BYTES

    def respond(head: bytes, send: Callable[[bytes], None]) -> None:
        body = bomb if b"/bomb" in head else small
        send(ok(body, b"Content-Encoding: gzip"))

    with a_server(respond) as port:
        fetcher = on_loopback(port)
        assert fetch(fetcher, f"http://tag.example:{port}/") == b"<VAST/>"
        code = refusal(fetcher, f"http://tag.example:{port}/bomb")
    assert code is RejectionCode.TAG_TOO_LARGE


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nnogzi",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 5\r\n\r\nbytes",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 " + b"x" * 70_000 + b"\r\n\r\n",
    ],
)
def test_an_answer_that_is_none_is_told_as_such(answer: bytes) -> None:
    with a_server(lambda _head, send: send(answer)) as port:
        code = refusal(on_loopback(port), f"http://tag.example:{port}/")
    assert code is RejectionCode.TAG_UNREACHABLE


def test_nobody_there_and_no_such_name_are_told_as_such() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
    assert refusal(on_loopback(port), f"http://t.example:{port}/") is RejectionCode.TAG_UNREACHABLE

    def unknown(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror(-2, "Name or service not known")

    for resolve in (unknown, lambda _host, _port: []):
        fetcher = HttpVastFetcher(resolve=resolve)
        assert refusal(fetcher, "https://t.example/") is RejectionCode.TAG_UNREACHABLE


def test_what_is_asked_is_a_plain_request_whatever_the_address_holds() -> None:
    asked: list[bytes] = []

    def respond(head: bytes, send: Callable[[bytes], None]) -> None:
        asked.append(head)
        send(ok(b"<VAST/>"))

    with a_server(respond) as port:
        fetch(on_loopback(port), f"http://t.example:{port}/a b/ü?x=[M]&y=%20&z=\r\nX-Evil: 1#frag")
    first, *headers = asked[0].decode("latin-1").split("\r\n")
    assert first == "GET /a%20b/%C3%BC?x=%5BM%5D&y=%20&z=X-Evil:%201 HTTP/1.1"
    assert not any(header.startswith("X-Evil") for header in headers)
