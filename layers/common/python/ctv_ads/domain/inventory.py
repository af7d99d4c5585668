"""The published inventory: everything a decision reads, as one immutable snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ctv_ads.domain.companions import Tracker, UniversalAdId, Verification
from ctv_ads.domain.ids import (
    CampaignId,
    CreativeId,
    LineItemId,
    OrganizationId,
    PlacementId,
)


@dataclass(frozen=True, slots=True)
class ServableCreative:
    """A ready creative as players need it. `media_url` is absolute.

    A third party's tag has `vast_tag_url`; its media facts are those of its check, and players
    learn the media from the tag alone.
    """

    creative_id: CreativeId
    name: str
    duration_ms: int
    width_px: int
    height_px: int
    bitrate_kbps: int
    size_bytes: int
    codec: str
    mime_type: str
    media_url: str
    click_through_url: str | None
    universal_ad_id: UniversalAdId | None = None
    trackers: tuple[Tracker, ...] = ()
    verifications: tuple[Verification, ...] = ()
    vast_tag_url: str | None = None


@dataclass(frozen=True, slots=True)
class ServableLineItem:
    """A line item of an active campaign with at least one ready creative.

    `remaining_micros` is what its campaign had left when the snapshot was built.
    """

    line_item_id: LineItemId
    campaign_id: CampaignId
    advertiser_name: str
    priority: int
    price_micros: int
    starts_at: datetime
    ends_at: datetime
    remaining_micros: int
    creatives: tuple[ServableCreative, ...]


@dataclass(frozen=True, slots=True)
class PublishedPlacement:
    """Where ads are asked for."""

    placement_id: PlacementId
    organization_id: OrganizationId


@dataclass(frozen=True, slots=True)
class Inventory:
    """One snapshot. Line items stand in rank order: priority, then price, then id."""

    version: str
    built_at: datetime
    placements: Mapping[str, PublishedPlacement]
    """By key and by id."""
    line_items: Mapping[OrganizationId, tuple[ServableLineItem, ...]]


def rank_key(line_item: ServableLineItem) -> tuple[int, int, str]:
    """Return the sort key of the order in which line items are offered."""
    return (line_item.priority, -line_item.price_micros, line_item.line_item_id)
