"""Valid things by default: a test names only what it is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.access import Account, Caller, Role
from ctv_ads.domain.beacon import Beacon, BeaconClaims, BeaconEvent
from ctv_ads.domain.beacon_token import TokenKeys
from ctv_ads.domain.campaign import Campaign, CampaignDraft, CampaignStatus
from ctv_ads.domain.companions import Tracker, UniversalAdId, Verification
from ctv_ads.domain.creative import CreativeDraft
from ctv_ads.domain.ids import (
    AdvertiserId,
    CampaignId,
    CreativeId,
    DecisionId,
    LineItemId,
    OrganizationId,
    PlacementId,
    UserId,
)
from ctv_ads.domain.inventory import (
    Inventory,
    PublishedPlacement,
    ServableCreative,
    ServableLineItem,
)
from ctv_ads.domain.media import AudioTrack, MediaFacts, MediaProbe, VideoTrack

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
CPM_MICROS = 20_000_000
PRICE_MICROS = 20_000
"""What one impression costs at `CPM_MICROS`."""
KEYS = TokenKeys("k1", {"k1": b"the-first-key-of-the-tests-is-32-bytes"})
SHA256 = "ab" * 32


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organization with one of everything that campaigns need."""

    organization_id: OrganizationId
    caller: Caller
    account: Account
    advertiser_id: AdvertiserId
    advertiser_name: str
    placement_id: PlacementId
    placement_key: str


def a_tenant(
    *,
    role: Role = Role.TRAFFICKER,
    email: str | None = None,
    password_hash: str = "no-such-hash",
) -> Tenant:
    organization_id = OrganizationId(new_id())
    user_id = UserId(new_id())
    placement_id = PlacementId(new_id())
    account = Account(
        user_id=user_id,
        organization_id=organization_id,
        organization_name="Channel Eins",
        role=role,
        email=email or f"{user_id}@example.com",
        name="Ada Lovelace",
        password_hash=password_hash,
    )
    return Tenant(
        organization_id=organization_id,
        caller=Caller(user_id, organization_id, role),
        account=account,
        advertiser_id=AdvertiserId(new_id()),
        advertiser_name="Acme & Söhne",
        placement_id=placement_id,
        placement_key=f"preroll-{placement_id}",
    )


def a_campaign_draft(
    *,
    name: str = "Winter tyres",
    advertiser_id: AdvertiserId | None = None,
    budget_micros: int = 1_000_000,
    cpm_micros: int = CPM_MICROS,
    starts_at: datetime = NOON - DAY,
    ends_at: datetime = NOON + 30 * DAY,
) -> CampaignDraft:
    return CampaignDraft(name, advertiser_id, budget_micros, cpm_micros, starts_at, ends_at, "UTC")


def a_campaign(
    *,
    status: CampaignStatus = CampaignStatus.DRAFT,
    budget_micros: int = 1_000_000,
    billed_micros: int = 0,
    cpm_micros: int = CPM_MICROS,
    ends_at: datetime = NOON + 30 * DAY,
) -> Campaign:
    return Campaign(
        campaign_id=CampaignId(new_id()),
        advertiser_id=AdvertiserId(new_id()),
        advertiser_name="Acme",
        name="Winter tyres",
        status=status,
        budget_micros=budget_micros,
        billed_micros=billed_micros,
        cpm_micros=cpm_micros,
        currency="USD",
        starts_at=NOON - DAY,
        ends_at=ends_at,
        timezone="UTC",
        version=1,
        created_at=NOON - DAY,
        updated_at=NOON - DAY,
        line_items=(),
    )


def a_creative_draft(
    campaign_id: CampaignId,
    *,
    name: str = "Winter tyres, 15 s",
    content_type: str = "video/mp4",
    size_bytes: int = 1_000_000,
    click_through_url: str | None = None,
) -> CreativeDraft:
    return CreativeDraft(
        campaign_id, name, "tyres.mp4", content_type, size_bytes, click_through_url
    )


def media_facts(*, duration_ms: int = 15_000) -> MediaFacts:
    return MediaFacts(
        duration_ms=duration_ms,
        width_px=1920,
        height_px=1080,
        frame_rate_milli=25_000,
        video_codec="avc1.640028",
        audio_codec="mp4a.40.2",
        audio_channels=2,
        bitrate_kbps=5_000,
        size_bytes=9_375_000,
        mime_type="video/mp4",
        is_streamable=True,
        sha256=SHA256,
    )


def a_probe(
    *, size_bytes: int = 9_375_000, container: str | None = "mp4", duration_ms: int = 15_000
) -> MediaProbe:
    return MediaProbe(
        size_bytes=size_bytes,
        container=container,
        is_streamable=True,
        duration_ms=duration_ms,
        bitrate_kbps=5_000,
        video=VideoTrack(1920, 1080, "h264", "avc1.640028", 25_000, "progressive", "4:2:0", 8),
        audio=AudioTrack("aac", "mp4a.40.2", 2, 48_000),
    )


def a_servable_creative(  # noqa: PLR0913 - each is what some test is about
    *,
    creative_id: str | None = None,
    name: str = "Winter tyres, 15 s",
    duration_ms: int = 15_000,
    click_through_url: str | None = None,
    media_url: str | None = None,
    universal_ad_id: UniversalAdId | None = None,
    trackers: tuple[Tracker, ...] = (),
    verifications: tuple[Verification, ...] = (),
    vast_tag_url: str | None = None,
    **others: Any,
) -> ServableCreative:
    known = CreativeId(creative_id or new_id())
    return ServableCreative(
        creative_id=known,
        name=name,
        duration_ms=duration_ms,
        width_px=1920,
        height_px=1080,
        bitrate_kbps=5_000,
        size_bytes=9_375_000,
        codec="avc1.640028",
        mime_type="video/mp4",
        media_url=media_url or f"https://media.example.com/{known}/video.mp4",
        click_through_url=click_through_url,
        universal_ad_id=universal_ad_id,
        trackers=trackers,
        verifications=verifications,
        vast_tag_url=vast_tag_url,
        **others,
    )


def a_servable_line_item(  # noqa: PLR0913 - each is what some test is about
    *,
    line_item_id: str | None = None,
    advertiser_name: str = "Acme",
    priority: int = 8,
    price_micros: int = PRICE_MICROS,
    starts_at: datetime = NOON - DAY,
    ends_at: datetime = NOON + DAY,
    remaining_micros: int = 1_000_000,
    creatives: Sequence[ServableCreative] | None = None,
    **others: Any,
) -> ServableLineItem:
    return ServableLineItem(
        line_item_id=LineItemId(line_item_id or new_id()),
        campaign_id=others.pop("campaign_id", None) or CampaignId(new_id()),
        advertiser_id=others.pop("advertiser_id", None) or AdvertiserId(new_id()),
        advertiser_name=advertiser_name,
        priority=priority,
        price_micros=price_micros,
        starts_at=starts_at,
        ends_at=ends_at,
        remaining_micros=remaining_micros,
        creatives=tuple([a_servable_creative()] if creatives is None else creatives),
        **others,
    )


def an_inventory(
    *line_items: ServableLineItem,
    placement: str = "preroll",
    version: str = "",
    built_at: datetime = NOON,
    organization_id: OrganizationId | None = None,
) -> Inventory:
    """One tenant's inventory; the line items have to come in rank order."""
    organization_id = organization_id or OrganizationId(new_id())
    published = PublishedPlacement(PlacementId(new_id()), organization_id)
    return Inventory(
        version=version,
        built_at=built_at,
        placements={placement: published, published.placement_id: published},
        line_items={organization_id: line_items},
    )


def some_claims(
    *,
    decision_id: str | None = None,
    slot: int = 1,
    decided_at: datetime = NOON,
    lifetime: timedelta = DAY,
    line_item_id: str | None = None,
    price_micros: int = PRICE_MICROS,
    **others: Any,
) -> BeaconClaims:
    return BeaconClaims(
        decision_id=DecisionId(decision_id or new_id()),
        slot=slot,
        decided_at=decided_at,
        expires_at=decided_at + lifetime,
        line_item_id=LineItemId(line_item_id or new_id()),
        creative_id=CreativeId(others.pop("creative_id", None) or new_id()),
        placement_id=PlacementId(others.pop("placement_id", None) or new_id()),
        price_micros=price_micros,
        **others,
    )


def a_beacon(
    claims: BeaconClaims | None = None,
    *,
    event: BeaconEvent = BeaconEvent.IMPRESSION,
    received_at: datetime = NOON,
    client_network: str | None = "203.0.113.0/24",
    user_agent_class: str = "roku",
    vast_error_code: int | None = None,
) -> Beacon:
    return Beacon(
        event=event,
        claims=claims or some_claims(),
        received_at=received_at,
        client_network=client_network,
        user_agent_class=user_agent_class,
        vast_error_code=vast_error_code,
    )
