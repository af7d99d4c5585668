"""Creatives: registering them, and the verdicts on their files."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from ctv_ads.adapters.postgres.database import Connection, Database
from ctv_ads.domain.access import Caller
from ctv_ads.domain.creative import Creative, CreativeDraft, CreativeStatus
from ctv_ads.domain.ids import AdvertiserId, CampaignId, CreativeId, OrganizationId, is_id
from ctv_ads.domain.media import MediaFacts, Rejection, RejectionCode
from ctv_ads.errors import NotFoundError

_COLUMNS = """
SELECT r.creative_id, r.organization_id, r.campaign_id, c.advertiser_id, r.name, r.filename,
       r.content_type, r.declared_size_bytes, r.click_through_url, r.status, r.facts,
       r.media_key, r.rejections, r.created_at, r.updated_at
FROM creatives r
JOIN campaigns c USING (organization_id, campaign_id)
WHERE r.deleted_at IS NULL"""
_ONE = f"{_COLUMNS} AND r.creative_id = %s"
_OF_CAMPAIGN = f"{_COLUMNS} AND r.campaign_id = %s ORDER BY r.creative_id"
_INSERT = """
INSERT INTO creatives (creative_id, organization_id, campaign_id, name, filename, content_type,
                       declared_size_bytes, click_through_url, created_by)
VALUES (%(creative_id)s, %(organization_id)s, %(campaign_id)s, %(name)s, %(filename)s,
        %(content_type)s, %(size_bytes)s, %(click_through_url)s, %(created_by)s)"""
_DELETE = """
UPDATE creatives SET deleted_at = %(now)s, updated_at = %(now)s
WHERE creative_id = %(creative_id)s AND deleted_at IS NULL"""
_START_VALIDATING = """
UPDATE creatives SET status = 'validating', updated_at = now()
WHERE creative_id = %s AND status IN ('uploading', 'validating') AND deleted_at IS NULL"""
_ACCEPT = """
UPDATE creatives SET status = 'ready', facts = %(facts)s, media_sha256 = %(sha256)s,
       media_key = %(media_key)s, updated_at = %(now)s
WHERE creative_id = %(creative_id)s AND status = 'validating' AND deleted_at IS NULL"""
_REJECT = """
UPDATE creatives SET status = 'rejected', rejections = %(rejections)s, updated_at = %(now)s
WHERE creative_id = %(creative_id)s AND status = 'validating' AND deleted_at IS NULL"""


class PostgresCreatives:
    """Implements `ports.Creatives`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, draft: CreativeDraft, creative_id: CreativeId, caller: Caller) -> Creative:
        """Store a new creative that waits for its upload."""
        values = asdict(draft) | {
            "creative_id": creative_id,
            "organization_id": caller.organization_id,
            "created_by": caller.user_id,
        }
        self._connection.execute(_INSERT, values)
        return self.get(creative_id)

    def get(self, creative_id: CreativeId) -> Creative:
        """Return one creative."""
        row = self._connection.execute(_ONE, (creative_id,)).fetchone()
        if row is None:
            raise NotFoundError("there is no such creative")
        return _creative(row)

    def of_campaign(self, campaign_id: CampaignId) -> Sequence[Creative]:
        """Return the campaign's creatives, oldest first."""
        return [_creative(row) for row in self._connection.execute(_OF_CAMPAIGN, (campaign_id,))]

    def delete(self, creative_id: CreativeId, now: datetime) -> None:
        """Hide the creative; it no longer serves."""
        self._connection.execute(_DELETE, {"creative_id": creative_id, "now": now})


class PostgresCreativeValidation:
    """Implements `ports.CreativeValidation`, for all organizations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, creative_id: CreativeId) -> Creative | None:
        """Mark a creative that waits for a verdict as being validated, and return it."""
        if not is_id(creative_id):
            return None
        with self._database.transaction() as connection:
            if connection.execute(_START_VALIDATING, (creative_id,)).rowcount == 0:
                return None
            return PostgresCreatives(connection).get(creative_id)

    def accept(
        self, creative_id: CreativeId, facts: MediaFacts, *, media_key: str, now: datetime
    ) -> bool:
        """Mark it ready, unless it no longer waits."""
        values = {
            "creative_id": creative_id,
            "facts": Jsonb(asdict(facts)),
            "sha256": facts.sha256,
            "media_key": media_key,
            "now": now,
        }
        with self._database.transaction() as connection:
            return connection.execute(_ACCEPT, values).rowcount == 1

    def reject(
        self, creative_id: CreativeId, rejections: Sequence[Rejection], *, now: datetime
    ) -> bool:
        """Mark it rejected, unless it no longer waits."""
        values = {
            "creative_id": creative_id,
            "rejections": Jsonb([asdict(rejection) for rejection in rejections]),
            "now": now,
        }
        with self._database.transaction() as connection:
            return connection.execute(_REJECT, values).rowcount == 1


def _creative(row: DictRow) -> Creative:
    return Creative(
        creative_id=CreativeId(str(row["creative_id"])),
        organization_id=OrganizationId(str(row["organization_id"])),
        campaign_id=CampaignId(str(row["campaign_id"])),
        advertiser_id=AdvertiserId(str(row["advertiser_id"])),
        name=row["name"],
        filename=row["filename"],
        content_type=row["content_type"],
        declared_size_bytes=row["declared_size_bytes"],
        click_through_url=row["click_through_url"],
        status=CreativeStatus(row["status"]),
        facts=MediaFacts(**row["facts"]) if row["facts"] else None,
        media_key=row["media_key"],
        rejections=tuple(
            Rejection(RejectionCode(item["code"]), item["message"]) for item in row["rejections"]
        ),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
