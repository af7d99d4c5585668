"""What the creatives API takes and gives."""

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel

from ctv_ads.domain.companions import Tracker, UniversalAdId, Verification
from ctv_ads.domain.creative import (
    Creative,
    CreativeDraft,
    CreativeKind,
    CreativeStatus,
    SoftFields,
    TagDraft,
)
from ctv_ads.domain.ids import CampaignId
from ctv_ads.domain.listing import Page
from ctv_ads.domain.media import RejectionCode
from ctv_ads.domain.vast_tag import TagFacts
from ctv_ads.web.cursors import write_cursor
from ctv_ads.web.fields import Body, Name, WebAddress
from functions.creatives.companions import Trackers, UniversalAdIdBody, Verifications
from functions.creatives.contents import Contents
from functions.creatives.uploads import UploadView


class CreativeChange(Body):
    """What to change; a field that is absent stays as it is."""

    name: Name = ""
    click_through_url: WebAddress | None = None
    universal_ad_id: UniversalAdIdBody | None = None
    trackers: Trackers = ()
    verifications: Verifications = ()
    status: Literal["archived"] = "archived"

    def changes(self) -> dict[str, Any]:
        """Return what is wanted, in the domain's terms."""
        every: dict[str, Any] = {
            "name": self.name,
            "click_through_url": self.click_through_url,
            "universal_ad_id": _universal_ad_id(self.universal_ad_id),
            "trackers": _trackers(self.trackers),
            "verifications": _verifications(self.verifications),
            "status": self.status,
        }
        return {name: every[name] for name in self.model_fields_set}


class NewCreative(Contents):
    """A video to be uploaded, or a third party's VAST tag.

    A video says what the file is, before it is sent; a tag says its address.
    """

    name: Name
    click_through_url: WebAddress | None = None
    universal_ad_id: UniversalAdIdBody | None = None
    trackers: Trackers = ()
    verifications: Verifications = ()

    def draft(self, campaign_id: CampaignId) -> CreativeDraft | TagDraft:
        """Return it in the domain's terms.

        Raises:
            InvalidRequestError: a field of its kind is missing, or one of the other is there.
        """
        self.refuse_other_kind()
        soft = SoftFields(
            name=self.name,
            click_through_url=self.click_through_url,
            universal_ad_id=_universal_ad_id(self.universal_ad_id),
            trackers=_trackers(self.trackers),
            verifications=_verifications(self.verifications),
        )
        if self.is_tag:
            return TagDraft(campaign_id, self.tag_url, soft)
        return CreativeDraft(
            campaign_id=campaign_id,
            filename=self.filename,
            content_type=self.content_type,
            size_bytes=self.size_bytes,
            **{item.name: getattr(soft, item.name) for item in fields(soft)},
        )


class RejectionView(BaseModel):
    """One reason why a file cannot become a creative."""

    code: RejectionCode
    message: str


class CreativeView(BaseModel):
    """A creative. What was measured is there once it is ready."""

    id: str
    campaign_id: str
    advertiser_id: str
    kind: CreativeKind
    name: str
    filename: str | None
    content_type: str | None
    status: CreativeStatus
    click_through_url: str | None
    size_bytes: int | None
    duration_ms: int | None
    width_px: int | None
    height_px: int | None
    frame_rate_milli: int | None
    video_codec: str | None
    audio_codec: str | None
    bitrate_kbps: int | None
    sha256: str | None
    media_url: str | None
    tag_url: str | None
    tag_facts: TagFacts | None
    replaces: str | None
    rendition_of: str | None
    duplicate_of: list[str]
    rejection_reasons: list[RejectionView]
    universal_ad_id: UniversalAdId | None
    trackers: list[Tracker]
    verifications: list[Verification]
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, creative: Creative, media_base_url: str) -> "CreativeView":
        """Return what the API tells of a creative."""
        facts, tag = creative.facts, creative.tag_facts
        return cls(
            id=creative.creative_id,
            campaign_id=creative.campaign_id,
            advertiser_id=creative.advertiser_id,
            kind=creative.kind,
            name=creative.name,
            filename=creative.filename,
            content_type=creative.content_type,
            status=creative.status,
            click_through_url=creative.click_through_url,
            size_bytes=facts.size_bytes if facts else creative.declared_size_bytes,
            duration_ms=tag.duration_ms if tag else facts and facts.duration_ms,
            width_px=facts and facts.width_px,
            height_px=facts and facts.height_px,
            frame_rate_milli=facts and facts.frame_rate_milli,
            video_codec=facts and facts.video_codec,
            audio_codec=facts and facts.audio_codec,
            bitrate_kbps=facts and facts.bitrate_kbps,
            sha256=facts and facts.sha256,
            media_url=f"{media_base_url}/{creative.media_key}" if creative.media_key else None,
            tag_url=creative.tag_url,
            tag_facts=tag,
            replaces=creative.replaces,
            rendition_of=creative.rendition_of,
            duplicate_of=list(creative.duplicate_of),
            rejection_reasons=[
                RejectionView(code=item.code, message=item.message) for item in creative.rejections
            ],
            universal_ad_id=creative.universal_ad_id,
            trackers=list(creative.trackers),
            verifications=list(creative.verifications),
            version=creative.version,
            created_at=creative.created_at.astimezone(UTC),
            updated_at=creative.updated_at.astimezone(UTC),
        )


class CreativePage(BaseModel):
    """A part of a campaign's creatives; `totals` are of all that the filters let through."""

    items: list[CreativeView]
    next_cursor: str | None
    totals: dict[str, int]

    @classmethod
    def of(cls, page: Page[Creative], media_base_url: str) -> "CreativePage":
        """Return what the API tells of a page."""
        return cls(
            items=[CreativeView.of(item, media_base_url) for item in page.items],
            next_cursor=write_cursor(page.next_cursor),
            totals=dict(page.totals),
        )


class RegisteredCreative(BaseModel):
    """A new creative and how its file is sent; a tag has none."""

    creative: CreativeView
    upload: UploadView | None


class PreviewView(BaseModel):
    """Where a creative can be looked at, until when if not for good."""

    url: str
    expires_at: datetime | None


def _universal_ad_id(body: UniversalAdIdBody | None) -> UniversalAdId | None:
    return UniversalAdId(body.registry, body.value) if body else None


def _trackers(bodies: Trackers) -> tuple[Tracker, ...]:
    return tuple(Tracker(item.event, item.url) for item in bodies)


def _verifications(bodies: Verifications) -> tuple[Verification, ...]:
    return tuple(Verification(**item.model_dump()) for item in bodies)
