"""A thin Valkey connection for the decision plane: socket, hiredis, one deadline per command.

The redis client costs some 300 ms of import and 70-110 µs a call (`docs/decisions/`), which
the ad request cannot afford. This keeps what it must have: TLS, AUTH, deadlines, and mending
a connection that died while Lambda had frozen the process.
"""

import socket
import struct
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urlsplit

import hiredis

from ctv_ads.errors import DependencyUnavailableError

if TYPE_CHECKING:
    from ssl import SSLContext

_RECEIVE_BYTES = 65_536
# A new connection has TCP and TLS handshakes to make and to authenticate: several round trips.
_CONNECTING_TAKES = 4


def _tls() -> "SSLContext":
    # Imported where it is wanted: OpenSSL is a sixth of the ad request's imports.
    from ssl import create_default_context  # noqa: PLC0415

    return create_default_context()


class RespError(Exception):
    """Valkey answered with an error, such as `WRONGTYPE …`."""


class ConnectionLostError(DependencyUnavailableError):
    """A kept connection died under a command, which may or may not have been carried out."""


class _Deadline:
    """When everything a command does has to be over, however many pieces its reply has."""

    __slots__ = ("_at", "timeout_s")

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._at = perf_counter() + timeout_s

    def remaining_s(self) -> float:
        remaining_s = self._at - perf_counter()
        if remaining_s <= 0:
            raise TimeoutError
        return remaining_s


class RespConnection:
    """One connection to one Valkey server. Not for several threads.

    A command has `timeout_ms` in all, and four times that before it if it has to connect.
    Every failure to get an answer in time is a `DependencyUnavailableError` and leaves the
    connection closed; the next command opens a new one.
    """

    def __init__(self, url: str, *, timeout_ms: int) -> None:
        """Remember where Valkey is; connecting waits for the first command."""
        parts = urlsplit(url)
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or 6379
        self._username = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._tls = _tls() if parts.scheme == "rediss" else None
        self._timeout_ms = timeout_ms
        self._kernel_timeout_s = 0.0
        self._socket: socket.socket | None = None
        self._reader = hiredis.Reader()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def call(
        self,
        *command: str | bytes | int,
        timeout_ms: int | None = None,
        may_repeat: bool = True,
    ) -> Any:  # noqa: ANN401 - replies are of many types
        """Send one command and return its reply; strings come back as bytes.

        A kept connection may have died unnoticed, so a command that fails on one is tried
        once more on a new one, unless it says that it must not be. `timeout_ms` is for a
        command whose reply is large.

        Raises:
            DependencyUnavailableError: no answer within the deadline, or no connection, twice.
            ConnectionLostError: the kept connection had died, and the command must not be
                repeated.
            RespError: Valkey answered with an error.
        """
        frame = hiredis.pack_command(command)  # type: ignore[arg-type]  # its stub wants one item
        allowed_ms = timeout_ms or self._timeout_ms
        kept = self._socket is not None
        try:
            reply = self._exchange(frame, allowed_ms)
        except OSError as error:
            self.close()
            # A deadline that passed is not a dead connection: asking again would double it.
            if not kept or isinstance(error, TimeoutError):
                raise self._unavailable(error) from error
            if not may_repeat:
                raise ConnectionLostError("valkey", str(error)) from error
            try:
                reply = self._exchange(frame, allowed_ms)
            except OSError as second:
                self.close()
                raise self._unavailable(second) from second
        if isinstance(reply, hiredis.ReplyError):
            raise RespError(str(reply))
        return reply

    def close(self) -> None:
        """Close the connection; the next command opens a new one."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange(self, frame: bytes, timeout_ms: int) -> Any:  # noqa: ANN401
        connection = self._socket or self._connect()
        return self._ask(connection, frame, _Deadline(timeout_ms / 1000))

    def _ask(self, connection: socket.socket, frame: bytes, deadline: _Deadline) -> Any:  # noqa: ANN401
        try:
            self._send(connection, frame, deadline)
            return self._receive(connection, deadline)
        except (BlockingIOError, TimeoutError) as error:
            raise TimeoutError(f"no answer within {deadline.timeout_s * 1000:.0f} ms") from error

    def _send(self, connection: socket.socket, frame: bytes, deadline: _Deadline) -> None:
        unsent = memoryview(frame)
        while unsent:
            self._limit(connection, deadline)
            unsent = unsent[connection.send(unsent) :]

    def _receive(self, connection: socket.socket, deadline: _Deadline) -> Any:  # noqa: ANN401
        while True:
            try:
                reply = self._reader.gets()
            except hiredis.ProtocolError as error:
                raise ConnectionAbortedError(f"this is no Valkey: {error}") from error
            if reply is not False:
                return reply
            self._limit(connection, deadline)
            chunk = connection.recv(_RECEIVE_BYTES)
            if not chunk:
                raise ConnectionResetError("the connection was closed")
            self._reader.feed(chunk)

    def _limit(self, connection: socket.socket, deadline: _Deadline) -> None:
        """Let the next send or receive block no longer than the deadline."""
        remaining_s = deadline.remaining_s()
        if self._tls is not None:
            # Python's TLS asks the kernel again when the kernel's own deadline has passed.
            connection.settimeout(remaining_s)
            return
        # The kernel's own deadline: settimeout() would make Python poll before every call.
        # Nearly all of the time is all of it, so that small commands need not set it anew.
        wanted_s = deadline.timeout_s if remaining_s > 0.9 * deadline.timeout_s else remaining_s
        if wanted_s != self._kernel_timeout_s:
            micros = max(1, int(wanted_s * 1_000_000))  # 0 would be for ever
            timeval = struct.pack("ll", micros // 1_000_000, micros % 1_000_000)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)
            self._kernel_timeout_s = wanted_s

    def _connect(self) -> socket.socket:
        deadline = _Deadline(_CONNECTING_TAKES * self._timeout_ms / 1000)
        connection = socket.create_connection((self._host, self._port), deadline.timeout_s)
        self._socket = connection
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is None:
            connection.settimeout(None)
        else:
            connection.settimeout(deadline.remaining_s())
            connection = self._tls.wrap_socket(connection, server_hostname=self._host)
        self._kernel_timeout_s = 0.0
        self._reader = hiredis.Reader()
        self._socket = connection
        self._authenticate(connection, deadline)
        return connection

    def _authenticate(self, connection: socket.socket, deadline: _Deadline) -> None:
        if not self._password:
            return
        user = (self._username,) if self._username else ()
        frame = hiredis.pack_command(("AUTH", *user, self._password))
        reply = self._ask(connection, frame, deadline)
        if isinstance(reply, hiredis.ReplyError):
            raise ConnectionRefusedError(f"authentication failed: {reply}")

    def _unavailable(self, error: OSError) -> DependencyUnavailableError:
        return DependencyUnavailableError("valkey", str(error) or type(error).__name__)
