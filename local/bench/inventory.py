"""An inventory of a given size."""

from datetime import UTC, datetime, timedelta

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.ids import (
    AdvertiserId,
    CampaignId,
    CreativeId,
    LineItemId,
    OrganizationId,
    PlacementId,
)
from ctv_ads.domain.inventory import (
    Inventory,
    PublishedPlacement,
    ServableCreative,
    ServableLineItem,
    rank_key,
)

ORGANIZATION = OrganizationId(new_id())
PLACEMENT = PlacementId(new_id())


def inventory_of(line_items: int) -> Inventory:
    """Return an inventory in which every line item may serve."""
    now = datetime.now(UTC)
    ranked = sorted((_line_item(number, now) for number in range(line_items)), key=rank_key)
    return Inventory(
        version="",
        built_at=now,
        placements={"bench": PublishedPlacement(PLACEMENT, ORGANIZATION)},
        line_items={ORGANIZATION: tuple(ranked)},
    )


def _line_item(number: int, now: datetime) -> ServableLineItem:
    creative_id = CreativeId(new_id())
    return ServableLineItem(
        line_item_id=LineItemId(new_id()),
        campaign_id=CampaignId(new_id()),
        advertiser_id=AdvertiserId(new_id()),
        advertiser_name=f"Advertiser {number}",
        priority=8,
        price_micros=10_000 + number % 50 * 100,
        starts_at=now - timedelta(days=1),
        ends_at=now + timedelta(days=30),
        remaining_micros=10**12,
        creatives=(
            ServableCreative(
                creative_id=creative_id,
                name=f"Creative {number}",
                duration_ms=15_000,
                width_px=1280,
                height_px=720,
                bitrate_kbps=2500,
                size_bytes=4_687_500,
                codec="avc1.64001f",
                mime_type="video/mp4",
                media_url=f"http://localhost:3000/media/{creative_id}/video.mp4",
                click_through_url="https://example.com/",
            ),
        ),
    )
