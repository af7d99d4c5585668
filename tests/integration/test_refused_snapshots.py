"""What is damaged on the way: the last good inventory serves, and nobody asks for it all the time."""

from collections.abc import Iterator

import pytest

from ctv_ads.adapters.valkey.inventory_reader import REFUSED_FOR_S
from ctv_ads.adapters.valkey.snapshot import decode_root, root_key, segment_key, segment_names
from ctv_ads.domain.reasons import NoFillReason
from local.valkey import ValkeyServer
from tests.builders import Tenant
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


def test_a_refused_snapshot_is_not_fetched_again_by_each_request(
    planes: Planes, tenant: Tenant
) -> None:
    planes.publish()
    assert planes.calls_of(tenant) == (3, 1)
    planes.world.a_serving_campaign(tenant)
    broken = planes.publish()
    intact = planes.valkey.getset(root_key(broken), b"damaged")
    assert planes.calls_of(tenant) == (1, 2)
    assert planes.calls_of(tenant) == (0, 1)
    planes.uptime_s[0] += REFUSED_FOR_S
    assert planes.calls_of(tenant) == (1, 2)
    assert isinstance(intact, bytes)
    planes.valkey.set(root_key(broken), intact)
    assert planes.calls_of(tenant) == (0, 1)
    planes.uptime_s[0] += REFUSED_FOR_S
    assert planes.calls_of(tenant) == (2, 2)
    assert planes.calls_of(tenant) == (0, 1)
    assert planes.reader.current().version == broken


def test_a_snapshot_of_a_broken_segment_is_refused_for_some_seconds(
    planes: Planes, tenant: Tenant
) -> None:
    planes.publish()
    planes.ask(tenant)
    planes.world.a_serving_campaign(tenant)
    broken = planes.publish()
    root = planes.valkey.get(root_key(broken))
    assert isinstance(root, bytes)
    names = decode_root(broken, root).segments
    for name in segment_names(names[tenant.organization_id]):
        planes.valkey.set(segment_key(name), b"damaged")
    assert planes.calls_of(tenant) == (2, 2)
    assert planes.calls_of(tenant) == (0, 1)


def test_what_is_published_after_a_refusal_serves_at_once(planes: Planes, tenant: Tenant) -> None:
    planes.publish()
    planes.ask(tenant)
    planes.world.a_serving_campaign(tenant)
    planes.valkey.set(root_key(planes.publish()), b"damaged")
    assert planes.calls_of(tenant) == (1, 2)
    planes.world.a_serving_campaign(tenant)
    mended = planes.publish()
    planes.ask(tenant)
    assert planes.reader.current().version == mended
    assert planes.calls_of(tenant) == (0, 1)


def test_who_has_no_good_snapshot_asks_for_a_broken_one_once(
    planes: Planes, tenant: Tenant
) -> None:
    planes.valkey.set(root_key(planes.publish()), b"damaged")
    planes.valkey.config_resetstat()
    for _ in range(3):
        assert planes.ask(tenant).no_fill_reason is NoFillReason.INVENTORY_UNAVAILABLE
    # The version in force three times, its root once.
    assert planes.valkey.info("commandstats")["cmdstat_get"]["calls"] == 4
