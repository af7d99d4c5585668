"""Inventories with rich targeting, and requests that meet some of it, the same in every run."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlencode

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.frequency import CapKey, CapScope, FrequencyCap
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
)
from ctv_ads.domain.line_item import Separation, SeparationBy, SeparationExtent
from ctv_ads.domain.targeting import Rule

COUNTRIES = ("US", "DE", "AT", "GB", "FR", "IT", "ES", "BR")
_DIMENSIONS = {
    "country": COUNTRIES,
    "device_type": ("ctv", "set_top_box", "connected_device", "phone"),
    "os": ("roku", "tizen", "webos", "fire_os", "tvos"),
    "genre": ("Drama", "Comedy", "News", "Sports", "Documentary", "Horror"),
    "channel": tuple(f"Channel {number}" for number in range(40)),
    "language": ("de", "en", "fr", "it"),
    "kv.tier": ("free", "plus", "premium"),
}
_LENGTHS_MS = (10_000, 15_000, 20_000, 30_000)
_LATE = 0.15


def targeted_inventory(line_items: int) -> Inventory:
    """Return an inventory of which a request matches about a seventh, most with caps and rivals."""
    chance = Random(line_items)  # noqa: S311 - the same inventory in every run
    now = datetime.now(UTC)
    organization = OrganizationId(new_id())
    placement = PublishedPlacement(PlacementId(new_id()), organization)
    advertisers = [AdvertiserId(new_id()) for _ in range(max(8, line_items // 20))]
    return Inventory(
        version="",
        built_at=now,
        placements={"bench": placement, placement.placement_id: placement},
        line_items={
            organization: tuple(_line_item(chance, now, advertisers) for _ in range(line_items))
        },
    )


def inventory_of(line_items: Sequence[tuple[str, str]], *, price_micros: int) -> Inventory:
    """Return an inventory of these line items, each with its campaign, that everybody may see."""
    chance = Random(1)  # noqa: S311 - the same inventory in every run
    now = datetime.now(UTC)
    organization = OrganizationId(new_id())
    placement = PublishedPlacement(PlacementId(new_id()), organization)
    items = [
        ServableLineItem(
            line_item_id=LineItemId(line_item_id),
            campaign_id=CampaignId(campaign_id),
            advertiser_id=AdvertiserId(new_id()),
            advertiser_name=f"Advertiser {number}",
            priority=8,
            price_micros=price_micros,
            value_micros=price_micros,
            starts_at=now - timedelta(days=1),
            ends_at=now + timedelta(days=30),
            remaining_micros=10**12,
            creatives=(_creative(chance),),
        )
        for number, (line_item_id, campaign_id) in enumerate(line_items)
    ]
    return Inventory(
        version="",
        built_at=now,
        placements={"storm": placement, placement.placement_id: placement},
        line_items={organization: tuple(items)},
    )


def _line_item(
    chance: Random, now: datetime, advertisers: Sequence[AdvertiserId]
) -> ServableLineItem:
    price_micros = chance.randrange(5_000, 40_000, 100)
    number = chance.randrange(len(advertisers))
    late = timedelta(days=3) if chance.random() < _LATE else timedelta(0)
    return ServableLineItem(
        line_item_id=LineItemId(new_id()),
        campaign_id=CampaignId(new_id()),
        advertiser_id=advertisers[number],
        advertiser_name=f"Advertiser {number}",
        advertiser_domain=f"brand{number}.example",
        category=str(1000 + number % 40),
        priority=chance.choice((4, 8, 8, 8, 12)),
        price_micros=price_micros,
        value_micros=price_micros,
        starts_at=now - timedelta(days=1) + late,
        ends_at=now + timedelta(days=30),
        remaining_micros=10**12,
        targeting=_targeting(chance),
        frequency_caps=(FrequencyCap(3, 86_400_000, CapScope.LINE_ITEM, CapKey.DEVICE),),
        separation=(Separation(SeparationBy.CATEGORY, SeparationExtent.POD),),
        creatives=(_creative(chance),),
    )


def _targeting(chance: Random) -> dict[str, Rule]:
    rules = {}
    for name, values in _DIMENSIONS.items():
        if chance.random() < 0.4:
            some = tuple(chance.sample(values, max(1, len(values) * 2 // 3)))
            is_exclude = chance.random() < 0.3
            rules[name] = Rule(exclude=some[:2]) if is_exclude else Rule(include=some)
    return rules


def _creative(chance: Random) -> ServableCreative:
    creative_id = CreativeId(new_id())
    return ServableCreative(
        creative_id=creative_id,
        name=f"Film {creative_id[-6:]}",
        duration_ms=chance.choice(_LENGTHS_MS),
        width_px=1920,
        height_px=1080,
        bitrate_kbps=5_000,
        size_bytes=9_375_000,
        codec="avc1.640028",
        mime_type="video/mp4",
        media_url=f"https://media.example.com/{creative_id}/video.mp4",
        click_through_url="https://example.com/landing",
        media_sha256=creative_id.replace("-", "") * 2,
    )


def events(count: int, **asked: object) -> Sequence[dict[str, Any]]:
    """Return that many different requests of as many viewers, as API Gateway's events."""
    chance = Random(7)  # noqa: S311 - the same requests in every run
    return [_event(chance, number, asked) for number in range(count)]


def _event(chance: Random, number: int, asked: dict[str, object]) -> dict[str, Any]:
    parameters = {
        "placement": "bench",
        "session_id": f"session-{number}",
        "ifa": f"{chance.getrandbits(128):032x}",
        "device_type": "ctv",
        "os": chance.choice(_DIMENSIONS["os"]),
        "genre": chance.choice(_DIMENSIONS["genre"]),
        "channel": chance.choice(_DIMENSIONS["channel"]),
        "language": chance.choice(_DIMENSIONS["language"]),
        "kv.tier": chance.choice(_DIMENSIONS["kv.tier"]),
        **{name: str(value) for name, value in asked.items()},
    }
    return {
        "version": "2.0",
        "routeKey": "GET /api/v1/vast",
        "rawPath": "/api/v1/vast",
        "rawQueryString": urlencode(parameters),
        "headers": {"host": "localhost", "user-agent": "Roku/DVP-12.0 (12.0.0.4182-88)"},
        "queryStringParameters": parameters,
        "requestContext": {
            "domainName": "localhost",
            "http": {"method": "GET", "path": "/api/v1/vast", "sourceIp": "203.0.113.9"},
            "requestId": "bench",
        },
        "isBase64Encoded": False,
    }
