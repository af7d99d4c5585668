"""Creatives, and how they are registered and changed."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.adapters.postgres.listing import Listing
from ctv_ads.domain.access import Caller
from ctv_ads.domain.companions import Tracker, TrackerEvent, UniversalAdId, Verification
from ctv_ads.domain.creative import (
    Creative,
    CreativeDraft,
    CreativeKind,
    CreativeStatus,
    SoftFields,
    TagDraft,
)
from ctv_ads.domain.ids import AdvertiserId, CampaignId, CreativeId, OrganizationId
from ctv_ads.domain.listing import ListQuery, Page
from ctv_ads.domain.media import MediaFacts, Rejection, RejectionCode
from ctv_ads.domain.vast_tag import TagFacts
from ctv_ads.errors import NotFoundError

_COLUMNS = """
       r.creative_id, r.organization_id, r.campaign_id, c.advertiser_id, r.kind, r.name,
       r.filename, r.content_type, r.declared_size_bytes, r.tag_url, r.click_through_url,
       r.status, r.facts, r.media_key, r.rejections, r.universal_ad_id, r.trackers,
       r.verifications, r.replaces, r.rendition_of,
       (SELECT f.facts ->> 'duration_ms' FROM creatives f
        WHERE f.creative_id = r.rendition_of)::integer AS film_ms, r.version, r.created_at, r.updated_at,
       ARRAY(
           SELECT d.creative_id::text FROM creatives d
           WHERE d.organization_id = r.organization_id AND d.media_sha256 = r.media_sha256
             AND d.creative_id <> r.creative_id AND d.status = 'ready' AND d.deleted_at IS NULL
           ORDER BY d.creative_id LIMIT 20
       ) AS duplicate_of"""
_SOURCE = """
creatives r JOIN campaigns c USING (organization_id, campaign_id)
WHERE r.deleted_at IS NULL"""
_ONE = f"SELECT {_COLUMNS} FROM {_SOURCE} AND r.creative_id = %s"  # noqa: S608 - our own texts
_ONE_FOR_UPDATE = f"{_ONE} FOR UPDATE OF r"
_LISTING = Listing(
    columns=_COLUMNS,
    source=_SOURCE,
    counted="creatives r WHERE r.deleted_at IS NULL",
    id_column="r.creative_id",
    sorts={"created_at": ("r.created_at", "timestamptz"), "name": ("lower(r.name)", "text")},
    filters={
        "campaign_id": "r.campaign_id = %(campaign_id)s::uuid",
        "q": "r.name ILIKE %(q)s",
        "status": "r.status = %(status)s",
        "kind": "r.kind = %(kind)s",
    },
)
_INSERT = """
INSERT INTO creatives (creative_id, organization_id, campaign_id, name, filename, content_type,
                       declared_size_bytes, click_through_url, universal_ad_id, trackers,
                       verifications, replaces, rendition_of, created_by)
VALUES (%(creative_id)s, %(organization_id)s, %(campaign_id)s, %(name)s, %(filename)s,
        %(content_type)s, %(size_bytes)s, %(click_through_url)s, %(universal_ad_id)s,
        %(trackers)s, %(verifications)s, %(replaces)s, %(rendition_of)s, %(created_by)s)"""
_INSERT_TAG = """
INSERT INTO creatives (creative_id, organization_id, campaign_id, kind, status, name, tag_url,
                       click_through_url, universal_ad_id, trackers, verifications, replaces,
                       created_by)
VALUES (%(creative_id)s, %(organization_id)s, %(campaign_id)s, 'vast_tag', 'validating',
        %(name)s, %(tag_url)s, %(click_through_url)s, %(universal_ad_id)s, %(trackers)s,
        %(verifications)s, %(replaces)s, %(created_by)s)"""
_CHANGE = """
UPDATE creatives SET name = %(name)s, click_through_url = %(click_through_url)s,
       universal_ad_id = %(universal_ad_id)s, trackers = %(trackers)s,
       verifications = %(verifications)s, status = %(status)s, version = version + 1,
       updated_at = %(now)s
WHERE creative_id = %(creative_id)s AND deleted_at IS NULL"""
_CHECK_AGAIN = """
UPDATE creatives SET status = 'validating', version = version + 1, updated_at = %(now)s
WHERE creative_id = %(creative_id)s AND kind = 'vast_tag' AND status = 'rejected'
  AND deleted_at IS NULL"""
_DELETE = """
UPDATE creatives SET deleted_at = %(now)s, version = version + 1, updated_at = %(now)s
WHERE (creative_id = %(creative_id)s OR rendition_of = %(creative_id)s) AND deleted_at IS NULL"""
_COUNT_RENDITIONS = """
SELECT count(*) AS renditions FROM creatives WHERE rendition_of = %s AND deleted_at IS NULL"""


class PostgresCreatives:
    """Implements `ports.Creatives`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, draft: CreativeDraft, creative_id: CreativeId, caller: Caller) -> Creative:
        """Store a new creative that waits for its upload."""
        values = (
            asdict(draft)
            | _as_json(draft)
            | {
                "creative_id": creative_id,
                "organization_id": caller.organization_id,
                "created_by": caller.user_id,
            }
        )
        self._connection.execute(_INSERT, values)
        return self.get(creative_id)

    def add_tag(self, draft: TagDraft, creative_id: CreativeId, caller: Caller) -> Creative:
        """Store a new tag that waits for its check."""
        soft = draft.soft_fields
        values = (
            asdict(soft)
            | _as_json(soft)
            | {
                "campaign_id": draft.campaign_id,
                "tag_url": draft.tag_url,
                "replaces": draft.replaces,
                "creative_id": creative_id,
                "organization_id": caller.organization_id,
                "created_by": caller.user_id,
            }
        )
        self._connection.execute(_INSERT_TAG, values)
        return self.get(creative_id)

    def get(self, creative_id: CreativeId, *, for_update: bool = False) -> Creative:
        """Return one creative."""
        query = _ONE_FOR_UPDATE if for_update else _ONE
        row = self._connection.execute(query, (creative_id,)).fetchone()
        if row is None:
            raise NotFoundError("there is no such creative")
        return _creative(row)

    def count_renditions(self, creative_id: CreativeId) -> int:
        """Return how many renditions a creative has, ready or not."""
        row = self._connection.execute(_COUNT_RENDITIONS, (creative_id,)).fetchone()
        return row["renditions"] if row else 0

    def page(self, query: ListQuery) -> Page[Creative]:
        """Return a page of them; the filter `campaign_id` says of which campaign."""
        return _LISTING.page(self._connection, query, _creative)

    def change(
        self, creative_id: CreativeId, soft: SoftFields, status: CreativeStatus, now: datetime
    ) -> None:
        """Write what may change and count the version up."""
        values = (
            asdict(soft)
            | _as_json(soft)
            | {
                "creative_id": creative_id,
                "status": status.value,
                "now": now,
            }
        )
        self._connection.execute(_CHANGE, values)

    def check_again(self, creative_id: CreativeId, now: datetime) -> None:
        """Let a rejected tag wait for another verdict."""
        self._connection.execute(_CHECK_AGAIN, {"creative_id": creative_id, "now": now})

    def delete(self, creative_id: CreativeId, now: datetime) -> None:
        """Hide the creative and its renditions; they no longer serve."""
        self._connection.execute(_DELETE, {"creative_id": creative_id, "now": now})


def _as_json(fields: CreativeDraft | SoftFields) -> dict[str, Any]:
    """Return those of the soft fields that are documents, as the columns take them."""
    ad_id = fields.universal_ad_id
    return {
        "universal_ad_id": Jsonb(asdict(ad_id)) if ad_id else None,
        "trackers": Jsonb([asdict(tracker) for tracker in fields.trackers]),
        "verifications": Jsonb([asdict(item) for item in fields.verifications]),
    }


def _creative(row: DictRow) -> Creative:
    ad_id, facts = row["universal_ad_id"], row["facts"]
    kind, status = CreativeKind(row["kind"]), CreativeStatus(row["status"])
    # A tag that is checked again keeps the reasons of the check before until it is accepted.
    rejections = row["rejections"] if status is CreativeStatus.REJECTED else ()
    return Creative(
        creative_id=CreativeId(str(row["creative_id"])),
        organization_id=OrganizationId(str(row["organization_id"])),
        campaign_id=CampaignId(str(row["campaign_id"])),
        advertiser_id=AdvertiserId(str(row["advertiser_id"])),
        kind=kind,
        name=row["name"],
        filename=row["filename"],
        content_type=row["content_type"],
        declared_size_bytes=row["declared_size_bytes"],
        tag_url=row["tag_url"],
        click_through_url=row["click_through_url"],
        status=status,
        facts=MediaFacts(**facts) if facts and kind is CreativeKind.VIDEO else None,
        tag_facts=TagFacts(**facts) if facts and kind is CreativeKind.VAST_TAG else None,
        media_key=row["media_key"],
        rejections=tuple(
            Rejection(RejectionCode(item["code"]), item["message"]) for item in rejections
        ),
        universal_ad_id=UniversalAdId(**ad_id) if ad_id else None,
        trackers=tuple(
            Tracker(TrackerEvent(item["event"]), item["url"]) for item in row["trackers"]
        ),
        verifications=tuple(Verification(**item) for item in row["verifications"]),
        replaces=CreativeId(str(row["replaces"])) if row["replaces"] else None,
        rendition_of=CreativeId(str(row["rendition_of"])) if row["rendition_of"] else None,
        film_ms=row["film_ms"],
        duplicate_of=tuple(CreativeId(item) for item in row["duplicate_of"]),
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
