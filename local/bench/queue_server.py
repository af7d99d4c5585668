"""A server on loopback that answers SendMessage as SQS does, in a process of its own.

It keeps nothing: what it takes of the CPU is not the collector's, and what it answers has the size
and the headers of the real thing.
"""

import asyncio
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast
from uuid import uuid4

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class _Connection(asyncio.Protocol):
    _transport: asyncio.WriteTransport

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (body := self._whole_body()) is not None:
            self._transport.write(_answer(body))

    def _whole_body(self) -> bytes | None:
        """Return the body of the next request once all of it is there."""
        head, end, rest = self._received.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        length = int(found[1]) if found else 0
        if not end or len(rest) < length:
            return None
        self._received = rest[length:]
        return rest[:length]


def _answer(request: bytes) -> bytes:
    text = json.loads(request)["MessageBody"]
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    body = json.dumps({"MD5OfMessageBody": digest, "MessageId": str(uuid4())}).encode()
    return (
        f"HTTP/1.1 200 OK\r\nx-amzn-RequestId: {uuid4()}\r\n"
        "Date: Mon, 23 Nov 2026 12:00:00 GMT\r\nContent-Type: application/x-amz-json-1.0\r\n"
        f"Content-Length: {len(body)}\r\nconnection: keep-alive\r\n\r\n"
    ).encode() + body


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def queue_server() -> Iterator[str]:
    """Run the server in a process of its own; yield its address."""
    command = [sys.executable, "-m", "local.bench.queue_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{_first_line(process)}"
        finally:
            process.terminate()


def _first_line(process: "subprocess.Popen[str]") -> str:
    line = process.stdout.readline().strip() if process.stdout else ""
    if not line:
        raise RuntimeError("the queue's stand-in did not start")
    return line


if __name__ == "__main__":
    asyncio.run(_serve())
