"""Servers of these tests' own: others' are not to be restarted."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import redis

from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.valkey.resp import RespConnection
from local.ports import free_port
from local.postgres import PostgresServer
from local.valkey import ValkeyServer
from tests.conftest import migrated
from tests.faults.deaths import let_threads_die
from tests.faults.delivery import Consumer, stand_in
from tests.faults.street import Servers
from tests.functions.explaining import Server
from tests.worlds import World, postgres_world


@pytest.fixture(scope="session")
def mortal_postgres() -> Iterator[PostgresServer]:
    with TemporaryDirectory(prefix="ctv-postgres-") as folder:
        server = PostgresServer(
            Path(folder) / "data", free_port(), password="owner-of-tests", durable=False
        )
        with server:
            yield server


@pytest.fixture(scope="session")
def mortal_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with ValkeyServer(free_port(), data_dir=tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(scope="session")
def mortal_world(mortal_postgres: PostgresServer) -> Iterator[World]:
    world = postgres_world(migrated(mortal_postgres))
    yield world
    world.close()


@pytest.fixture
def servers(
    mortal_postgres: PostgresServer,
    mortal_valkey: ValkeyServer,
    mortal_world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Servers]:
    with _servers(mortal_postgres, mortal_valkey, mortal_world, monkeypatch) as found:
        yield found


@pytest.fixture
def durable_servers(
    mortal_valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Servers]:
    """With a PostgreSQL that flushes to disk what it has committed."""
    with TemporaryDirectory(prefix="ctv-postgres-") as folder:
        server = PostgresServer(Path(folder) / "data", free_port(), password="owner-of-tests")
        with server:
            world = postgres_world(migrated(server))
            with _servers(server, mortal_valkey, world, monkeypatch) as found:
                yield found
            world.close()


@contextmanager
def _servers(
    mortal_postgres: PostgresServer,
    mortal_valkey: ValkeyServer,
    mortal_world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Servers]:
    secret = mortal_world.schema.pipeline_secret
    let_threads_die(monkeypatch)
    stand_in(monkeypatch)
    with (
        redis.Redis.from_url(mortal_valkey.url) as client,
        RespConnection(mortal_valkey.url, timeout_ms=5000) as connection,
    ):
        found = Servers(
            mortal_postgres,
            mortal_valkey,
            mortal_world,
            client,
            Server(client, connection, monkeypatch),
            monkeypatch,
            [Database(secret), Database(secret)],
            [Consumer(secret, mortal_world.schema.owner_dsn) for _ in range(2)],
        )
        yield found
        found.close()
