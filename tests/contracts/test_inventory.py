"""`ports.InventorySource`, `InventoryStore` and `SnapshotReader`: from the truth to the decision."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

import pytest
import redis

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.memory.inventory import MemorySnapshots
from ctv_ads.adapters.valkey.inventory_reader import ValkeySnapshotReader
from ctv_ads.adapters.valkey.inventory_store import ValkeyInventoryStore
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.domain.campaign import CampaignStatus
from ctv_ads.domain.ids import LineItemId, OrganizationId
from ctv_ads.domain.inventory import Inventory, ServableLineItem
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.decision_plane import SnapshotReader
from ctv_ads.ports.pipeline import InventoryStore
from local.valkey import ValkeyServer
from tests.builders import (
    NOON,
    Tenant,
    a_beacon,
    a_campaign_draft,
    a_creative_draft,
    a_servable_creative,
    a_servable_line_item,
    an_inventory,
    some_claims,
)
from tests.worlds import MEDIA_BASE_URL, World


def served(world: World, tenant: Tenant) -> tuple[ServableLineItem, ...]:
    return world.source.load(now=NOON).line_items.get(tenant.organization_id, ())


class InventorySourceContract:
    """Every implementation of `InventorySource` keeps these promises."""

    def test_an_active_campaign_with_a_ready_creative_serves(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = world.a_serving_campaign(tenant)
        (line_item,) = served(world, tenant)
        assert line_item.line_item_id == campaign.line_items[0].line_item_id
        assert line_item.campaign_id == campaign.campaign_id
        assert line_item.advertiser_name == tenant.advertiser_name
        assert (line_item.price_micros, line_item.remaining_micros) == (20_000, 1_000_000)
        assert (line_item.starts_at, line_item.ends_at) == (campaign.starts_at, campaign.ends_at)
        (creative,) = line_item.creatives
        assert creative.media_url == f"{MEDIA_BASE_URL}/{creative.creative_id}/video.mp4"
        assert (creative.duration_ms, creative.codec) == (15_000, "avc1.640028")

    def test_what_is_billed_is_no_longer_left(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = world.a_serving_campaign(tenant)
        line_item_id = campaign.line_items[0].line_item_id
        world.ledger.record([a_beacon(some_claims(line_item_id=line_item_id))])
        assert served(world, tenant)[0].remaining_micros == 980_000

    @pytest.mark.parametrize("status", set(CampaignStatus) - {CampaignStatus.ACTIVE})
    def test_a_campaign_that_is_not_active_does_not_serve(
        self, world: World, status: CampaignStatus
    ) -> None:
        tenant = world.a_tenant()
        world.set_status(tenant, world.a_serving_campaign(tenant), status)
        assert served(world, tenant) == ()

    def test_a_deleted_campaign_does_not_serve(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = world.a_serving_campaign(tenant)
        with world.stores.transaction(tenant.caller) as store:
            store.campaigns.delete(campaign.campaign_id, NOON)
        assert served(world, tenant) == ()

    def test_a_flight_that_has_ended_does_not_serve(self, world: World) -> None:
        tenant = world.a_tenant()
        world.a_serving_campaign(tenant, a_campaign_draft(ends_at=NOON))
        second = world.a_serving_campaign(
            tenant, a_campaign_draft(ends_at=NOON + timedelta(microseconds=1))
        )
        assert [item.campaign_id for item in served(world, tenant)] == [second.campaign_id]

    def test_a_flight_to_come_is_published_ahead(self, world: World) -> None:
        tenant = world.a_tenant()
        world.a_serving_campaign(tenant, a_campaign_draft(starts_at=NOON + timedelta(hours=1)))
        assert len(served(world, tenant)) == 1

    def test_creatives_that_are_not_ready_or_deleted_do_not_serve(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = world.a_serving_campaign(tenant)
        world.a_creative(tenant, a_creative_draft(campaign.campaign_id))
        deleted = world.a_ready_creative(tenant, campaign.campaign_id)
        with world.stores.transaction(tenant.caller) as store:
            store.creatives.delete(deleted.creative_id, NOON)
        assert len(served(world, tenant)[0].creatives) == 1

    def test_a_campaign_without_ready_creatives_does_not_serve(self, world: World) -> None:
        tenant = world.a_tenant()
        campaign = world.a_campaign(tenant)
        world.a_creative(tenant, a_creative_draft(campaign.campaign_id))
        world.set_status(tenant, campaign, CampaignStatus.ACTIVE)
        assert served(world, tenant) == ()

    def test_the_dearer_line_item_ranks_first_and_the_older_among_equals(
        self, world: World
    ) -> None:
        tenant = world.a_tenant()
        drafts = (a_campaign_draft(), a_campaign_draft(cpm_micros=30_000_000), a_campaign_draft())
        first, dear, last = (world.a_serving_campaign(tenant, draft) for draft in drafts)
        assert [item.campaign_id for item in served(world, tenant)] == [
            dear.campaign_id,
            first.campaign_id,
            last.campaign_id,
        ]

    def test_placements_are_known_by_key_and_by_id(self, world: World) -> None:
        tenant = world.a_tenant()
        placements = world.source.load(now=NOON).placements
        assert placements[tenant.placement_key] == placements[tenant.placement_id]
        assert placements[tenant.placement_key].organization_id == tenant.organization_id

    def test_each_tenant_serves_its_own_only(self, world: World) -> None:
        mine, other = world.a_tenant(), world.a_tenant()
        campaigns = [world.a_serving_campaign(tenant) for tenant in (mine, other)]
        assert [served(world, tenant)[0].campaign_id for tenant in (mine, other)] == [
            campaign.campaign_id for campaign in campaigns
        ]


class TestPostgresInventorySource(InventorySourceContract):
    @pytest.fixture
    def world(self, postgres_of_session: World) -> World:
        return postgres_of_session


class Snapshots(NamedTuple):
    """A store and the decision plane's reader of what it publishes."""

    store: InventoryStore
    reader: SnapshotReader


class SnapshotContract:
    """Every pair of `InventoryStore` and `SnapshotReader` keeps these promises."""

    def test_before_the_first_publication_there_is_none(self, pair: Snapshots) -> None:
        with pytest.raises(DependencyUnavailableError, match="published"):
            pair.reader.current()
        with pytest.raises(DependencyUnavailableError, match="published"):
            pair.reader.refresh()
        with pytest.raises(DependencyUnavailableError, match="published"):
            pair.reader.line_items(OrganizationId(new_id()))

    def test_what_is_published_is_found(self, pair: Snapshots) -> None:
        inventory = an_inventory(*(a_servable_line_item() for _ in range(3)))
        version = pair.store.publish(inventory)
        snapshot = pair.reader.current()
        assert (snapshot.version, snapshot.placements) == (version, inventory.placements)
        assert served_ids(pair, inventory) == ids(inventory)

    def test_of_an_organization_without_line_items_there_are_none(self, pair: Snapshots) -> None:
        inventory = an_inventory()
        pair.store.publish(inventory)
        assert served_ids(pair, inventory) == set()
        assert pair.reader.line_items(OrganizationId(new_id())).line_items() == []

    def test_a_refresh_brings_what_has_changed(self, pair: Snapshots) -> None:
        before = an_inventory(a_servable_line_item())
        pair.store.publish(before)
        assert served_ids(pair, before) == ids(before)
        (organization_id,) = before.line_items
        after = replace(
            before,
            built_at=NOON + timedelta(milliseconds=1),
            line_items={organization_id: (a_servable_line_item(),)},
        )
        version = pair.store.publish(after)
        assert pair.reader.refresh(version).version == version
        assert served_ids(pair, after) == ids(after)

    def test_what_is_published_comes_through_as_it_was(self, pair: Snapshots) -> None:
        creative = a_servable_creative(name='😀 & <"]]>', click_through_url="https://a.example/")
        line_item = a_servable_line_item(creatives=[creative])
        inventory = an_inventory(line_item, placement="ü 1")
        pair.store.publish(inventory)
        assert pair.reader.current().placements == inventory.placements
        (organization_id,) = inventory.line_items
        (read,) = pair.reader.line_items(organization_id).line_items()
        # What is left of its budget is told by its tokens.
        assert replace(read, remaining_micros=line_item.remaining_micros) == line_item

    def test_the_older_never_replaces_the_newer(self, pair: Snapshots) -> None:
        in_force = pair.store.publish(an_inventory(built_at=NOON))
        assert pair.store.publish(an_inventory(built_at=NOON - timedelta(hours=1))) == in_force
        assert pair.reader.refresh().built_at == NOON

    def test_publishing_the_same_again_keeps_its_version(self, pair: Snapshots) -> None:
        inventory = an_inventory(a_servable_line_item())
        assert pair.store.publish(inventory) == pair.store.publish(inventory)

    def test_a_line_item_is_found_by_its_id(self, pair: Snapshots) -> None:
        inventory = an_inventory(*(a_servable_line_item() for _ in range(3)))
        pair.store.publish(inventory)
        (organization_id,) = inventory.line_items
        index = pair.reader.line_items(organization_id)
        for line_item_id in ids(inventory):
            found = index.line_item(line_item_id)
            assert found is not None
            assert found.line_item_id == line_item_id
        assert index.line_item(LineItemId(new_id())) is None


def ids(inventory: Inventory) -> set[LineItemId]:
    return {item.line_item_id for items in inventory.line_items.values() for item in items}


def served_ids(pair: Snapshots, inventory: Inventory) -> set[LineItemId]:
    (organization_id,) = inventory.line_items
    return {item.line_item_id for item in pair.reader.line_items(organization_id).line_items()}


class TestMemorySnapshots(SnapshotContract):
    @pytest.fixture
    def pair(self) -> Snapshots:
        snapshots = MemorySnapshots()
        return Snapshots(snapshots, snapshots)


class TestValkeySnapshots(SnapshotContract):
    @pytest.fixture
    def pair(self, valkey_server: ValkeyServer) -> Iterator[Snapshots]:
        with (
            redis.Redis.from_url(valkey_server.url) as client,
            RespConnection(valkey_server.url, timeout_ms=1000) as connection,
        ):
            client.flushall()
            yield Snapshots(ValkeyInventoryStore(client), ValkeySnapshotReader(connection))

    def test_a_snapshot_is_kept_for_a_day_under_its_version(
        self, pair: Snapshots, valkey_server: ValkeyServer
    ) -> None:
        version = pair.store.publish(an_inventory())
        with redis.Redis.from_url(valkey_server.url) as client:
            lifetime_s = int(client.ttl("{inventory}:root:" + version))
        assert 24 * 3600 - 60 < lifetime_s <= 24 * 3600

    def test_a_name_of_the_future_sorts_after_every_present_one(self, pair: Snapshots) -> None:
        far = an_inventory(built_at=NOON + timedelta(days=100 * 365))
        version = pair.store.publish(far)
        assert pair.store.publish(an_inventory(placement=new_id())) == version
