"""How long the records of decisions stay in Valkey."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from ctv_ads.adapters.valkey.pod_filler import ValkeyPodFiller
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.domain.pod import PodSpec, ViewerKeys
from local.valkey import ValkeyServer
from tests.builders import NOON


@pytest.fixture
def client(valkey_server: ValkeyServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey_server.url) as client:
        client.flushall()
        client.function_flush()  # it remembers how many records waited
        yield client


@pytest.fixture
def connection(valkey_server: ValkeyServer) -> Iterator[RespConnection]:
    with RespConnection(valkey_server.url, timeout_ms=1000) as connection:
        yield connection


def record(filler: ValkeyPodFiller) -> None:
    filler.fill(
        PodSpec(None, 1), (), ViewerKeys(), seed=0, now=NOON, version=None, record=b"a decision"
    )


def test_the_records_are_cut_to_about_what_is_kept(
    client: redis.Redis, connection: RespConnection
) -> None:
    filler = ValkeyPodFiller(connection, records_kept=100)
    for _ in range(500):
        record(filler)
    kept: Any = client.xlen("rec:{s0}")
    assert 100 <= kept < 300


def test_records_that_wait_for_the_archive_are_kept_beyond_that(
    client: redis.Redis, connection: RespConnection
) -> None:
    client.xgroup_create("rec:{s0}", "archive", "0", mkstream=True)
    filler = ValkeyPodFiller(connection, records_kept=100, records_at_most=2_000)
    for _ in range(1_000):
        record(filler)
    taken: Any = client.xreadgroup("archive", "drain", {"rec:{s0}": ">"}, count=1_000)
    for _ in range(300):
        record(filler)
    assert client.xlen("rec:{s0}") == 1_300  # neither waiting nor being carried is done
    client.xack("rec:{s0}", "archive", *[entry_id for entry_id, _ in taken[0][1]])
    for _ in range(700):
        record(filler)
    kept: Any = client.xlen("rec:{s0}")
    assert 1_100 <= kept < 1_400  # all that nobody has read, and some 100 more


def test_records_that_wait_for_ever_are_cut_to_a_bound(
    client: redis.Redis, connection: RespConnection
) -> None:
    client.xgroup_create("rec:{s0}", "archive", "0", mkstream=True)
    filler = ValkeyPodFiller(connection, records_kept=100, records_at_most=300)
    for _ in range(1_000):
        record(filler)
    kept: Any = client.xlen("rec:{s0}")
    assert 300 <= kept < 600
