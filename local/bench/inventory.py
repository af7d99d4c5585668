"""An inventory of a given size, and the beacons that it would bring."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.beacon import Beacon, BeaconClaims, BeaconEvent
from ctv_ads.domain.ids import (
    AdvertiserId,
    CampaignId,
    CreativeId,
    DecisionId,
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


def impressions(line_items: Sequence[LineItemId], count: int) -> Sequence[Beacon]:
    """Return that many new impressions, spread over the line items."""
    now = datetime.now(UTC).replace(microsecond=0)
    creative, placement = CreativeId(new_id()), PlacementId(new_id())
    return [
        Beacon(
            event=BeaconEvent.IMPRESSION,
            claims=BeaconClaims(
                decision_id=DecisionId(new_id()),
                slot=1,
                decided_at=now,
                expires_at=now + timedelta(days=1),
                line_item_id=line_items[number % len(line_items)],
                creative_id=creative,
                placement_id=placement,
                price_micros=20_000,
            ),
            received_at=now,
            client_network="203.0.113.0/24",
            user_agent_class="roku",
        )
        for number in range(count)
    ]
