"""From PostgreSQL through Valkey to the decision, with everything that may break on the way."""

import hashlib
import zlib
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
import redis

from ctv_ads.adapters.valkey.inventory_store import ValkeyInventoryStore
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.adapters.valkey.snapshot import (
    CURRENT_KEY,
    root_key,
)
from ctv_ads.domain.reasons import NoFillReason
from ctv_ads.errors import DependencyUnavailableError, SnapshotCorruptError
from local.ports import free_port
from local.valkey import ValkeyServer
from tests.builders import NOON, Tenant, an_inventory
from tests.planes import Planes, planes_around
from tests.worlds import World


@pytest.fixture
def planes(postgres_of_session: World, valkey_server: ValkeyServer) -> Iterator[Planes]:
    with planes_around(postgres_of_session, valkey_server.url) as planes:
        yield planes


@pytest.fixture
def tenant(planes: Planes) -> Tenant:
    tenant = planes.world.a_tenant()
    planes.world.a_serving_campaign(tenant)
    return tenant


def test_what_is_trafficked_is_served_after_publication(planes: Planes, tenant: Tenant) -> None:
    assert planes.ask(tenant).no_fill_reason is NoFillReason.INVENTORY_UNAVAILABLE
    planes.publish()
    assert len(planes.ask(tenant).ads) == 1


def test_an_ad_request_reads_valkey_and_nothing_else(
    planes: Planes, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    planes.publish()
    monkeypatch.setattr(psycopg, "connect", _unreachable)
    planes.world.api.close()
    planes.world.pipeline.close()
    assert len(planes.ask(tenant).ads) == 1


def _unreachable(**_: object) -> None:
    raise AssertionError("an ad request asked PostgreSQL")


def test_an_emptied_valkey_spends_nothing_and_heals_at_the_next_publication(
    planes: Planes, tenant: Tenant
) -> None:
    planes.publish()
    assert len(planes.ask(tenant).ads) == 1
    planes.valkey.flushall()
    emptied = planes.ask(tenant)
    assert (emptied.no_fill_reason, emptied.degraded) == (NoFillReason.NO_TOKENS, None)
    planes.publish()
    assert len(planes.ask(tenant).ads) == 1
    newer = planes.world.a_tenant()
    planes.world.a_serving_campaign(newer)
    planes.publish()
    assert len(planes.ask(newer).ads) == 1


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"x",
        b"\x00" * 32,
        b"\x00" * 64,
        pytest.param(None, id="missing"),
    ],
)
def test_the_last_good_inventory_serves_while_the_newest_is_damaged(
    planes: Planes, tenant: Tenant, damaged: bytes | None
) -> None:
    planes.publish()
    planes.ask(tenant)
    version = planes.publish()
    if damaged is None:
        planes.valkey.delete(root_key(version))
    else:
        planes.valkey.set(root_key(version), damaged)
    assert len(planes.ask(tenant).ads) == 1
    planes.publish()
    assert len(planes.ask(tenant).ads) == 1


def test_a_first_inventory_that_is_damaged_is_no_fill_and_never_a_failure(
    planes: Planes, tenant: Tenant
) -> None:
    planes.valkey.set(root_key(planes.publish()), b"damaged")
    with pytest.raises(SnapshotCorruptError):
        planes.reader.current()
    decision = planes.ask(tenant)
    assert decision.no_fill_reason is NoFillReason.INVENTORY_UNAVAILABLE
    assert decision.degraded


def test_every_bit_of_a_snapshot_is_guarded(planes: Planes, tenant: Tenant) -> None:
    version = planes.publish()
    published = planes.valkey.get(root_key(version))
    assert isinstance(published, bytes)
    for position in range(0, len(published), max(1, len(published) // 50)):
        flipped = bytearray(published)
        flipped[position] ^= 1
        planes.valkey.set(root_key(version), bytes(flipped))
        with pytest.raises(SnapshotCorruptError):
            planes.reader.current()


@pytest.mark.parametrize("command", [("LPUSH", CURRENT_KEY, "x"), ("HSET", CURRENT_KEY, "x", "y")])
def test_an_error_reply_of_valkey_is_no_failure_of_the_answer(
    planes: Planes, tenant: Tenant, command: tuple[str, ...]
) -> None:
    planes.publish()
    planes.ask(tenant)
    planes.valkey.delete(CURRENT_KEY)
    planes.valkey.execute_command(*command)  # type: ignore[no-untyped-call]
    assert len(planes.ask(tenant).ads) == 1


def test_without_valkey_nothing_is_spent_and_nothing_fails(
    postgres_of_session: World,
) -> None:
    world, port = postgres_of_session, free_port()
    tenant = world.a_tenant()
    world.a_serving_campaign(tenant)
    url = f"redis://127.0.0.1:{port}/0"
    with (
        RespConnection(url, timeout_ms=200) as first,
        RespConnection(url, timeout_ms=200) as second,
    ):
        with ValkeyServer(port), redis.Redis.from_url(url) as client:
            warm = Planes.around(world, client, first)
            warm.publish()
            assert len(warm.ask(tenant).ads) == 1
        without = warm.ask(tenant)
        assert without.no_fill_reason is NoFillReason.NO_TOKENS
        assert without.degraded
        cold = Planes.around(world, client, second)
        assert cold.ask(tenant).no_fill_reason is NoFillReason.INVENTORY_UNAVAILABLE
        with pytest.raises(DependencyUnavailableError, match="valkey"):
            cold.publish()


def test_of_two_publishers_the_older_view_never_wins(planes: Planes) -> None:
    store = ValkeyInventoryStore(planes.valkey)
    views = [an_inventory(built_at=NOON + timedelta(milliseconds=ms)) for ms in (5, 2, 9, 1, 8)]
    in_force = [store.publish(view) for view in views]
    assert in_force == sorted(in_force)
    assert planes.reader.current().built_at == NOON + timedelta(milliseconds=9)


def seal(packed: bytes) -> bytes:
    """Return what a publisher of another version would have stored."""
    return hashlib.sha256(packed).digest() + packed


@pytest.mark.parametrize(
    "published",
    [
        seal(zlib.compress(b'{"format":2,"placements":{},"line_items":{}}')),
        seal(zlib.compress(b'{"format":3}')),
        seal(zlib.compress(b"[]")),
        seal(zlib.compress(b"not JSON")),
        seal(zlib.compress(b'{"format":3,"built_at_ms":0,"content":{"placements":[]}}')),
        seal(
            zlib.compress(
                b'{"format":3,"built_at_ms":0,'
                b'"content":{"placements":{"p":{"new":1}},"segments":{}}}'
            )
        ),
        seal(b"\x28\xb5\x2f\xfd a zstandard frame"),
    ],
    ids=["format 2", "no fields", "a list", "no JSON", "other types", "other fields", "zstd"],
)
def test_a_snapshot_of_another_version_of_the_product_is_no_failure(
    planes: Planes, tenant: Tenant, published: bytes
) -> None:
    planes.publish()
    planes.ask(tenant)
    planes.valkey.set(root_key("9"), published)
    planes.valkey.set(CURRENT_KEY, "9")
    assert len(planes.ask(tenant).ads) == 1
