"""Filling breaks on a real Valkey that restarts, loses connections, or says no."""

import struct
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import redis

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.valkey import pod_terms
from ctv_ads.adapters.valkey.pod_filler import ValkeyPodFiller, shard_of, viewer_keys
from ctv_ads.adapters.valkey.resp import ConnectionLostError, RespConnection
from ctv_ads.decisioning.pod_terms import line_item_terms
from ctv_ads.domain.frequency import CapScope
from ctv_ads.domain.line_item import CreativeRotation
from ctv_ads.domain.pod import Candidate, FilledPod, PodSpec, ViewerKeys
from ctv_ads.domain.reasons import Reason
from ctv_ads.errors import DependencyUnavailableError
from local.valkey import ValkeyServer
from tests.builders import NOON, PRICE_MICROS, a_servable_creative, a_servable_line_item
from tests.pod_shelves import an_ad, capped

VIEWER = ViewerKeys("session", "device", "household")
ENOUGH = 10 * PRICE_MICROS


@pytest.fixture
def client(valkey_server: ValkeyServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey_server.url) as client:
        client.flushall()
        yield client


@pytest.fixture
def connection(valkey_server: ValkeyServer) -> Iterator[RespConnection]:
    with RespConnection(valkey_server.url, timeout_ms=1000) as connection:
        yield connection


def fill(
    filler: ValkeyPodFiller,
    *ads: Any,
    viewer: ViewerKeys = VIEWER,
    seed: int = 0,
    now: datetime = NOON,
) -> FilledPod:
    candidates = [Candidate(ad, ad.creatives, ad.price_micros) for ad in ads]
    return filler.fill(
        PodSpec(60_000, 4),
        candidates,
        viewer,
        seed=seed,
        now=now,
        version=None,
        record=new_id().encode(),
    )


def left(client: redis.Redis, line_item_id: str, shard: int = 0) -> int:
    held: Any = client.hget(f"tok:{{s{shard}}}", line_item_id)
    return int(held.decode().partition(":")[2])


class LosesReplies:
    """A connection that dies after the server has done what it was told, or before."""

    def __init__(self, connection: RespConnection, *, is_done: bool) -> None:
        self.connection = connection
        self.is_done = is_done
        self.losses = 0

    def call(self, *command: Any, **options: Any) -> Any:
        if command[0] == "FCALL" and self.losses == 0:
            self.losses += 1
            if self.is_done:
                self.connection.call(*command, **options)
            raise ConnectionLostError("valkey", "the connection was closed")
        return self.connection.call(*command, **options)


@pytest.mark.parametrize("is_done", [True, False])
def test_a_lost_reply_reserves_once(
    client: redis.Redis, connection: RespConnection, *, is_done: bool
) -> None:
    ad = a_servable_line_item(frequency_caps=capped(1))
    client.hset("tok:{s0}", ad.line_item_id, f"3:{ENOUGH}")
    fill(ValkeyPodFiller(connection), an_ad())  # loads the function
    losing: Any = LosesReplies(connection, is_done=is_done)
    before: Any = client.xlen("rec:{s0}")
    candidates = [Candidate(ad, ad.creatives, ad.price_micros)]
    pod = ValkeyPodFiller(losing).fill(
        PodSpec(None, 1), candidates, VIEWER, seed=0, now=NOON, version=None, record=b"its own"
    )
    assert losing.losses == 1
    assert pod.verdicts == (Reason.CHOSEN,)
    assert left(client, ad.line_item_id) == ENOUGH - PRICE_MICROS
    assert client.xlen("rec:{s0}") == before + 1


def test_a_connection_that_died_while_frozen_is_replaced(
    client: redis.Redis, connection: RespConnection
) -> None:
    ad = a_servable_line_item()
    client.hset("tok:{s0}", ad.line_item_id, f"3:{ENOUGH}")
    filler = ValkeyPodFiller(connection)
    fill(filler)
    admin: Any = client
    admin.execute_command("CLIENT", "KILL", "ID", connection.call("CLIENT", "ID"))
    assert fill(filler, ad).verdicts == (Reason.CHOSEN,)
    assert left(client, ad.line_item_id) == ENOUGH - PRICE_MICROS


def test_a_command_that_must_not_be_repeated_tells_that_its_connection_died(
    client: redis.Redis, connection: RespConnection
) -> None:
    identity = connection.call("CLIENT", "ID")
    admin: Any = client
    admin.execute_command("CLIENT", "KILL", "ID", identity)
    with pytest.raises(ConnectionLostError):
        connection.call("INCR", key := new_id(), may_repeat=False)
    assert connection.call("GET", key) is None


def test_a_function_that_vanished_is_loaded_within_the_request(
    client: redis.Redis, connection: RespConnection
) -> None:
    filler = ValkeyPodFiller(connection)
    assert fill(filler, an_ad()).verdicts == (Reason.CHOSEN,)
    client.function_flush()
    client.flushall()
    assert fill(filler, an_ad(), a_servable_line_item()).verdicts == (
        Reason.CHOSEN,
        Reason.NO_TOKENS,
    )


def test_every_refusal_of_valkey_is_a_missing_dependency(
    client: redis.Redis, connection: RespConnection
) -> None:
    filler = ValkeyPodFiller(connection)
    client.set("rec:{s0}", "not a stream")
    with pytest.raises(DependencyUnavailableError, match="WRONGTYPE"):
        fill(filler, an_ad())
    client.function_flush()
    with pytest.raises(DependencyUnavailableError, match="WRONGTYPE"):
        fill(filler, an_ad())


def test_a_library_that_is_refused_is_a_missing_dependency(
    client: redis.Redis, valkey_server: ValkeyServer
) -> None:
    client.function_flush()
    admin: Any = client
    admin.execute_command("ACL", "SETUSER", "ads", "on", ">secret", "~*", "+fcall")
    url = valkey_server.url.replace("://", "://ads:secret@")
    with (
        RespConnection(url, timeout_ms=1000) as connection,
        pytest.raises(DependencyUnavailableError, match="NOPERM"),
    ):
        fill(ValkeyPodFiller(connection), an_ad())


def test_all_of_a_viewers_hashes_expire(client: redis.Redis, connection: RespConnection) -> None:
    ad = an_ad(frequency_caps=capped(1, window_ms=3_600_000), category="cars")
    fill(ValkeyPodFiller(connection), ad)
    device_s: Any = client.ttl("f:{s0}:d:device")
    session_s: Any = client.ttl("f:{s0}:s:session")
    assert 3_600 < device_s < 2 * 3_600
    assert 24 * 3_600 < session_s < 30 * 3_600
    assert not client.exists("f:{s0}:h:household")


def test_no_more_views_are_remembered_than_a_cap_can_ask_for(
    client: redis.Redis, connection: RespConnection
) -> None:
    filler = ValkeyPodFiller(connection)
    ad = an_ad(counted_caps=capped(100, window_ms=30 * 24 * 3_600_000))
    for _ in range(150):
        assert fill(filler, ad).verdicts == (Reason.CHOSEN,)
    held: Any = client.hgetall("f:{s0}:d:device")
    assert sorted(map(len, held.values())) == [8, 4 * (100 + 1)]


def test_two_views_of_one_pod_are_no_more_than_their_cap_asks_for(
    client: redis.Redis, connection: RespConnection
) -> None:
    caps = capped(1, scope=CapScope.CAMPAIGN)
    ads = [an_ad(campaign_id="the same", counted_caps=caps) for _ in range(2)]
    assert fill(ValkeyPodFiller(connection), *ads).verdicts == (Reason.CHOSEN,) * 2
    held: Any = client.hgetall("f:{s0}:d:device")
    assert sorted(map(len, held.values())) == [8, 8]


def test_what_is_over_is_swept_once_a_day(client: redis.Redis, connection: RespConnection) -> None:
    filler = ValkeyPodFiller(connection)
    for day in range(40):
        ad = an_ad(frequency_caps=capped(1, window_ms=24 * 3_600_000))
        fill(filler, ad, now=NOON + timedelta(days=day))
    assert client.hlen("f:{s0}:d:device") <= 4


def test_terms_that_were_packed_are_not_kept_for_ever(
    client: redis.Redis, connection: RespConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pod_terms, "_MOST_KEPT", 3)
    filler = ValkeyPodFiller(connection)
    for _ in range(10):
        assert fill(filler, an_ad()).verdicts == (Reason.CHOSEN,)
        assert len(filler._terms._known) <= 3
        assert len(filler._terms._creatives) <= 3


def test_a_count_of_a_sequences_ads_still_says_what_is_due(
    client: redis.Redis, connection: RespConnection
) -> None:
    films = [a_servable_creative(sequence=number) for number in (1, 2, 3)]
    ad = an_ad(creatives=films, creative_rotation=CreativeRotation.SEQUENTIAL)
    field = line_item_terms(ad).sequence
    client.hset("f:{s0}:d:device", field, struct.pack(">3I", 86_400, 7, int(NOON.timestamp())))
    assert fill(ValkeyPodFiller(connection), ad).picks[0].creative == 7 % 3


def test_viewers_are_spread_over_shards_and_stay_there(
    client: redis.Redis, connection: RespConnection
) -> None:
    filler = ValkeyPodFiller(connection, shards=4)
    ad = an_ad(frequency_caps=capped(1))
    for _ in range(2):
        for number in range(20):
            fill(filler, ad, viewer=ViewerKeys("s", f"d{number}"), seed=number)
    names: Any = client.keys("f:*:d:*")
    assert len(names) == 20
    assert {name[:6] for name in names} == {b"f:{s%d}" % shard for shard in range(4)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ViewerKeys("s1", "d1", "h"), ViewerKeys("s2", "d2", "h")),
        (ViewerKeys("s1", "d1", "h"), ViewerKeys("s2", None, "h")),
        (ViewerKeys("s1", "d"), ViewerKeys("s2", "d")),
        (ViewerKeys("s"), ViewerKeys("s")),
    ],
)
def test_the_home_then_the_device_names_the_shard(one: ViewerKeys, other: ViewerKeys) -> None:
    assert shard_of(one, 1, 64) == shard_of(other, 2, 64)


def test_without_any_key_chance_names_the_shard() -> None:
    assert {shard_of(ViewerKeys(), seed, 3) for seed in range(9)} == {0, 1, 2}
    assert viewer_keys(2, ViewerKeys()) == (["tok:{s2}", "rec:{s2}"], "")


def test_changed_terms_of_a_line_item_count_at_once(
    client: redis.Redis, connection: RespConnection
) -> None:
    filler = ValkeyPodFiller(connection)
    known = an_ad()
    changed = an_ad(
        line_item_id=known.line_item_id,
        creatives=[a_servable_creative(duration_ms=61_000)],
    )
    assert fill(filler, known).verdicts == (Reason.CHOSEN,)
    assert fill(filler, changed).verdicts == (Reason.POD_HAS_NO_TIME_LEFT,)


@pytest.mark.parametrize("value", ["", "nonsense", "3:", ":3", "3:-5", "3:1e9"])
def test_a_damaged_grant_is_no_grant(
    client: redis.Redis, connection: RespConnection, value: str
) -> None:
    ad = a_servable_line_item()
    client.hset("tok:{s0}", ad.line_item_id, value)
    assert fill(ValkeyPodFiller(connection), ad).verdicts == (Reason.NO_TOKENS,)
