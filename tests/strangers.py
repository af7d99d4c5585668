"""Servers of strangers on loopback, and a fetcher that may reach them."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ctv_ads.adapters.web.vast_fetcher import HttpVastFetcher
from ctv_ads.domain.media import RejectionCode
from ctv_ads.ports.vast_tags import TagFetchError

LOOPBACK = "127.0.0.1"
Respond = Callable[[bytes, Callable[[bytes], None]], None]


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
