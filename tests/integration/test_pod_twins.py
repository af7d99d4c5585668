"""The function inside Valkey and its Python twin decide alike, and remember alike."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctv_ads.adapters.memory.pod_filler import InMemoryPodFiller
from ctv_ads.adapters.valkey.pod_filler import ValkeyPodFiller
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.decisioning.pod_state import Grant
from ctv_ads.decisioning.pod_terms import DEVICE, HOUSEHOLD, SESSION
from ctv_ads.domain.inventory import ServableLineItem
from local.valkey import ValkeyServer
from tests.builders import NOON
from tests.pod_worlds import BREAKS, GRANTS, Break, an_id, candidates_of, inventories

BUCKET = 1_763_000_000


@pytest.fixture
def client(valkey_server: ValkeyServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey_server.url) as client:
        yield client


@pytest.fixture
def connection(valkey_server: ValkeyServer) -> Iterator[RespConnection]:
    with RespConnection(valkey_server.url, timeout_ms=2000) as connection:
        yield connection


# One server serves all examples: each begins with an empty one.
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(ranked=inventories(), breaks=st.lists(BREAKS, min_size=1, max_size=8), grants=GRANTS)
def test_both_pick_the_same_and_remember_the_same(
    client: redis.Redis,
    connection: RespConnection,
    ranked: list[ServableLineItem],
    breaks: list[Break],
    grants: dict[int, int],
) -> None:
    client.flushdb()
    twin = InMemoryPodFiller(version="1")
    client.hset("tok:{s0}", "v", "1")
    for number, amount in grants.items():
        token = an_id(2, number)
        twin.grants[token.encode()] = Grant(BUCKET, amount)
        client.hset("tok:{s0}", token, f"{BUCKET}:{amount}")
    now = NOON
    for number, one in enumerate(breaks):
        now += one.after
        candidates = candidates_of([ranked[n] for n in one.offered if n < len(ranked)])
        filler = ValkeyPodFiller(connection, node_limit=one.nodes)
        twin.node_limit = one.nodes
        asked: dict[str, Any] = {"seed": 1, "now": now, "version": "1", "record": b"%d" % number}
        asked["least_more_ms"] = one.least_more_ms
        expected = twin.fill(one.spec, candidates, one.viewer, **asked)
        assert filler.fill(one.spec, candidates, one.viewer, **asked) == expected
        assert what_valkey_holds(client) == what_the_twin_holds(twin)


def what_the_twin_holds(twin: InMemoryPodFiller) -> dict[str, dict[bytes, bytes]]:
    letters = {SESSION: "s", DEVICE: "d", HOUSEHOLD: "h"}
    held = {
        f"f:{{s0}}:{letters[kind]}:{key}": dict(fields)
        for (kind, key), fields in twin.hashes.items()
    }
    tokens = {token: b"%d:%d" % grant for token, grant in twin.grants.items()}
    return held | {"tok:{s0}": {b"v": b"1"} | tokens}


def what_valkey_holds(client: redis.Redis) -> dict[str, dict[bytes, bytes]]:
    names: list[Any] = [*client.keys("f:*"), *client.keys("tok:*")]
    held: dict[str, Any] = {name.decode(): client.hgetall(name) for name in names}
    return held
