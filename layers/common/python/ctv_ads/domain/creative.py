"""Creatives: the videos that play."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ctv_ads.domain.ids import AdvertiserId, CampaignId, CreativeId, OrganizationId
from ctv_ads.domain.media import MediaFacts, Rejection

ACCEPTED_CONTENT_TYPES = frozenset({"video/mp4"})


class CreativeStatus(StrEnum):
    """Where a creative stands between upload and serving."""

    UPLOADING = "uploading"
    VALIDATING = "validating"
    READY = "ready"
    REJECTED = "rejected"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class CreativeDraft:
    """A creative as its maker announces it, before the file arrives."""

    campaign_id: CampaignId
    name: str
    filename: str
    content_type: str
    size_bytes: int
    click_through_url: str | None


@dataclass(frozen=True, slots=True)
class Creative:
    """A creative as stored. Its id never moves to another file: new file, new id.

    `facts` and `media_key` are there once it is ready, `rejections` once it is rejected.
    """

    creative_id: CreativeId
    organization_id: OrganizationId
    campaign_id: CampaignId
    advertiser_id: AdvertiserId
    name: str
    filename: str
    content_type: str
    declared_size_bytes: int
    click_through_url: str | None
    status: CreativeStatus
    facts: MediaFacts | None
    media_key: str | None
    rejections: tuple[Rejection, ...]
    created_at: datetime
    updated_at: datetime


def upload_key(creative_id: CreativeId) -> str:
    """Return where in the upload bucket the creative's file is awaited."""
    return f"creatives/{creative_id}"


def creative_of_upload(key: str) -> CreativeId | None:
    """Return whose upload an object is, or None when it is nobody's."""
    folder, _, creative_id = key.partition("/")
    return CreativeId(creative_id) if folder == "creatives" and creative_id else None


def media_key(creative_id: CreativeId) -> str:
    """Return where in the media bucket players find the creative's file."""
    return f"{creative_id}/video.mp4"
