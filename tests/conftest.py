"""What every test may use, and what none may do."""

import socket
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from _pytest.nodeid import coerce_node_id
from hypothesis import settings

from ctv_ads.migrate import ensure_role, migrate_up, packaged_migrations
from local.postgres import DATABASE, PostgresServer
from tests.worlds import Schema, World, postgres_world

pytest_plugins = ["tests.local_servers"]

_LOOPBACK = ("127.", "::1", "localhost")

# How long an example takes is the machine's affair; benchmarks hold performance.
settings.register_profile("ours", deadline=None)
settings.load_profile("ours")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep tests of one `xdist_group` on one worker.

    xdist 3.8.0 tells the group in `item._nodeid`, which pytest 9.2 no longer reads: without
    this, `--dist loadgroup` spreads every group, and each worker would start its own product.
    """
    if not config.getoption("loadgroup", default=False):
        return
    for item in items:
        mark = item.get_closest_marker("xdist_group")
        group = f"@{mark.kwargs.get('name') or mark.args[0]}" if mark else ""
        if group and not item.nodeid.endswith(group):
            item._id = coerce_node_id(f"{item.nodeid}{group}")


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
