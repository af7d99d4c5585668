"""A thin Valkey connection for the decision plane: socket, hiredis, one deadline per command.

The redis client costs some 300 ms of import and 70-110 µs a call (`docs/decisions/`), which
the ad request cannot afford. This keeps what it must have: TLS, AUTH, deadlines, and mending
a connection that died while Lambda had frozen the process.
"""

import socket
import ssl
import struct
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import hiredis

from ctv_ads.errors import DependencyUnavailableError

_RECEIVE_BYTES = 65_536


class RespError(Exception):
    """Valkey answered with an error, such as `WRONGTYPE …`."""


class RespConnection:
    """One connection to one Valkey server. Not for several threads.

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
        self._tls = ssl.create_default_context() if parts.scheme == "rediss" else None
        self._timeout_ms = timeout_ms
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

    def call(self, *command: str | bytes | int) -> Any:  # noqa: ANN401 - replies are of many types
        """Send one command and return its reply; strings come back as bytes.

        A kept connection may have died unnoticed, so a command that fails on one is tried
        once more on a new one; only commands that may be repeated belong here.

        Raises:
            DependencyUnavailableError: no answer within the deadline, twice.
            RespError: Valkey answered with an error.
        """
        frame = hiredis.pack_command(command)  # type: ignore[arg-type]  # its stub wants one item
        kept = self._socket is not None
        try:
            reply = self._exchange(frame)
        except OSError as error:
            self.close()
            # A deadline that passed is not a dead connection: asking again would double it.
            if not kept or isinstance(error, TimeoutError):
                raise self._unavailable(error) from error
            try:
                reply = self._exchange(frame)
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

    def _exchange(self, frame: bytes) -> Any:  # noqa: ANN401
        connection = self._socket or self._connect()
        try:
            connection.sendall(frame)
            return self._receive(connection)
        except BlockingIOError as error:
            raise TimeoutError(f"no answer within {self._timeout_ms} ms") from error

    def _receive(self, connection: socket.socket) -> Any:  # noqa: ANN401
        while True:
            try:
                reply = self._reader.gets()
            except hiredis.ProtocolError as error:
                raise ConnectionAbortedError(f"this is no Valkey: {error}") from error
            if reply is not False:
                return reply
            chunk = connection.recv(_RECEIVE_BYTES)
            if not chunk:
                raise ConnectionResetError("the connection was closed")
            self._reader.feed(chunk)

    def _connect(self) -> socket.socket:
        timeout_s = self._timeout_ms / 1000
        # A new connection has TCP and TLS handshakes to make: several round trips.
        connection = socket.create_connection((self._host, self._port), timeout=4 * timeout_s)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_hostname=self._host)
        # The kernel's own deadline: settimeout() would make Python poll before every call.
        connection.settimeout(None)
        deadline = struct.pack("ll", self._timeout_ms // 1000, self._timeout_ms % 1000 * 1000)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, deadline)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, deadline)
        self._reader = hiredis.Reader()
        self._socket = connection
        self._authenticate(connection)
        return connection

    def _authenticate(self, connection: socket.socket) -> None:
        if not self._password:
            return
        user = (self._username,) if self._username else ()
        connection.sendall(hiredis.pack_command(("AUTH", *user, self._password)))
        reply = self._receive(connection)
        if isinstance(reply, hiredis.ReplyError):
            raise ConnectionRefusedError(f"authentication failed: {reply}")

    def _unavailable(self, error: OSError) -> DependencyUnavailableError:
        return DependencyUnavailableError("valkey", str(error) or type(error).__name__)
