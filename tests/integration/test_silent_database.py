"""A PostgreSQL that holds the line and says nothing, and statements that never end."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import psycopg
import pytest

from ctv_ads.adapters.postgres.database import Database
from ctv_ads.bootstrap import health
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.health import Dependency
from ctv_ads.use_cases.check_health import CheckHealth
from functions.platform import routes
from local.ports import free_port
from local.postgres import PostgresServer

STATEMENT_TIMEOUT_MS = 500
BOUND_S = 1.5  # what a whole transaction may take: a second more
SLACK_S = 0.7

Secret = dict[str, str]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of its own: nobody else's is stopped."""
    with (
        TemporaryDirectory(prefix="ctv-postgres-") as folder,
        PostgresServer(
            Path(folder) / "data", free_port(), password="of-tests", durable=False
        ) as server,
    ):
        yield server


@pytest.fixture
def secret(server: PostgresServer) -> Secret:
    return {
        "host": "127.0.0.1",
        "port": str(server.port),
        "dbname": "ctv_ads",
        "username": "ctv_owner",
        "password": server.password,
        "sslmode": "disable",
    }


@pytest.fixture
def database(secret: Secret) -> Iterator[Database]:
    database = Database(secret, connect_timeout_s=2, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
    yield database
    database.close()


@contextmanager
def silenced(server: PostgresServer) -> Iterator[None]:
    """Stop the server and its backends as SIGSTOP does: their kernel still acknowledges."""
    assert server.process is not None
    postmaster = psutil.Process(server.process.pid)
    # The postmaster first, so that it makes no more children.
    stopped = [postmaster]
    postmaster.send_signal(signal.SIGSTOP)
    try:
        for child in postmaster.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.send_signal(signal.SIGSTOP)
                stopped.append(child)
        yield
    finally:
        for process in stopped:
            with suppress(psutil.NoSuchProcess):  # one whose client had left before
                process.send_signal(signal.SIGCONT)


def run(database: Database, *statements: str) -> None:
    with database.transaction() as connection:
        for statement in statements or ("SELECT 1",):
            connection.execute(statement)


def fails(work: Callable[[], object], *, within_s: float, match: str = "postgresql") -> None:
    started = time.monotonic()
    with pytest.raises(DependencyUnavailableError, match=match) as unavailable:
        work()
    assert time.monotonic() - started < within_s
    assert unavailable.value.dependency == "postgresql"


def test_a_kept_connection_to_a_silent_server_is_given_up_once_and_mended_later(
    server: PostgresServer, database: Database
) -> None:
    run(database)
    with silenced(server):
        fails(lambda: run(database), within_s=BOUND_S + SLACK_S, match="no answer")
    run(database)


def test_a_new_connection_to_a_silent_server_is_given_up(
    server: PostgresServer, database: Database
) -> None:
    with silenced(server):
        fails(lambda: run(database), within_s=2 + SLACK_S)
    run(database)


def test_a_server_that_falls_silent_in_a_transaction_is_given_up(
    server: PostgresServer, database: Database
) -> None:
    def fall_silent() -> None:
        with database.transaction() as connection:
            connection.execute("SELECT 1")
            with silenced(server):
                connection.execute("SELECT 2")

    fails(fall_silent, within_s=BOUND_S + SLACK_S, match="no answer")
    run(database)


def test_a_commit_that_is_not_answered_is_given_up(
    server: PostgresServer, database: Database
) -> None:
    with ExitStack() as stack:

        def commit() -> None:
            with database.transaction() as connection:
                connection.execute("SELECT 1")
                stack.enter_context(silenced(server))

        fails(commit, within_s=BOUND_S + SLACK_S, match="no answer")
    run(database)


def test_many_short_statements_have_one_bound_together(database: Database) -> None:
    statements = ["SELECT pg_sleep(0.3)"] * 20
    fails(lambda: run(database, *statements), within_s=BOUND_S + SLACK_S, match="no answer")
    run(database)


def test_a_long_statement_is_cancelled_by_the_server(database: Database) -> None:
    fails(
        lambda: run(database, "SELECT pg_sleep(10)"),
        within_s=STATEMENT_TIMEOUT_MS / 1000 + SLACK_S,
        match="statement timeout",
    )
    run(database)


def test_a_lock_that_is_not_given_is_told(database: Database, server: PostgresServer) -> None:
    with psycopg.connect(server.dsn) as other:
        other.execute("CREATE TABLE wanted (n int)")
        other.commit()
        other.execute("LOCK TABLE wanted")
        fails(
            lambda: run(database, "SELECT * FROM wanted"),
            within_s=STATEMENT_TIMEOUT_MS / 1000 + SLACK_S,
            match="lock timeout",
        )
        other.execute("DROP TABLE wanted")
    run(database)


def test_a_transaction_that_was_left_alone_holds_no_locks(database: Database) -> None:
    def dawdle() -> None:
        with database.transaction() as connection:
            connection.execute("SELECT 1")
            time.sleep(STATEMENT_TIMEOUT_MS / 1000 + 0.3)
            connection.execute("SELECT 2")

    fails(dawdle, within_s=BOUND_S + SLACK_S, match="idle-in-transaction")
    run(database)


def test_a_fault_of_ours_after_the_bound_is_not_postgresqls(secret: Secret) -> None:
    database = Database(secret, statement_timeout_ms=STATEMENT_TIMEOUT_MS)

    def dawdle_and_fail() -> None:
        with database.transaction() as connection:
            connection.execute("SET idle_in_transaction_session_timeout = 0")
            time.sleep(BOUND_S + 0.1)
            raise KeyError("a fault of ours")

    with pytest.raises(KeyError):
        dawdle_and_fail()
    run(database)
    database.close()


@pytest.mark.parametrize("kept", [True, False])
def test_health_names_a_silent_postgresql(
    server: PostgresServer, secret: Secret, monkeypatch: pytest.MonkeyPatch, *, kept: bool
) -> None:
    monkeypatch.setenv("DATABASE_SECRET_ID", "of-tests")
    monkeypatch.setattr(health, "secret_document", lambda _: secret)
    health._database.cache_clear()
    check = CheckHealth((Dependency("postgresql", health._ask_postgresql),), time.perf_counter)
    monkeypatch.setattr(routes, "health_check", lambda: check)
    if kept:
        assert routes.health().status_code == HTTPStatus.OK
    with silenced(server):
        started = time.monotonic()
        answer = routes.health()
        assert time.monotonic() - started < 3
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.body is not None
    assert answer.body.dependencies["postgresql"].status == "down"
    assert routes.health().status_code == HTTPStatus.OK
    health._database().close()
    health._database.cache_clear()


def test_a_peer_that_is_gone_is_noticed_by_the_kernel(database: Database) -> None:
    with database.transaction() as connection:
        parameters = connection.info.get_parameters()
    assert int(parameters["tcp_user_timeout"]) == 10_000
    assert int(parameters["keepalives_idle"]) + 2 * int(parameters["keepalives_interval"]) <= 20
