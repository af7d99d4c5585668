"""Fetching strangers' documents: none of them takes over our time or memory."""

import gzip
import socket
import time
from collections.abc import Callable, Sequence

import pytest

from ctv_ads.adapters.web.vast_fetcher import MAX_BYTES, HttpVastFetcher
from ctv_ads.domain.media import RejectionCode
from tests.strangers import LOOPBACK, Respond, a_server, fetch, ok, on_loopback, refusal


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

    def no_address(_host: str, _port: int) -> Sequence[str]:
        return []

    for resolve in (unknown, no_address):
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
