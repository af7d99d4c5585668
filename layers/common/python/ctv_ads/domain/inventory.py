"""The published inventory: everything a decision reads, as one immutable snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.companions import Tracker, UniversalAdId, Verification
from ctv_ads.domain.frequency import FrequencyCap
from ctv_ads.domain.ids import (
    AdvertiserId,
    CampaignId,
    CreativeId,
    LineItemId,
    OrganizationId,
    PlacementId,
)
from ctv_ads.domain.line_item import (
    CreativeRotation,
    Daypart,
    PodPosition,
    RateType,
    Separation,
)
from ctv_ads.domain.pace import Pacing
from ctv_ads.domain.placement import SERVED_VAST_VERSION, VastVersion
from ctv_ads.domain.targeting import Targeting


@dataclass(frozen=True, slots=True)
class Rendition:
    """One file of a film, with its own measures. `url` is absolute."""

    url: str
    mime_type: str
    width_px: int
    height_px: int
    bitrate_kbps: int
    codec: str
    """As RFC 6381 writes it, such as `avc1.640028`."""
    size_bytes: int | None = None
    is_streaming: bool = False
    """A playlist of its own renditions (HLS, DASH), not one file."""


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
    media_sha256: str = ""
    """What tells that two creatives are the same film; empty for a tag."""
    weight: int = 1
    sequence: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    """Its assignment's window, when it has one."""
    completion_rate_bp: int | None = None
    """Measured completes per impression; None while there are too few to tell."""
    impressions: int = 0
    completes: int = 0
    """Measured within the line item; what rotation by completion rate learns from."""
    renditions: tuple[Rendition, ...] = ()
    """Further files of the same film, beside the one that the fields above describe."""
    files: tuple[Rendition, ...] | None = None
    """Those that one kind of break takes, where it does not take all; never published."""


def own_rendition(creative: ServableCreative) -> Rendition:
    """Return the file that the creative's own fields describe."""
    return Rendition(
        url=creative.media_url,
        mime_type=creative.mime_type,
        width_px=creative.width_px,
        height_px=creative.height_px,
        bitrate_kbps=creative.bitrate_kbps,
        codec=creative.codec,
        size_bytes=creative.size_bytes,
    )


def files_of(creative: ServableCreative) -> tuple[Rendition, ...]:
    """Return the files that may be offered: all, or those that the break takes."""
    if creative.files is not None:
        return creative.files
    return (own_rendition(creative), *creative.renditions)


@dataclass(frozen=True, slots=True)
class ServableLineItem:
    """A line item of an active campaign with at least one ready creative.

    `price_micros` is what one billable event costs: an impression (CPM) or a completed view
    (CPCV); 0 of a flat rate. `value_micros` is what showing it once is expected to earn, by
    which it is ranked. `remaining_micros` is what its campaign had left when the snapshot was
    built.
    """

    line_item_id: LineItemId
    campaign_id: CampaignId
    advertiser_id: AdvertiserId
    advertiser_name: str
    priority: int
    price_micros: int
    starts_at: datetime
    ends_at: datetime
    remaining_micros: int
    creatives: tuple[ServableCreative, ...]
    advertiser_domain: str | None = None
    category: str | None = None
    """The advertiser's, of the IAB Ad Product Taxonomy 2.0."""
    type: LineItemType = LineItemType.STANDARD
    rate_type: RateType = RateType.CPM
    value_micros: int = 0
    needs_tokens: bool = True
    """Whether it serves only out of granted tokens; a house ad without limits does not."""
    urgency: int = 0
    """How far behind its pacing it is, greater is more; breaks ties of rank."""
    timezone: str = "UTC"
    dayparts: tuple[Daypart, ...] = ()
    targeting: Targeting = field(default_factory=dict)
    frequency_caps: tuple[FrequencyCap, ...] = ()
    counted_caps: tuple[FrequencyCap, ...] = ()
    """Caps of its siblings (same advertiser, campaign or creatives) that its views count for."""
    separation: tuple[Separation, ...] = ()
    creative_rotation: CreativeRotation = CreativeRotation.EVEN
    pacing: Pacing = Pacing.EVEN
    pod_position: PodPosition = PodPosition.ANY
    share_percent: int | None = None
    """Of how many of a hundred breaks it takes part in: a goal in percent."""


@dataclass(frozen=True, slots=True)
class PublishedPlacement:
    """Where ads are asked for, and what its owner says of every request (`PlacementTerms`)."""

    placement_id: PlacementId
    organization_id: OrganizationId
    app_bundle: str | None = None
    channel: str | None = None
    default_break_ms: int | None = None
    max_ads: int | None = None
    min_ad_ms: int | None = None
    max_ad_ms: int | None = None
    vast_version: VastVersion = SERVED_VAST_VERSION
    floor_cpm_micros: int = 0
    blocked_categories: tuple[str, ...] = ()
    blocked_domains: tuple[str, ...] = ()
    accepted_mimes: tuple[str, ...] = ()
    max_bitrate_kbps: int | None = None
    max_width_px: int | None = None
    max_height_px: int | None = None
    trusted_caller: bool = False


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
