"""What every test may use, and what none may do."""

import socket
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from ctv_ads.migrate import ensure_role, migrate_up, packaged_migrations
from local.postgres import DATABASE, PostgresServer
from tests.worlds import Schema, World, postgres_world

pytest_plugins = ["tests.local_servers"]

_LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Let no test reach beyond this machine."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _on_loopback(getattr(socket.socket, name)))
        yield


def _on_loopback(connect: Any) -> Any:
    def connect_to(self: socket.socket, address: Any) -> Any:
        is_local = isinstance(address, str | bytes) or str(address[0]).startswith(_LOOPBACK)
        if not is_local:
            raise AssertionError(f"a test wanted to reach {address[0]}")
        return connect(self, address)

    return connect_to


@pytest.fixture(scope="session")
def schema(postgres_server: PostgresServer) -> Schema:
    """A database at the newest schema, with the roles of the functions."""
    return migrated(postgres_server)


@pytest.fixture(scope="session")
def postgres_of_session(schema: Schema) -> Iterator[World]:
    """One world for all tests: each makes its own tenants, connections are kept."""
    world = postgres_world(schema)
    yield world
    world.close()


def migrated(server: PostgresServer) -> Schema:
    """Bring the server's database up to date and return how its roles connect."""
    passwords = {"ctv_api": "api-of-tests", "ctv_pipeline": "pipeline-of-tests"}
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        for role, password in passwords.items():
            ensure_role(connection, role, password)
        migrate_up(connection, packaged_migrations())
    api, pipeline = (
        {
            "host": "127.0.0.1",
            "port": str(server.port),
            "dbname": DATABASE,
            "username": role,
            "password": password,
            "sslmode": "disable",
        }
        for role, password in passwords.items()
    )
    return Schema(server.dsn, api, pipeline)
