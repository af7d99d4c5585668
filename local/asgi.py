"""Small shared parts of our two ASGI applications, and a uvicorn server that we stop ourselves."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import uvicorn

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Iterable[tuple[str, str]]


class BodyTooLargeError(Exception):
    """The request's body passes the limit; the rest of it was not read."""


async def read_body(receive: Receive, *, limit: int) -> bytes:
    """Return the whole body.

    Raises:
        BodyTooLargeError: it is longer than `limit` bytes.
    """
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise BodyTooLargeError
        parts.append(part)
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return b"".join(parts)


async def start_response(send: Send, status: int, headers: Headers) -> None:
    """Send the status line and the headers."""
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def respond(send: Send, status: int, headers: Headers = (), body: bytes = b"") -> None:
    """Send a whole response."""
    bare = status in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
    length = [] if bare else [("content-length", str(len(body)))]
    await start_response(send, status, [*headers, *length])
    await send({"type": "http.response.body", "body": body})


async def respond_json(send: Send, status: int, document: object, headers: Headers = ()) -> None:
    """Send a whole response in JSON."""
    body = json.dumps(document, separators=(",", ":")).encode()
    await respond(send, status, [("content-type", "application/json"), *headers], body)


class Server(uvicorn.Server):
    """uvicorn without its signal handling: several may run in one loop, and we stop them."""

    def __init__(self, application: Application, sockets: Sequence[socket.socket]) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                access_log=False,
                http="httptools",
                interface="asgi3",  # uvicorn takes a bound method for the old ASGI 2
                lifespan="off",
                log_config=None,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=3,
                # Runtime clients keep one connection; closing it while they work would race.
                timeout_keep_alive=900,
                ws="none",
            )
        )
        self._sockets = list(sockets)
        self._serving: asyncio.Task[None] | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `local.__main__`."""
        yield

    async def start(self) -> None:
        """Return once the server accepts connections."""
        self._serving = asyncio.create_task(self.serve(sockets=self._sockets))
        while not self.started:
            if self._serving.done():
                self._serving.result()
                raise RuntimeError("uvicorn ended before it started")
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Finish the requests at hand, for three seconds at most, and close."""
        self.should_exit = True
        if self._serving is not None:
            await self._serving


def bind(host: str, port: int = 0) -> socket.socket:
    """Return a socket that has the port, 0 for any free one; it listens once a server starts.

    Raises:
        OSError: the port is in use.
    """
    # The protocol is named because asyncio sets TCP_NODELAY only where it is: without that, each
    # response waits 40 ms for the client's delayed acknowledgement.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    bound.settimeout(0)  # asyncio wants sockets that never block
    return bound
