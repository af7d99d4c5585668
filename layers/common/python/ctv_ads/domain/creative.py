"""Creatives: the videos that play."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ctv_ads.domain.companions import Tracker, UniversalAdId, Verification
from ctv_ads.domain.ids import AdvertiserId, CampaignId, CreativeId, OrganizationId
from ctv_ads.domain.media import MediaFacts, Rejection, RejectionCode
from ctv_ads.domain.vast_tag import TagFacts

ACCEPTED_CONTENT_TYPES = frozenset({"video/mp4"})
RENDITION_TOLERANCE_MS = 250
MAX_RENDITIONS = 20
"""Of one creative, whatever became of them."""


class CreativeKind(StrEnum):
    """What a creative is made of."""

    VIDEO = "video"
    """A file of its own, measured and served by us."""
    VAST_TAG = "vast_tag"
    """The address of a third party's ad, served inside a wrapper of ours."""


class CreativeStatus(StrEnum):
    """Where a creative stands between upload and serving."""

    UPLOADING = "uploading"
    VALIDATING = "validating"
    READY = "ready"
    REJECTED = "rejected"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True)
class SoftFields:
    """What may change while the file stays what it is."""

    name: str
    click_through_url: str | None = None
    universal_ad_id: UniversalAdId | None = None
    trackers: tuple[Tracker, ...] = ()
    verifications: tuple[Verification, ...] = ()


@dataclass(frozen=True, slots=True)
class CreativeDraft:
    """A creative as its maker announces it, before the file arrives."""

    campaign_id: CampaignId
    name: str
    filename: str
    content_type: str
    size_bytes: int
    click_through_url: str | None
    universal_ad_id: UniversalAdId | None = None
    trackers: tuple[Tracker, ...] = ()
    verifications: tuple[Verification, ...] = ()
    replaces: CreativeId | None = None
    """Whose place it takes once it is ready."""
    rendition_of: CreativeId | None = None
    """Beside whose file it is offered, instead of rotating itself."""


@dataclass(frozen=True, slots=True)
class TagDraft:
    """A third party's VAST tag as its maker announces it, before it is checked."""

    campaign_id: CampaignId
    tag_url: str
    soft_fields: SoftFields
    replaces: CreativeId | None = None
    """Whose place it takes once it is ready."""


@dataclass(frozen=True, slots=True)
class Creative:
    """A creative as stored. Its id never moves to another file: new file, new id.

    `facts` and `media_key` of a file, `tag_facts` of a tag are there once it is ready,
    `rejections` once it is rejected. A tag has no file name, type and size.
    """

    creative_id: CreativeId
    organization_id: OrganizationId
    campaign_id: CampaignId
    advertiser_id: AdvertiserId
    kind: CreativeKind
    name: str
    filename: str | None
    content_type: str | None
    declared_size_bytes: int | None
    tag_url: str | None
    click_through_url: str | None
    status: CreativeStatus
    facts: MediaFacts | None
    tag_facts: TagFacts | None
    media_key: str | None
    rejections: tuple[Rejection, ...]
    universal_ad_id: UniversalAdId | None
    trackers: tuple[Tracker, ...]
    verifications: tuple[Verification, ...]
    replaces: CreativeId | None
    rendition_of: CreativeId | None
    """The creative whose film this file holds too; it does not rotate by itself."""
    film_ms: int | None
    """Of a rendition, how long that creative's own file is."""
    duplicate_of: tuple[CreativeId, ...]
    """Other ready creatives of the organization with the same file, the oldest first."""
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def soft_fields(self) -> SoftFields:
        """What of it may still change."""
        return SoftFields(
            self.name,
            self.click_through_url,
            self.universal_ad_id,
            self.trackers,
            self.verifications,
        )


def rendition_reasons(creative: Creative, duration_ms: int | None) -> tuple[Rejection, ...]:
    """Hold a rendition to its film's length; whoever encodes one cuts or pads some frames."""
    film_ms = creative.film_ms
    if (
        film_ms is None
        or duration_ms is None
        or abs(duration_ms - film_ms) <= RENDITION_TOLERANCE_MS
    ):
        return ()
    message = f"The file is {duration_ms} ms long; the film that it should show takes {film_ms} ms."
    return (Rejection(RejectionCode.DURATION_MISMATCH, message),)


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
