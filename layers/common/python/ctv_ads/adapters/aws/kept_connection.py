"""One HTTP/1.1 connection, kept between requests: what a client of one AWS service needs of HTTP.

`http.client` makes an e-mail of each answer's headers, which takes longer than all else that the
collector does. This reads the status, the length and the body, and nothing more (RFC 9112).
"""

import socket
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import SplitResult

if TYPE_CHECKING:
    import ssl

_MAX_HEAD_BYTES = 64 * 1024
_MAX_BODY_BYTES = 1024 * 1024
_RECEIVE_BYTES = 64 * 1024
_LEAST_S = 0.001
"""A timeout of 0 would be none at all."""


class BrokenAnswerError(Exception):
    """The other side does not speak HTTP/1.1 as it should."""


class KeptConnection:
    """Sends whole requests and reads whole answers, one at a time. Not for several threads."""

    def __init__(self, address: SplitResult, *, timeout_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._socket: socket.socket | None = None
        self._trusted: ssl.SSLContext | None = None

    @property
    def is_open(self) -> bool:
        """Whether a connection is kept; the other side may have closed it meanwhile."""
        return self._socket is not None

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Send a request and return the answer's status and body.

        Raises:
            OSError: the other side cannot be reached, went away, or did not answer in time.
            BrokenAnswerError: what it answered is no HTTP, or larger than such answers are.
        """
        deadline = monotonic() + self._timeout_s
        is_whole = False
        try:
            connected = self._socket or self._connect()
            connected.settimeout(max(deadline - monotonic(), _LEAST_S))
            connected.sendall(request)
            answer = _Answer(connected, deadline)
            status, body, keep = answer.read()
            is_whole = keep
        finally:
            if not is_whole:
                self.close()
        return status, body

    def _connect(self) -> socket.socket:
        host = self._address.hostname or ""
        is_tls = self._address.scheme == "https"
        port = self._address.port or (443 if is_tls else 80)
        connected = socket.create_connection((host, port), self._timeout_s)
        self._socket = connected
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if is_tls:
            self._socket = self._tls().wrap_socket(connected, server_hostname=host)
        return self._socket

    def _tls(self) -> "ssl.SSLContext":
        """Return whom we trust: read once, it takes longer than a call."""
        if self._trusted is None:
            import ssl  # noqa: PLC0415 - the emulator does without

            self._trusted = ssl.create_default_context()
        return self._trusted


class _Answer:
    """Reads one answer off a socket."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket = connected
        self._deadline = deadline
        self._received = connected.recv(_RECEIVE_BYTES)
        if not self._received:
            raise ConnectionResetError("closed without an answer")

    def read(self) -> tuple[int, bytes, bool]:
        """Return status and body, and whether the connection may be kept."""
        status = 100
        while 100 <= status < 200:
            head = self._until(b"\r\n\r\n", _MAX_HEAD_BYTES)
            status = _status(head)
        fields = head.lower() + b"\r\n"
        keep = head.startswith(b"HTTP/1.1 ") and b"close" not in _field(fields, b"connection")
        if status in {204, 304}:
            body = b""
        elif _field(fields, b"transfer-encoding"):
            body = self._chunks(fields)
        elif length := _field(fields, b"content-length"):
            body = self._exactly(_number(length, 10))
        else:
            body, keep = self._rest(), False
        # What comes after the answer was not asked for: nobody knows what it belongs to.
        return status, body, keep and not self._received

    def _chunks(self, fields: bytes) -> bytes:
        if _field(fields, b"transfer-encoding") != b"chunked":
            raise BrokenAnswerError("an encoding that nobody asked for")
        body: list[bytes] = []
        left = _MAX_BODY_BYTES
        while True:
            line = self._until(b"\r\n", _MAX_HEAD_BYTES)
            size = _number(line.partition(b";")[0].strip(), 16)
            if size == 0:
                break
            left -= size
            if left < 0:
                raise BrokenAnswerError("the answer is too large")
            body.append(self._exactly(size))
            if self._exactly(2) != b"\r\n":
                raise BrokenAnswerError("a chunk of another length than it says")
        while self._until(b"\r\n", _MAX_HEAD_BYTES):
            pass  # trailers
        return b"".join(body)

    def _until(self, end: bytes, most: int) -> bytes:
        """Return what comes before `end`, and go past it."""
        while (found := self._received.find(end)) < 0:
            if len(self._received) > most:
                raise BrokenAnswerError("no end of a line or of the headers")
            self._receive()
        taken = self._received[:found]
        self._received = self._received[found + len(end) :]
        return taken

    def _exactly(self, size: int) -> bytes:
        if size > _MAX_BODY_BYTES:
            raise BrokenAnswerError("the answer is too large")
        while len(self._received) < size:
            self._receive()
        taken, self._received = self._received[:size], self._received[size:]
        return taken

    def _rest(self) -> bytes:
        """Return all that comes until the other side closes."""
        while len(self._received) <= _MAX_BODY_BYTES:
            if not self._more():
                taken, self._received = self._received, b""
                return taken
        raise BrokenAnswerError("the answer is too large")

    def _receive(self) -> None:
        if not self._more():
            raise ConnectionResetError("closed in the middle of an answer")

    def _more(self) -> bool:
        """Wait for more until the deadline, which holds for the whole answer."""
        left_s = self._deadline - monotonic()
        if left_s <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(left_s)
        more = self._socket.recv(_RECEIVE_BYTES)
        self._received += more
        return bool(more)


def _status(head: bytes) -> int:
    """Return the status of `HTTP/1.1 200 OK`."""
    if not head.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")):
        raise BrokenAnswerError("the answer is no HTTP/1.1")
    return _number(head[9:12], 10)


def _field(fields: bytes, name: bytes) -> bytes:
    """Return the value of a header field, in lower case; empty without one."""
    _, found, after = fields.partition(b"\r\n" + name + b":")
    return after.partition(b"\r\n")[0].strip() if found else b""


def _number(text: bytes, base: int) -> int:
    # int() takes signs, spaces and underscores too.
    if not text.isalnum():
        raise BrokenAnswerError("a number is none")
    try:
        return int(text, base)
    except ValueError:
        raise BrokenAnswerError("a number is none") from None
