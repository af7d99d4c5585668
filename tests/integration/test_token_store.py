"""The decisions' side of tokens on real Valkey: what replaces what, whoever comes when."""

from collections.abc import Iterator

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.valkey.grants import CHUNK, ValkeyTokenStore, tokens_key
from ctv_ads.domain.ids import LineItemId
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.tokens import Closed, Held, NewBucket
from local.ports import free_port
from local.valkey import ValkeyServer

ITEM = LineItemId("00000000-0000-7000-8000-000000000001")


def new(bucket: int, amount: int = 100, item: LineItemId = ITEM) -> NewBucket:
    return NewBucket(item, bucket, 0, amount)


@pytest.fixture
def valkey(valkey_server: ValkeyServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey_server.url) as client:
        client.flushall()
        client.function_flush("SYNC")
        yield client


@pytest.fixture
def store(valkey: redis.Redis) -> ValkeyTokenStore:
    return ValkeyTokenStore(valkey)


def test_a_grant_replaces_what_is_held_and_tells_what_was_left(store: ValkeyTokenStore) -> None:
    assert store.grant(0, [new(5, 100)]) == []
    assert store.held(0, [ITEM]) == {ITEM: Held(5, 100)}
    assert store.grant(0, [new(6, 70)]) == [Closed(ITEM, 5, 100)]
    assert store.held(0, [ITEM]) == {ITEM: Held(6, 70)}


def test_a_grant_that_comes_after_a_newer_one_is_refused_and_comes_back_whole(
    store: ValkeyTokenStore,
) -> None:
    store.grant(0, [new(5, 100)])
    assert store.grant(0, [new(4, 40)]) == [Closed(ITEM, 4, 40)]
    assert store.held(0, [ITEM]) == {ITEM: Held(5, 100)}


def test_a_grant_that_comes_twice_fills_nothing_anew_and_says_nothing_of_what_it_replaced(
    store: ValkeyTokenStore, valkey: redis.Redis
) -> None:
    store.grant(0, [new(4, 40)])
    store.grant(0, [new(5, 100)])
    valkey.hset(tokens_key(0), ITEM, "5:20")
    assert store.grant(0, [new(5, 100)]) == []
    assert store.held(0, [ITEM]) == {ITEM: Held(5, 20)}


def test_what_was_taken_back_stays_away_even_if_its_grant_comes_later(
    store: ValkeyTokenStore,
) -> None:
    store.grant(0, [new(5, 100)])
    assert store.take_back(0, [(ITEM, 6)]) == [Closed(ITEM, 5, 100)]
    assert store.grant(0, [new(6, 40)]) == []
    assert store.held(0, [ITEM]) == {ITEM: Held(6, 0)}
    assert store.grant(0, [new(7, 40)]) == [Closed(ITEM, 6, 0)]


def test_a_bucket_newer_than_the_one_that_should_go_is_left(store: ValkeyTokenStore) -> None:
    store.grant(0, [new(5, 100)])
    assert store.take_back(0, [(ITEM, 4)]) == []
    assert store.held(0, [ITEM]) == {ITEM: Held(5, 100)}


def test_taking_back_what_is_not_there_returns_nothing(store: ValkeyTokenStore) -> None:
    assert store.take_back(0, [(ITEM, 4)]) == []
    assert store.take_back(0, [(ITEM, 4)]) == [Closed(ITEM, 4, 0)]


def test_numbers_are_exact_up_to_the_largest(store: ValkeyTokenStore) -> None:
    store.grant(0, [new(2**32 - 2, 2**52)])
    assert store.grant(0, [new(2**32 - 1, 1)]) == [Closed(ITEM, 2**32 - 2, 2**52)]


def test_shards_and_the_version_beside_the_tokens_are_left_alone(
    store: ValkeyTokenStore, valkey: redis.Redis
) -> None:
    valkey.hset(tokens_key(0), "v", "7")
    store.grant(0, [new(5)])
    store.grant(1, [new(6)])
    store.take_back(0, [(ITEM, 9)])
    assert valkey.hget(tokens_key(0), "v") == b"7"
    assert store.held(1, [ITEM]) == {ITEM: Held(6, 100)}


def test_many_go_in_several_calls_that_hold_nobody_up_for_long(
    store: ValkeyTokenStore, valkey: redis.Redis
) -> None:
    items = [LineItemId(new_id()) for _ in range(2 * CHUNK + 1)]
    store.grant(0, [new(1)])
    valkey.config_resetstat()
    assert store.grant(0, [new(5, 3, item) for item in items]) == []
    assert valkey.info("commandstats")["cmdstat_fcall"]["calls"] == 3
    assert store.held(0, [*items, ITEM]) == {
        **dict.fromkeys(items, Held(5, 3)),
        ITEM: Held(1, 100),
    }
    assert len(store.take_back(0, [(item, 5) for item in items])) == len(items)


def test_an_error_that_is_no_missing_function_is_told(
    store: ValkeyTokenStore, valkey: redis.Redis
) -> None:
    valkey.set(tokens_key(0), "no hash")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        store.grant(0, [new(5)])


def test_without_valkey_it_says_so() -> None:
    with redis.Redis(port=free_port(), retry=Retry(NoBackoff(), 0)) as client:
        for ask in (
            lambda: ValkeyTokenStore(client).grant(0, [new(5)]),
            lambda: ValkeyTokenStore(client).held(0, [ITEM]),
        ):
            with pytest.raises(DependencyUnavailableError, match="valkey"):
                ask()
