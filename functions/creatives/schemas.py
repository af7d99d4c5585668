"""What the creatives API takes and gives."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from ctv_ads.domain.creative import Creative, CreativeDraft, CreativeStatus
from ctv_ads.domain.ids import CampaignId
from ctv_ads.domain.media import RejectionCode
from ctv_ads.ports.uploads import UploadForm
from ctv_ads.web.fields import Body, Name, WebAddress


class NewCreative(Body):
    """A creative to be uploaded: what the file is, before it is sent."""

    name: Name
    filename: Name
    content_type: Annotated[str, Field(max_length=100, examples=["video/mp4"])]
    size_bytes: Annotated[int, Field(strict=True, gt=0, description="Exact size of the file")]
    click_through_url: WebAddress | None = None

    def draft(self, campaign_id: CampaignId) -> CreativeDraft:
        """Return it in the domain's terms."""
        return CreativeDraft(campaign_id=campaign_id, **self.model_dump())


class RejectionView(BaseModel):
    """One reason why a file cannot become a creative."""

    code: RejectionCode
    message: str


class CreativeView(BaseModel):
    """A creative. What was measured is there once it is ready."""

    id: str
    campaign_id: str
    advertiser_id: str
    name: str
    filename: str
    content_type: str
    status: CreativeStatus
    click_through_url: str | None
    size_bytes: int
    duration_ms: int | None
    width_px: int | None
    height_px: int | None
    frame_rate_milli: int | None
    video_codec: str | None
    audio_codec: str | None
    bitrate_kbps: int | None
    sha256: str | None
    media_url: str | None
    rejection_reasons: list[RejectionView]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, creative: Creative, media_base_url: str) -> "CreativeView":
        """Return what the API tells of a creative."""
        facts = creative.facts
        return cls(
            id=creative.creative_id,
            campaign_id=creative.campaign_id,
            advertiser_id=creative.advertiser_id,
            name=creative.name,
            filename=creative.filename,
            content_type=creative.content_type,
            status=creative.status,
            click_through_url=creative.click_through_url,
            size_bytes=facts.size_bytes if facts else creative.declared_size_bytes,
            duration_ms=facts and facts.duration_ms,
            width_px=facts and facts.width_px,
            height_px=facts and facts.height_px,
            frame_rate_milli=facts and facts.frame_rate_milli,
            video_codec=facts and facts.video_codec,
            audio_codec=facts and facts.audio_codec,
            bitrate_kbps=facts and facts.bitrate_kbps,
            sha256=facts and facts.sha256,
            media_url=f"{media_base_url}/{creative.media_key}" if creative.media_key else None,
            rejection_reasons=[
                RejectionView(code=item.code, message=item.message) for item in creative.rejections
            ],
            created_at=creative.created_at.astimezone(UTC),
            updated_at=creative.updated_at.astimezone(UTC),
        )


class CreativeList(BaseModel):
    """A campaign's creatives, oldest first."""

    items: list[CreativeView]


class UploadView(BaseModel):
    """How to send the file: POST `fields`, then the file as field `file`, to `url`."""

    url: str
    fields: dict[str, str]

    @classmethod
    def of(cls, form: UploadForm) -> "UploadView":
        """Return what the API tells of a form."""
        return cls(url=form.url, fields=dict(form.fields))


class RegisteredCreative(BaseModel):
    """A new creative and the form by which its file is sent."""

    creative: CreativeView
    upload: UploadView
