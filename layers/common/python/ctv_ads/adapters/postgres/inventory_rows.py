"""Rows of what may serve, as the inventory holds them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from psycopg.rows import DictRow

from ctv_ads.decisioning.sibling_caps import Sibling
from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.companions import Tracker, TrackerEvent, UniversalAdId, Verification
from ctv_ads.domain.completions import Completions
from ctv_ads.domain.expected_value import expected_value_micros
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
    PublishedPlacement,
    Rendition,
    ServableCreative,
    ServableLineItem,
    own_rendition,
)
from ctv_ads.domain.line_item import (
    CreativeRotation,
    Daypart,
    Goal,
    GoalUnit,
    PodPosition,
    RateType,
    Separation,
    SeparationBy,
    SeparationExtent,
    Weekday,
    targeting_of,
)
from ctv_ads.domain.pace import Pacing
from ctv_ads.domain.placement import VastVersion
from ctv_ads.domain.spending import event_price_micros, needs_tokens
from ctv_ads.domain.taxonomy import with_subcategories

_PLACEMENT = (
    "app_bundle",
    "channel",
    "default_break_ms",
    "max_ads",
    "min_ad_ms",
    "max_ad_ms",
    "floor_cpm_micros",
    "max_bitrate_kbps",
    "max_width_px",
    "max_height_px",
    "trusted_caller",
)


def published_placement(row: DictRow) -> PublishedPlacement:
    """Return a placement; a category that it blocks is blocked with all that lies below it."""
    return PublishedPlacement(
        placement_id=PlacementId(str(row["placement_id"])),
        organization_id=OrganizationId(str(row["organization_id"])),
        vast_version=VastVersion(row["vast_version"]),
        accepted_mimes=tuple(row["accepted_mimes"]),
        blocked_categories=with_subcategories(row["blocked_categories"]),
        blocked_domains=tuple(row["blocked_domains"]),
        **{name: row[name] for name in _PLACEMENT},
    )


def servable_line_item(row: DictRow, creatives: Sequence[ServableCreative]) -> ServableLineItem:
    """Return a line item that rotates these creatives."""
    unit = row["goal_unit"]
    goal = None if unit is None else Goal(GoalUnit(unit), row["goal_amount"])
    kind, rate_type = LineItemType(row["type"]), RateType(row["rate_type"])
    rate_micros = row["rate_micros"]
    price_micros = event_price_micros(kind, rate_type, rate_micros, row["cpm_micros"])
    return ServableLineItem(
        line_item_id=LineItemId(str(row["line_item_id"])),
        campaign_id=CampaignId(str(row["campaign_id"])),
        advertiser_id=AdvertiserId(str(row["advertiser_id"])),
        advertiser_name=row["advertiser_name"],
        priority=row["priority"],
        price_micros=price_micros,
        starts_at=row["starts_at"].astimezone(UTC),
        ends_at=row["ends_at"].astimezone(UTC),
        remaining_micros=row["remaining_micros"],
        urgency=row["urgency"],
        creatives=tuple(creatives),
        advertiser_domain=row["advertiser_domain"],
        category=row["category"],
        type=kind,
        rate_type=rate_type,
        value_micros=expected_value_micros(rate_type, price_micros, rate_micros, goal, creatives),
        needs_tokens=needs_tokens(price_micros, goal),
        timezone=row["timezone"],
        dayparts=tuple(map(_daypart, row["dayparts"])),
        targeting=targeting_of(row["targeting"]),
        frequency_caps=tuple(map(_cap, row["frequency_caps"])),
        separation=tuple(map(_separation, row["separation"])),
        creative_rotation=CreativeRotation(row["creative_rotation"]),
        pacing=Pacing(row["pacing"]),
        pod_position=PodPosition(row["pod_position"]),
        share_percent=goal.amount if goal and goal.unit is GoalUnit.PERCENT else None,
    )


def siblings_of(row: DictRow) -> Sequence[Sibling]:
    """Return whoever of the same advertiser has caps that count others' views."""
    return [
        Sibling(
            AdvertiserId(str(row["advertiser_id"])),
            CampaignId(item["campaign_id"]),
            tuple(map(_cap, item["caps"])),
        )
        for item in row["shared_caps"] or ()
    ]


def servable_creative(row: DictRow, media_base_url: str) -> ServableCreative:
    """Return a creative as its campaign has it; media addresses lie below `media_base_url`."""
    facts, ad_id, tag_url = row["facts"], row["universal_ad_id"], row["tag_url"]
    is_tag = tag_url is not None
    return ServableCreative(
        creative_id=CreativeId(str(row["creative_id"])),
        name=row["name"],
        duration_ms=facts["duration_ms"],
        width_px=facts["width_px"] or 0,
        height_px=facts["height_px"] or 0,
        bitrate_kbps=facts["bitrate_kbps"] or 0,
        size_bytes=0 if is_tag else facts["size_bytes"],
        codec=(facts["codec"] or "") if is_tag else facts["video_codec"],
        mime_type=facts["mime_type"],
        media_url="" if is_tag else f"{media_base_url}/{row['media_key']}",
        click_through_url=row["click_through_url"],
        universal_ad_id=UniversalAdId(**ad_id) if ad_id else None,
        trackers=tuple(Tracker(TrackerEvent(t["event"]), t["url"]) for t in row["trackers"]),
        verifications=tuple(Verification(**vendor) for vendor in row["verifications"]),
        vast_tag_url=tag_url,
        media_sha256=row["media_sha256"] or "",
    )


def rendition(row: DictRow, media_base_url: str) -> Rendition:
    """Return one more file of a film."""
    facts = row["facts"]
    return Rendition(
        url=f"{media_base_url}/{row['media_key']}",
        mime_type=facts["mime_type"],
        width_px=facts["width_px"],
        height_px=facts["height_px"],
        bitrate_kbps=facts["bitrate_kbps"],
        codec=facts["video_codec"],
        size_bytes=facts["size_bytes"],
    )


def with_renditions(creative: ServableCreative, more: Sequence[Rendition]) -> ServableCreative:
    """Return the creative with further files, described by the lightest."""
    if not more:
        return creative
    lightest, *heavier = sorted((own_rendition(creative), *more), key=lambda one: one.bitrate_kbps)
    return replace(
        creative,
        media_url=lightest.url,
        mime_type=lightest.mime_type,
        width_px=lightest.width_px,
        height_px=lightest.height_px,
        bitrate_kbps=lightest.bitrate_kbps,
        codec=lightest.codec,
        size_bytes=lightest.size_bytes or 0,
        renditions=tuple(heavier),
    )


def assigned(creative: ServableCreative, row: DictRow) -> ServableCreative:
    """Return the creative as one line item rotates it."""
    return replace(
        creative,
        weight=row["weight"],
        sequence=row["sequence"],
        starts_at=_utc(row["starts_at"]),
        ends_at=_utc(row["ends_at"]),
    )


def measured(
    creatives: Sequence[ServableCreative], seen: Mapping[str, Completions]
) -> list[ServableCreative]:
    """Return the creatives of one line item with how they were seen to their end."""
    return [
        creative
        if (counts := seen.get(creative.creative_id)) is None
        else replace(
            creative,
            impressions=counts.impressions,
            completes=counts.completes,
            completion_rate_bp=counts.rate_bp,
        )
        for creative in creatives
    ]


def _daypart(item: Mapping[str, Any]) -> Daypart:
    return Daypart(tuple(map(Weekday, item["days"])), item["from_min"], item["to_min"])


def _cap(item: Mapping[str, Any]) -> FrequencyCap:
    scope, key = CapScope(item["scope"]), CapKey(item["key"])
    return FrequencyCap(item["limit"], item["window_ms"], scope, key)


def _separation(item: Mapping[str, Any]) -> Separation:
    return Separation(SeparationBy(item["by"]), SeparationExtent(item["extent"]))


def _utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None
