"""The HTTP of the thin AWS client: answers in every lawful form, and none in another."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ctv_ads.adapters.aws.kept_connection import BrokenAnswerError, KeptConnection
from tests.fake_valkey import tls_context, write_certificate

REQUEST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
PLAIN = OK + b"Content-Length: 2\r\n\r\n{}"


Pieces = Sequence[bytes | None]


class Server:
    """Answers one request after another with what it is told to, piece by piece; None closes."""

    def __init__(self, answers: Sequence[Pieces], tls: ssl.SSLContext | None = None) -> None:
        self.opened = 0
        self._answers = list(answers)
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while self._answers:
            with suppress(OSError):
                connection, _ = self._listener.accept()
                self.opened += 1
                connection.settimeout(5)
                if self._tls:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                with connection:
                    self._talk(connection)
            if self._listener.fileno() < 0:
                return

    def _talk(self, connection: socket.socket) -> None:
        while connection.recv(65_536) and self._answers:
            for piece in self._answers.pop(0):
                if piece is None:
                    return
                connection.sendall(piece)
                time.sleep(0.01)

    def close(self) -> None:
        self._answers.clear()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        self._listener.close()
        self._thread.join(6)


Opened = Callable[..., tuple[Server, KeptConnection]]


@pytest.fixture
def opened() -> Iterator[Opened]:
    made: list[Server | KeptConnection] = []

    def make(*answers: Pieces) -> tuple[Server, KeptConnection]:
        server = Server(answers)
        kept = KeptConnection(urlsplit(f"http://127.0.0.1:{server.port}"), timeout_s=0.5)
        made.extend((server, kept))
        return server, kept

    yield make
    for one in reversed(made):
        one.close()


@pytest.mark.parametrize(
    ("pieces", "status", "body"),
    [
        ([PLAIN], 200, b"{}"),
        ([PLAIN[:3], PLAIN[3:20], PLAIN[20:-1], PLAIN[-1:]], 200, b"{}"),
        ([OK + b"content-length:0\r\n\r\n"], 200, b""),
        ([OK + b"CONTENT-LENGTH:  3  \r\nx: y\r\n\r\nabc"], 200, b"abc"),
        ([b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN], 200, b"{}"),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], 204, b""),
        ([b"HTTP/1.1 503\r\ncontent-length: 4\r\n\r\nbusy"], 503, b"busy"),
        ([OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"], 200, b""),
        (
            [OK + b"Transfer-Encoding: Chunked\r\n\r\n2;a=b\r\n{}\r\nA\r\n01234", b"56789\r\n0\r\n",
             b"trailer: yes\r\n\r\n"],
            200,
            b"{}0123456789",
        ),
    ],
)  # fmt: skip
def test_a_whole_answer_keeps_the_connection(
    opened: Opened, pieces: list[bytes], status: int, body: bytes
) -> None:
    server, kept = opened(pieces, [PLAIN])
    assert kept.exchange(REQUEST) == (status, body)
    assert kept.exchange(REQUEST) == (200, b"{}")
    assert server.opened == 1


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
        (OK + b"connection: Close\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"{}"),
        (PLAIN + b"more than was asked for", b"{}"),
    ],
)
def test_what_shall_not_be_kept_is_not(opened: Opened, answer: bytes, body: bytes) -> None:
    server, kept = opened([answer], [PLAIN])
    assert kept.exchange(REQUEST) == (200, body)
    assert not kept.is_open
    assert kept.exchange(REQUEST) == (200, b"{}")
    assert server.opened == 2


def test_without_a_length_the_body_ends_with_the_connection(opened: Opened) -> None:
    _, kept = opened([OK + b"\r\n{" + b" " * 100_000, b"}", None])
    assert kept.exchange(REQUEST) == (200, b"{" + b" " * 100_000 + b"}")
    assert not kept.is_open


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 \r\n\r\n",
        OK + b"content-length: -1\r\n\r\n",
        OK + b"content-length: 1_0\r\n\r\n0123456789",
        OK + b"content-length: 99999999\r\n\r\n",
        OK + b"transfer-encoding: gzip, chunked\r\n\r\n",
        OK + b"transfer-encoding: chunked\r\n\r\nxyz\r\n",
        OK + b"transfer-encoding: chunked\r\n\r\n2\r\n{}}}\r\n",
        OK + b"transfer-encoding: chunked\r\n\r\nfffffff\r\n",
        OK + b"x: " + b"y" * 70_000,
    ],
)
def test_what_is_no_answer_is_refused_and_not_kept(opened: Opened, answer: bytes) -> None:
    _, kept = opened([answer])
    with pytest.raises(BrokenAnswerError):
        kept.exchange(REQUEST)
    assert not kept.is_open


EARLY = [PLAIN[:-1], OK, OK + b"transfer-encoding: chunked\r\n\r\n5\r\n{}"]


@pytest.mark.parametrize("pieces", [[None], *([early, None] for early in EARLY)])
def test_a_connection_that_ends_early_is_told(opened: Opened, pieces: Pieces) -> None:
    _, kept = opened(pieces)
    with pytest.raises(ConnectionResetError, match="closed"):
        kept.exchange(REQUEST)
    assert not kept.is_open


@pytest.mark.parametrize("early", EARLY)
def test_an_answer_that_stops_early_is_left_at_the_deadline(opened: Opened, early: bytes) -> None:
    _, kept = opened([early])
    with pytest.raises(TimeoutError):
        kept.exchange(REQUEST)
    assert not kept.is_open


def test_an_answer_that_drips_is_left_at_the_deadline(opened: Opened) -> None:
    _, kept = opened([b"HTTP/1.1 200 OK\r\n", *[b"x: y\r\n"] * 200])
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        kept.exchange(REQUEST)
    assert 0.4 < time.monotonic() - started < 1.5


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    write_certificate(path)
    return path


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[Server]:
    with closing(Server([[PLAIN]] * 3, tls_context(certificate))) as server:
        yield server


def test_tls_is_spoken_and_kept(
    tls_server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    address = urlsplit(f"https://localhost:{tls_server.port}")
    with closing(KeptConnection(address, timeout_s=2)) as kept:
        assert [kept.exchange(REQUEST) for _ in range(2)] == [(200, b"{}")] * 2
        assert tls_server.opened == 1
        kept.close()
        assert kept.exchange(REQUEST) == (200, b"{}")
    assert tls_server.opened == 2


def _assert_not_verified(address: str) -> None:
    with closing(KeptConnection(urlsplit(address), timeout_s=2)) as kept:
        with pytest.raises(ssl.SSLCertVerificationError):
            kept.exchange(REQUEST)
        assert not kept.is_open


def test_tls_is_spoken_with_nobody_untrusted(tls_server: Server) -> None:
    _assert_not_verified(f"https://localhost:{tls_server.port}")


def test_tls_is_spoken_only_with_whom_the_certificate_names(
    tls_server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    _assert_not_verified(f"https://127.0.0.1:{tls_server.port}")
