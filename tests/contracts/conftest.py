"""What several contracts are tried on."""

from collections.abc import Iterator

import pytest
import redis

from ctv_ads.adapters.valkey.resp import RespConnection
from local.valkey import ValkeyServer
from tests.pod_shelves import MemoryShelf, Shelf, ValkeyShelf


@pytest.fixture(params=["memory", "valkey"])
def shelf(request: pytest.FixtureRequest) -> Iterator[Shelf]:
    if request.param == "memory":
        yield MemoryShelf()
        return
    server: ValkeyServer = request.getfixturevalue("valkey_server")
    with (
        redis.Redis.from_url(server.url) as client,
        RespConnection(server.url, timeout_ms=1000) as connection,
    ):
        client.flushall()
        yield ValkeyShelf(client, connection)
