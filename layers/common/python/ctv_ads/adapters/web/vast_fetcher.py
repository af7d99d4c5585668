"""Fetch strangers' documents over HTTP without being led into a private network.

The host is resolved here, every address is checked, and the connection goes to the address that
was checked: a name that resolves to something else a moment later gains nothing.
"""

import io
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from typing import Self
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from ctv_ads.adapters.web.addresses import is_public
from ctv_ads.domain.media import RejectionCode
from ctv_ads.ports.vast_tags import Monotonic, TagFetchError

MAX_BYTES = 1_000_000
MAX_REDIRECTS = 5
PORTS = frozenset({80, 443})
_DEFAULT_PORT = {"http": 80, "https": 443}
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9.])?|[0-9A-Fa-f:.]+")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {
    "Accept": "application/xml, text/xml",
    "Accept-Encoding": "gzip",
    "User-Agent": "ctv-ad-server-tag-check",
    "Connection": "close",
}

Resolve = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host. Raises OSError."""


def system_resolver(host: str, port: int) -> Sequence[str]:
    """Return the addresses that the system knows, IPv4 first: Lambda has no IPv6 by default."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    return [str(entry[4][0]) for entry in found]


@dataclass(frozen=True, slots=True)
class HttpVastFetcher:
    """Implements `ports.VastFetcher`. Tests on loopback bring their own rules."""

    resolve: Resolve = system_resolver
    may_connect: Callable[[str], bool] = is_public
    ports: frozenset[int] = PORTS
    monotonic: Monotonic = time.monotonic

    def fetch(self, url: str, *, deadline: float) -> bytes:
        """Return the document at `url`, following redirects, each checked like the first."""
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._get(url, deadline)
            if isinstance(answer, bytes):
                return answer
            url = answer
        raise TagFetchError(
            RejectionCode.TAG_UNREACHABLE, f"The tag redirects more than {MAX_REDIRECTS} times."
        )

    def _get(self, url: str, deadline: float) -> bytes | str:
        """Return the body, or the address to go on with."""
        parts, port = self._checked(url)
        try:
            with _Exchange(parts, port, self._address(parts, port, deadline), self, deadline) as it:
                return it.answer(url)
        except TimeoutError as error:
            raise _too_slow() from error
        except (OSError, HTTPException, zlib.error, ValueError) as error:
            message = f"{parts.hostname} did not answer properly ({type(error).__name__})."
            raise TagFetchError(RejectionCode.TAG_UNREACHABLE, message) from error

    def _checked(self, url: str) -> tuple[SplitResult, int]:
        try:
            parts = urlsplit(url)
            port = parts.port or _DEFAULT_PORT.get(parts.scheme, 0)
            host = parts.hostname or ""
        except ValueError as error:
            raise _refused("The tag's address cannot be read.") from error
        if parts.scheme not in _DEFAULT_PORT:
            raise _refused("The tag's address has to start with http:// or https://.")
        if port not in self.ports:
            raise _refused("The tag's address may only use the ports 80 and 443.")
        if parts.username is not None or parts.password is not None:
            raise _refused("The tag's address must not hold a user name or password.")
        if len(host) > 253 or not _HOST.fullmatch(host):
            raise _refused("The tag's host name is not accepted.")
        return parts, port

    def _address(self, parts: SplitResult, port: int, deadline: float) -> str:
        host = parts.hostname or ""
        found = _within(lambda: self.resolve(host, port), deadline - self.monotonic())
        if not found:
            raise TagFetchError(RejectionCode.TAG_UNREACHABLE, f"{host} has no address.")
        # One bad address is enough: a mixture is how a filter that takes the first is fooled.
        if not all(self.may_connect(address) for address in found):
            raise _refused(f"{host} is not on the public internet.")
        return found[0]


class _Exchange:
    """One request on one connection; nothing of it outlives the deadline."""

    def __init__(
        self, parts: SplitResult, port: int, address: str, rules: HttpVastFetcher, deadline: float
    ) -> None:
        self._parts, self._port = parts, port
        self._deadline = _Deadline(deadline, rules.monotonic)
        plain = socket.create_connection((address, port), timeout=self._deadline.left())
        try:
            self._socket = self._secured(plain) if parts.scheme == "https" else plain
        except BaseException:
            plain.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def answer(self, url: str) -> bytes | str:
        parts = self._parts
        connection = HTTPConnection(parts.hostname or "", self._port)
        connection.sock = _BoundSocket(self._socket, self._deadline)
        target = quote(parts.path or "/", safe="/%:=&~+!$,;'@()*")
        if parts.query:
            target += "?" + quote(parts.query, safe="/%:=&?~+!$,;'@()*")
        connection.request("GET", target, headers={"Host": parts.netloc, **_HEADERS})
        response = connection.getresponse()
        location = response.getheader("Location")
        if response.status in _REDIRECTS and location:
            return urljoin(url, location)
        if response.status != HTTPStatus.OK:
            message = f"{parts.hostname} answered {response.status}."
            raise TagFetchError(RejectionCode.TAG_UNREACHABLE, message)
        return _body(response)

    def _secured(self, plain: socket.socket) -> socket.socket:
        context = ssl.create_default_context()
        return context.wrap_socket(plain, server_hostname=self._parts.hostname)


@dataclass(frozen=True, slots=True)
class _Deadline:
    moment: float
    monotonic: Monotonic

    def left(self) -> float:
        """Return the seconds left; raise once there are none."""
        left = self.moment - self.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline is over")
        return left


class _BoundSocket:
    """What `http.client` uses of a socket, each call within what is left of the time.

    A time-out per call alone would let a server that sends a byte a second go on for ever.
    """

    def __init__(self, sock: socket.socket, deadline: _Deadline) -> None:
        self._socket = sock
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        self._socket.settimeout(self._deadline.left())
        self._socket.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_BoundReader(self._socket, self._deadline))

    def close(self) -> None:
        """Leave it to the exchange."""


class _BoundReader(io.RawIOBase):
    def __init__(self, sock: socket.socket, deadline: _Deadline) -> None:
        super().__init__()
        self._socket = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._socket.settimeout(self._deadline.left())
        return self._socket.recv_into(buffer)


def _body(response: HTTPResponse) -> bytes:
    encoding = (response.getheader("Content-Encoding") or "identity").strip().lower()
    sent = _up_to_limit(response)
    if encoding == "identity":
        return sent
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        message = f"The tag answers in the encoding {encoding[:20]}, which was not asked for."
        raise TagFetchError(RejectionCode.TAG_UNREACHABLE, message)
    # Never unpacks more than the limit, however small the packed bomb is.
    unpacked = zlib.decompressobj(wbits=47).decompress(sent, MAX_BYTES + 1)
    if len(unpacked) > MAX_BYTES:
        raise _too_large()
    return unpacked


def _up_to_limit(response: HTTPResponse) -> bytes:
    sent = response.read(MAX_BYTES + 1)
    if len(sent) > MAX_BYTES:
        raise _too_large()
    if response.length:  # `read` does not mind an early end if it is given a size
        raise IncompleteRead(sent, response.length)
    return sent


def _within(call: Callable[[], Sequence[str]], seconds: float) -> Sequence[str]:
    """Return what `call` returns; names are resolved without any time limit of their own."""
    results: list[Sequence[str]] = []
    faults: list[Exception] = []

    def run() -> None:
        try:
            results.append(call())
        except (OSError, UnicodeError) as error:
            faults.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(max(seconds, 0))
    if faults:
        message = "The tag's host name cannot be resolved."
        raise TagFetchError(RejectionCode.TAG_UNREACHABLE, message) from faults[0]
    if not results:
        raise _too_slow()
    return results[0]


def _refused(message: str) -> TagFetchError:
    return TagFetchError(RejectionCode.TAG_ADDRESS_REFUSED, message)


def _too_slow() -> TagFetchError:
    return TagFetchError(RejectionCode.TAG_TOO_SLOW, "The tag did not answer in time.")


def _too_large() -> TagFetchError:
    return TagFetchError(
        RejectionCode.TAG_TOO_LARGE, f"The tag answers with more than {MAX_BYTES} bytes."
    )
