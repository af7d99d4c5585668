"""The decision plane's own Valkey connection, against a real server and against bad ones."""

import datetime as dt
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.valkey.resp import RespConnection, RespError
from ctv_ads.errors import DependencyUnavailableError
from local.ports import free_port
from local.valkey import ValkeyServer

TIMEOUT_MS = 100


@pytest.fixture
def connection(valkey_server: ValkeyServer) -> Iterator[RespConnection]:
    with RespConnection(valkey_server.url, timeout_ms=1000) as connection:
        yield connection


def test_strings_come_back_as_the_bytes_that_went_in(connection: RespConnection) -> None:
    value = bytes(range(256))
    assert connection.call("SET", key := new_id(), value) == b"OK"
    assert connection.call("GET", key) == value
    assert connection.call("GET", new_id()) is None


def test_five_megabytes_come_back_whole(connection: RespConnection) -> None:
    value = b"0123456789abcdef" * (5 * 1024 * 64)
    connection.call("SET", key := new_id(), value)
    assert connection.call("GET", key) == value


def test_an_error_reply_is_an_error_and_the_connection_lives_on(
    connection: RespConnection,
) -> None:
    connection.call("SET", key := new_id(), "text")
    with pytest.raises(RespError, match="WRONGTYPE"):
        connection.call("LPUSH", key, "x")
    assert connection.call("PING") == b"PONG"


def test_a_connection_that_the_server_killed_is_replaced_unnoticed(
    connection: RespConnection, valkey_server: ValkeyServer
) -> None:
    identity = connection.call("CLIENT", "ID")
    with redis.Redis.from_url(valkey_server.url) as admin:
        admin.execute_command("CLIENT", "KILL", "ID", identity)
    assert connection.call("PING") == b"PONG"
    assert connection.call("CLIENT", "ID") != identity


def test_a_restarted_server_is_found_again() -> None:
    port = free_port()
    with (
        RespConnection(f"redis://127.0.0.1:{port}/0", timeout_ms=1000) as connection,
    ):
        with ValkeyServer(port):
            assert connection.call("PING") == b"PONG"
        with pytest.raises(DependencyUnavailableError, match="valkey"):
            connection.call("PING")
        with ValkeyServer(port):
            assert connection.call("PING") == b"PONG"


def test_a_server_that_is_down_is_told_quickly() -> None:
    with RespConnection(f"redis://127.0.0.1:{free_port()}", timeout_ms=TIMEOUT_MS) as connection:
        assert _seconds(lambda: _fails(connection)) < 0.5


def test_a_server_asks_for_its_password(valkey_server: ValkeyServer) -> None:
    admin = redis.Redis.from_url(valkey_server.url)
    port, user = valkey_server.port, f"user-{new_id()}"
    admin.execute_command("ACL", "SETUSER", user, "on", ">p/ss w:rd@", "~*", "+@all")  # type: ignore[no-untyped-call]
    with closing(admin):
        url = f"redis://{user}:p%2Fss%20w%3Ard%40@127.0.0.1:{port}"
        with RespConnection(url, timeout_ms=1000) as right:
            assert right.call("ACL", "WHOAMI") == user.encode()
        with RespConnection(f"redis://{user}:wrong@127.0.0.1:{port}", timeout_ms=1000) as wrong:
            told = _fails(wrong)
    assert "WRONGPASS" in told
    assert ":wrong" not in told


def test_requirepass_is_answered_without_a_user_name() -> None:
    with ValkeyServer(free_port()) as server:
        with redis.Redis.from_url(server.url) as admin:
            admin.config_set("requirepass", "secret-of-tests")
        url = f"redis://:secret-of-tests@127.0.0.1:{server.port}"
        with RespConnection(url, timeout_ms=1000) as connection:
            assert connection.call("PING") == b"PONG"
        with (
            RespConnection(server.url, timeout_ms=1000) as anonymous,
            pytest.raises(RespError, match="NOAUTH"),
        ):
            anonymous.call("PING")


Answer = Callable[[socket.socket], None]


class FakeServer:
    """Gives every connection to `answer`, until it is closed."""

    def __init__(self, answer: Answer, context: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self._answer = answer
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                self._speak(connection)

    def _speak(self, connection: socket.socket) -> None:
        try:
            if self._context is None:
                self._answer(connection)
                return
            with self._context.wrap_socket(connection, server_side=True) as secure:
                self._answer(secure)
        except OSError:
            pass  # the client has left

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


@contextmanager
def served_by(answer: Answer) -> Iterator[tuple[FakeServer, RespConnection]]:
    with (
        closing(FakeServer(answer)) as server,
        RespConnection(f"redis://127.0.0.1:{server.port}", timeout_ms=TIMEOUT_MS) as connection,
    ):
        yield server, connection


def _says(*parts: bytes, pause_s: float = 0) -> Answer:
    def answer(connection: socket.socket) -> None:
        connection.recv(65_536)
        for part in parts:
            connection.sendall(part)
            time.sleep(pause_s)
        while connection.recv(65_536):
            pass

    return answer


def test_a_server_that_never_answers_is_left_at_the_deadline() -> None:
    with served_by(_says()) as (_, connection):
        seconds = _seconds(lambda: _fails(connection))
    assert TIMEOUT_MS / 1000 * 0.9 < seconds < TIMEOUT_MS / 1000 * 2.5


def test_half_a_reply_is_no_reply() -> None:
    with served_by(_says(b"$10\r\nhalf")) as (_, connection):
        assert _seconds(lambda: _fails(connection)) < 0.3


def test_a_reply_in_pieces_is_put_together() -> None:
    with served_by(_says(b"$1", b"0\r\n01234", b"56789\r", b"\n", pause_s=0.01)) as (_, connection):
        assert connection.call("GET", "x") == b"0123456789"


def test_a_late_reply_is_never_taken_for_the_next_ones() -> None:
    def late_then_right(connection: socket.socket) -> None:
        connection.recv(65_536)
        if server.connections == 1:
            time.sleep(0.2)
            connection.sendall(b"$4\r\nlate\r\n")
        else:
            connection.sendall(b"$5\r\nright\r\n")

    with served_by(late_then_right) as (server, connection):
        _fails(connection)
        assert connection.call("GET", "y") == b"right"


@pytest.mark.parametrize("garbage", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\xff\r\n"])
def test_what_is_not_valkey_is_told_as_unavailable(garbage: bytes) -> None:
    with served_by(_says(garbage)) as (_, connection):
        _fails(connection)
        _fails(connection)


def test_a_connection_closed_in_the_middle_of_a_reply_is_told() -> None:
    def hang_up(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"$10\r\nhalf")

    with served_by(hang_up) as (server, connection):
        _fails(connection)
    assert server.connections == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of localhost, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[FakeServer]:
    # The wheel's valkey-server is built without TLS, so a stand-in speaks it.
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with closing(FakeServer(_says(b"+PONG\r\n"), context)) as server:
        yield server


def test_rediss_speaks_tls_to_a_server_it_trusts(
    tls_server: FakeServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with RespConnection(f"rediss://localhost:{tls_server.port}", timeout_ms=1000) as connection:
        assert connection.call("PING") == b"PONG"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_rediss_refuses_a_server_it_does_not_trust(tls_server: FakeServer, host: str) -> None:
    with RespConnection(f"rediss://{host}:{tls_server.port}", timeout_ms=1000) as connection:
        assert "CERTIFICATE_VERIFY_FAILED" in _fails(connection)


def test_the_name_of_the_server_is_checked_too(
    tls_server: FakeServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with RespConnection(f"rediss://127.0.0.1:{tls_server.port}", timeout_ms=1000) as connection:
        assert "CERTIFICATE_VERIFY_FAILED" in _fails(connection)


def _fails(connection: RespConnection) -> str:
    with pytest.raises(DependencyUnavailableError) as unavailable:
        connection.call("PING")
    assert unavailable.value.dependency == "valkey"
    return str(unavailable.value)


def _seconds(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started
