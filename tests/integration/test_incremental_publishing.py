"""A change is published as a change: what has not changed is neither read nor written again."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import psycopg
import pytest
import redis

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.valkey.inventory_reader import ValkeySnapshotReader
from ctv_ads.adapters.valkey.inventory_store import ValkeyInventoryStore
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.adapters.valkey.snapshot import (
    VERSION_FIELD,
    decode_root,
    marks_key,
    root_key,
    segment_key,
    tokens_key,
)
from ctv_ads.decisioning.segments.snapshot import PublishedSegments
from ctv_ads.domain.campaign import Campaign, CampaignStatus, LineItemType
from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.inventory import ServableLineItem
from ctv_ads.domain.line_item import LineItemTerms
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.use_cases.publish_inventory import PublishInventory
from local.valkey import ValkeyServer
from tests.builders import NOON, Tenant
from tests.worlds import World

LIMIT = 2
"""So many changes go into an overlay; an organization of no more is compiled whole."""
_BEHIND = """
INSERT INTO line_item_delivery (line_item_id, organization_id, campaign_id, last_bucket, due_micros,
                                delivered_micros, urgency, limited_by, observed_at)
SELECT line_item_id, organization_id, campaign_id, 1, 10, 0, %s, 'nothing', now()
FROM line_items WHERE campaign_id = %s
ON CONFLICT (line_item_id) DO UPDATE SET urgency = excluded.urgency"""


@dataclass(slots=True)
class Published:
    """One publisher, that may be replaced by another, and one reader."""

    world: World
    valkey: redis.Redis
    reader: ValkeySnapshotReader
    store: ValkeyInventoryStore

    def publish(self) -> str:
        publish = PublishInventory(self.world.source, self.store, lambda: NOON, LIMIT)
        version = publish()
        assert self.reader.refresh(version).version == version
        return version

    def segments(self, tenant: Tenant) -> PublishedSegments:
        return self.reader.current().segments[tenant.organization_id]

    def line_items(self, tenant: Tenant) -> dict[LineItemId, ServableLineItem]:
        index = self.reader.line_items(tenant.organization_id)
        return {item.line_item_id: item for item in index.line_items()}


@pytest.fixture
def published(postgres_of_session: World, valkey_server: ValkeyServer) -> Iterator[Published]:
    with (
        redis.Redis.from_url(valkey_server.url) as client,
        RespConnection(valkey_server.url, timeout_ms=1000) as connection,
    ):
        client.flushall()
        yield Published(
            postgres_of_session,
            client,
            ValkeySnapshotReader(connection),
            ValkeyInventoryStore(client, shards=2),
        )


@pytest.fixture
def tenant(published: Published) -> Tenant:
    return published.world.a_tenant()


@pytest.fixture
def campaigns(published: Published, tenant: Tenant) -> list[Campaign]:
    """Four, of one line item each, and published."""
    found = [published.world.a_serving_campaign(tenant) for _ in range(4)]
    published.publish()
    return found


def only(campaign: Campaign) -> LineItemId:
    (line_item,) = campaign.line_items
    return line_item.line_item_id


def test_when_nothing_has_changed_nothing_is_published_anew(
    published: Published, campaigns: list[Campaign]
) -> None:
    before = published.publish()
    keys = set(published.valkey.keys("{inventory}:*"))
    published.store = ValkeyInventoryStore(published.valkey)
    assert published.publish() == before
    assert set(published.valkey.keys("{inventory}:*")) == keys


def test_a_pause_hides_a_line_item_of_the_base(
    published: Published, tenant: Tenant, campaigns: list[Campaign]
) -> None:
    base = published.segments(tenant).base
    published.world.set_status(tenant, campaigns[0], CampaignStatus.PAUSED)
    published.publish()
    assert published.segments(tenant) == PublishedSegments(base, None, (only(campaigns[0]),))
    assert published.line_items(tenant).keys() == {only(campaign) for campaign in campaigns[1:]}


def test_what_is_new_or_changed_lies_over_the_base_until_too_much_has_changed(
    published: Published, tenant: Tenant, campaigns: list[Campaign]
) -> None:
    base = published.segments(tenant).base
    added = book(published.world, tenant, campaigns[0], "Added")
    change(published.world, tenant, only(campaigns[1]), priority=1)
    published.publish()
    names = published.segments(tenant)
    assert names.base == base
    assert names.overlay is not None
    assert names.removed == (only(campaigns[1]),)
    served = published.line_items(tenant)
    assert served.keys() == {added, *map(only, campaigns)}
    assert served[only(campaigns[1])].priority == 1
    book(published.world, tenant, campaigns[0], "One too many")
    published.publish()
    assert published.segments(tenant).base != base
    assert published.segments(tenant).overlay is None
    assert len(published.line_items(tenant)) == 6


def test_a_change_taken_back_leads_back_to_the_base(
    published: Published, tenant: Tenant, campaigns: list[Campaign]
) -> None:
    base = published.segments(tenant)
    for priority in (1, 8):
        change(published.world, tenant, only(campaigns[0]), priority=priority)
        published.publish()
    assert published.segments(tenant) == base


def test_a_new_file_of_a_campaign_and_a_new_name_of_its_advertiser_are_changes(
    published: Published, tenant: Tenant, campaigns: list[Campaign]
) -> None:
    published.world.a_ready_creative(tenant, campaigns[0].campaign_id)
    published.publish()
    assert len(published.line_items(tenant)[only(campaigns[0])].creatives) == 2
    assert published.segments(tenant).removed == (only(campaigns[0]),)


@pytest.mark.parametrize("lost", ["segment", "marks", "damaged segment", "damaged marks"])
def test_a_base_that_is_lost_or_damaged_is_compiled_again(
    published: Published, tenant: Tenant, campaigns: list[Campaign], lost: str
) -> None:
    base = published.segments(tenant).base
    key = segment_key(base) if "segment" in lost else marks_key(base)
    whole = published.valkey.get(key)
    if lost.startswith("damaged"):
        published.valkey.set(key, b"damaged")
    else:
        published.valkey.delete(key)
    published.store = ValkeyInventoryStore(published.valkey)
    published.publish()
    assert published.segments(tenant) == PublishedSegments(base)
    assert published.valkey.get(key) == whole


def test_a_kept_publisher_notices_that_valkey_has_lost_a_base(
    published: Published, tenant: Tenant, campaigns: list[Campaign]
) -> None:
    base = published.segments(tenant).base
    published.valkey.delete(segment_key(base))
    published.publish()
    assert published.valkey.exists(segment_key(base))


@pytest.mark.parametrize("damaged", [None, b"damaged"])
def test_a_root_that_is_lost_or_damaged_is_written_again(
    published: Published, campaigns: list[Campaign], damaged: bytes | None
) -> None:
    version = published.publish()
    if damaged is None:
        published.valkey.delete(root_key(version))
    else:
        published.valkey.set(root_key(version), damaged)
    assert published.publish() == version
    root = published.valkey.get(root_key(version))
    assert isinstance(root, bytes)
    assert decode_root(version, root).version == version


def test_the_version_in_force_is_told_to_every_shard_again_and_again(
    published: Published, campaigns: list[Campaign]
) -> None:
    version = published.publish()
    published.valkey.delete(tokens_key(1))
    published.publish()
    for shard in (0, 1):
        assert published.valkey.hget(tokens_key(shard), VERSION_FIELD) == version.encode()


def test_the_overlay_of_one_organization_leaves_others_alone(
    published: Published, tenant: Tenant, campaigns: list[Campaign]
) -> None:
    other = published.world.a_tenant()
    published.world.a_serving_campaign(other)
    before = published.segments(tenant)
    published.publish()
    assert published.segments(tenant) == before
    assert len(published.line_items(other)) == 1


def test_a_history_that_fails_keeps_no_change_from_decisions(
    published: Published,
    tenant: Tenant,
    campaigns: list[Campaign],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def keep(version: str) -> None:
        raise DependencyUnavailableError("s3", f"no room for {version}")

    published.world.set_status(tenant, campaigns[0], CampaignStatus.PAUSED)
    version = PublishInventory(published.world.source, published.store, lambda: NOON, LIMIT, keep)()
    published.reader.refresh()
    assert only(campaigns[0]) not in published.line_items(tenant)
    assert f"no room for {version}" in caplog.text


def test_urgency_is_published_when_it_has_moved_far_enough(
    published: Published, tenant: Tenant, campaigns: list[Campaign]
) -> None:
    base, version = published.segments(tenant), published.publish()
    behind(published.world, campaigns[0], urgency=1)
    assert published.publish() == version, "one step is not worth a publication"
    behind(published.world, campaigns[0], urgency=2)
    assert published.publish() > version
    names = published.segments(tenant)
    assert (names.base, names.removed) == (base.base, (only(campaigns[0]),))
    assert published.line_items(tenant)[only(campaigns[0])].urgency == 2
    for campaign in campaigns:
        behind(published.world, campaign, urgency=5)
    published.publish()
    assert published.segments(tenant).overlay is None, "too many for an overlay"
    assert {item.urgency for item in published.line_items(tenant).values()} == {5}


def behind(world: World, campaign: Campaign, *, urgency: int) -> None:
    with psycopg.connect(world.schema.owner_dsn) as owner:
        owner.execute(_BEHIND, (urgency, campaign.campaign_id))


def book(world: World, tenant: Tenant, campaign: Campaign, name: str) -> LineItemId:
    line_item_id = LineItemId(new_id())
    terms = LineItemTerms(name=name, type=LineItemType.STANDARD, priority=8)
    with world.stores.transaction(tenant.caller) as store:
        store.line_items.add(line_item_id, campaign.campaign_id, terms, tenant.caller)
    return line_item_id


def change(world: World, tenant: Tenant, line_item_id: LineItemId, *, priority: int) -> None:
    with world.stores.transaction(tenant.caller) as store:
        line_item = store.line_items.get(line_item_id)
        terms = replace(line_item.terms, priority=priority)
        store.line_items.update(line_item_id, terms, NOON)
