"""The decision plane's own Valkey connection, against a real server and against bad ones."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
import redis

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.valkey.inventory_reader import ValkeySnapshotReader
from ctv_ads.adapters.valkey.resp import RespConnection, RespError
from ctv_ads.errors import DependencyUnavailableError, SnapshotCorruptError
from local.ports import free_port
from local.valkey import ValkeyServer
from tests.fake_valkey import Answer, FakeServer, says, tls_context, write_certificate

TIMEOUT_MS = 100

Serve = Callable[[Answer], RespConnection]


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


@contextmanager
def served_by(answer: Answer) -> Iterator[tuple[FakeServer, RespConnection]]:
    with (
        closing(FakeServer(answer)) as server,
        RespConnection(f"redis://127.0.0.1:{server.port}", timeout_ms=TIMEOUT_MS) as connection,
    ):
        yield server, connection


def test_a_reply_in_pieces_is_put_together() -> None:
    with served_by(says(b"$1", b"0\r\n01234", b"56789\r", b"\n", pause_s=0.01)) as (_, connection):
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
    with served_by(says(garbage)) as (_, connection):
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
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    write_certificate(path)
    return path


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[FakeServer]:
    with closing(FakeServer(says(b"+PONG\r\n"), tls_context(certificate))) as server:
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


@pytest.fixture(params=["redis", "rediss"])
def serve(
    request: pytest.FixtureRequest, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Serve]:
    """Connect to a server that answers like this, over plain TCP and over TLS."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = tls_context(certificate) if request.param == "rediss" else None
    with ExitStack() as stack:

        def connect(answer: Answer) -> RespConnection:
            server = stack.enter_context(closing(FakeServer(answer, context)))
            url = f"{request.param}://localhost:{server.port}"
            return stack.enter_context(RespConnection(url, timeout_ms=TIMEOUT_MS))

        yield connect


LARGE = b"0123456789abcdef" * (5 * 1024 * 64)


def large_and_slow(connection: socket.socket) -> None:
    """Say five megabytes in a quarter of a second: more than one deadline's worth."""
    connection.recv(65_536)
    connection.sendall(b"$%d\r\n" % len(LARGE))
    for at in range(0, len(LARGE), step := len(LARGE) // 5):
        time.sleep(TIMEOUT_MS / 2000)
        connection.sendall(LARGE[at : at + step])
    connection.sendall(b"\r\n")
    answer_pings(connection)


def answer_pings(connection: socket.socket) -> None:
    """Say PONG once, then nothing more."""
    while connection.recv(65_536):
        connection.sendall(b"+PONG\r\n")
        connection.recv(65_536)


DRIPS = [b"$1000\r\n", *[b"x"] * 1000]
BAD_ANSWERS = {
    "silence": says(),
    "half a reply": says(b"$10\r\nhalf"),
    "one byte at a time": says(*DRIPS, pause_s=TIMEOUT_MS / 5000),
    "a second piece at the last moment": says(
        b"$10\r\n", b"01234", b"5", b"6", pause_s=TIMEOUT_MS / 1100
    ),
}


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
def test_a_command_has_one_deadline_however_the_server_dawdles(
    serve: Serve, answer: Answer
) -> None:
    connection = serve(answer)
    seconds = _seconds(lambda: _fails(connection))
    assert TIMEOUT_MS / 1000 * 0.9 < seconds < TIMEOUT_MS / 1000 * 2.5


def test_a_command_for_much_may_have_more_time_than_the_others(serve: Serve) -> None:
    connection = serve(large_and_slow)
    assert connection.call("GET", "large", timeout_ms=3000) == LARGE
    assert connection.call("PING") == b"PONG"
    assert _seconds(lambda: _fails(connection)) < TIMEOUT_MS / 1000 * 2.5, "the short one again"


def test_what_is_too_slow_for_the_short_deadline_is_given_up(serve: Serve) -> None:
    connection = serve(large_and_slow)
    assert _seconds(lambda: _fails(connection)) < TIMEOUT_MS / 1000 * 2.5


def test_only_the_body_of_an_inventory_may_take_longer() -> None:
    def slow_body(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(b"$2\r\nv1\r\n")
        connection.recv(65_536)
        time.sleep(TIMEOUT_MS / 500)
        connection.sendall(b"$3\r\nbad\r\n")

    with served_by(slow_body) as (_, connection), pytest.raises(SnapshotCorruptError):
        ValkeySnapshotReader(connection).current()


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_a_server_that_is_never_done_with_connecting_is_left(scheme: str) -> None:
    with (
        closing(FakeServer(says())) as server,
        RespConnection(f"{scheme}://:word@127.0.0.1:{server.port}", timeout_ms=50) as connection,
    ):
        assert _seconds(lambda: _fails(connection)) < 0.5


def _fails(connection: RespConnection) -> str:
    with pytest.raises(DependencyUnavailableError) as unavailable:
        connection.call("PING")
    assert unavailable.value.dependency == "valkey"
    return str(unavailable.value)


def _seconds(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started
