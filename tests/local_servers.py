"""Real PostgreSQL, Valkey and AWS emulator as fixtures; each xdist worker has its own.

Use them with `pytest_plugins = ["tests.local_servers"]` in `tests/conftest.py`, or by importing
the fixtures into a folder's `conftest.py`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, Self, TypeVar

import pytest

from local.emulator import Emulator
from local.ports import free_port
from local.postgres import PostgresServer
from local.processes import LocalError
from local.valkey import ValkeyServer

_ATTEMPTS = 3


class _Server(Protocol):
    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def stop(self) -> None: ...


S = TypeVar("S", bound=_Server)


def _run(server_on: Callable[[int], S]) -> Iterator[S]:
    # Between finding a free port and listening on it, another worker may take it: try again.
    for attempt in range(_ATTEMPTS):
        server = server_on(free_port())
        try:
            server.__enter__()
        except LocalError:
            server.stop()
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        break
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """PostgreSQL with an empty database `ctv_ads`; `.dsn` is its owner's."""
    # Not pytest's own temporary folder: every run of pytest closes that to other users, one of
    # whom PostgreSQL is when the tests run as root.
    with TemporaryDirectory(prefix="ctv-postgres-") as folder:
        yield from _run(
            lambda port: PostgresServer(
                Path(folder) / "data", port, password="owner-of-tests", durable=False
            )
        )


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    """Valkey, empty; `.url` is its address."""
    yield from _run(ValkeyServer)


@pytest.fixture(scope="session")
def aws_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """S3, SQS, EventBridge and Secrets Manager, empty; `.endpoint_url`, `.s3`, `.sqs`, …"""
    folder = tmp_path_factory.mktemp("aws")
    yield from _run(lambda port: Emulator(folder, port))
