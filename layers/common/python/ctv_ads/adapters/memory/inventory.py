"""The inventory in memory: read from a memory database, published to readers in this process."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ctv_ads.adapters.memory.database import CampaignRow, MemoryDatabase
from ctv_ads.domain.campaign import CampaignStatus, LineItem
from ctv_ads.domain.creative import Creative, CreativeStatus
from ctv_ads.domain.ids import OrganizationId
from ctv_ads.domain.inventory import (
    Inventory,
    PublishedPlacement,
    ServableCreative,
    ServableLineItem,
    rank_key,
)
from ctv_ads.domain.money import impression_price_micros
from ctv_ads.errors import DependencyUnavailableError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MemoryInventory:
    """Implements `ports.InventoryStore` and `ports.InventoryReader`."""

    def __init__(self) -> None:
        self._current: Inventory | None = None

    def publish(self, inventory: Inventory) -> str:
        """Make the inventory current unless a newer one is, and return the current version."""
        version = f"{(inventory.built_at - _EPOCH) // timedelta(milliseconds=1):013d}"
        if self._current is None or self._current.version < version:
            self._current = replace(inventory, version=version)
        return self._current.version

    def current(self) -> Inventory:
        """Return the inventory in force."""
        if self._current is None:
            raise DependencyUnavailableError("memory", "no inventory has been published yet")
        return self._current


class MemoryInventorySource:
    """Implements `ports.InventorySource`. Media addresses are made below `media_base_url`."""

    def __init__(self, database: MemoryDatabase, media_base_url: str) -> None:
        self._database = database
        self._media_base_url = media_base_url

    def load(self, *, now: datetime) -> Inventory:
        """Return the inventory as of `now`, ranked, with an empty version."""
        tables = self._database.tables
        found: dict[OrganizationId, list[ServableLineItem]] = defaultdict(list)
        for row in tables.campaigns.values():
            creatives = self._creatives(row)
            if creatives and _may_serve(row, now):
                found[row.organization_id] += [
                    _line_item(row, item, creatives) for item in row.campaign.line_items
                ]
        by_id: dict[str, PublishedPlacement] = {
            placement.placement_id: placement for placement in tables.placements.values()
        }
        return Inventory(
            version="",
            built_at=now,
            placements={**tables.placements, **by_id},
            line_items={key: tuple(sorted(items, key=rank_key)) for key, items in found.items()},
        )

    def _creatives(self, row: CampaignRow) -> tuple[ServableCreative, ...]:
        ready = [
            stored.creative
            for stored in self._database.tables.creatives.values()
            if stored.creative.campaign_id == row.campaign.campaign_id
            and stored.creative.status is CreativeStatus.READY
            and not stored.is_deleted
        ]
        return tuple(self._creative(item) for item in sorted(ready, key=lambda c: c.creative_id))

    def _creative(self, creative: Creative) -> ServableCreative:
        facts = creative.facts
        if facts is None:
            raise ValueError(f"creative {creative.creative_id} is ready but was never measured")
        return ServableCreative(
            creative_id=creative.creative_id,
            name=creative.name,
            duration_ms=facts.duration_ms,
            width_px=facts.width_px,
            height_px=facts.height_px,
            bitrate_kbps=facts.bitrate_kbps,
            size_bytes=facts.size_bytes,
            codec=facts.video_codec,
            mime_type=facts.mime_type,
            media_url=f"{self._media_base_url}/{creative.media_key}",
            click_through_url=creative.click_through_url,
        )


def _may_serve(row: CampaignRow, now: datetime) -> bool:
    is_active = row.campaign.status is CampaignStatus.ACTIVE and not row.is_deleted
    return is_active and row.campaign.ends_at > now


def _line_item(
    row: CampaignRow, item: LineItem, creatives: tuple[ServableCreative, ...]
) -> ServableLineItem:
    campaign = row.campaign
    return ServableLineItem(
        line_item_id=item.line_item_id,
        campaign_id=campaign.campaign_id,
        advertiser_name=campaign.advertiser_name,
        priority=item.priority,
        price_micros=impression_price_micros(item.rate_micros or campaign.cpm_micros),
        starts_at=campaign.starts_at,
        ends_at=campaign.ends_at,
        remaining_micros=campaign.remaining_micros,
        creatives=creatives,
    )
