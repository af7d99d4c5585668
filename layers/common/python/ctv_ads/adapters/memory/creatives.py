"""Creatives and the verdicts on their files, in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ctv_ads.adapters.memory.database import CreativeRow, MemoryDatabase
from ctv_ads.domain.access import Caller
from ctv_ads.domain.creative import Creative, CreativeDraft, CreativeStatus
from ctv_ads.domain.ids import CampaignId, CreativeId, OrganizationId
from ctv_ads.domain.media import MediaFacts, Rejection
from ctv_ads.errors import NotFoundError

_WAITING = frozenset({CreativeStatus.UPLOADING, CreativeStatus.VALIDATING})


class MemoryCreatives:
    """Implements `ports.Creatives`."""

    def __init__(self, database: MemoryDatabase, organization_id: OrganizationId) -> None:
        self._database = database
        self._organization_id = organization_id

    def add(self, draft: CreativeDraft, creative_id: CreativeId, caller: Caller) -> Creative:
        """Store a new creative that waits for its upload."""
        now = self._database.clock()
        creative = Creative(
            creative_id=creative_id,
            organization_id=caller.organization_id,
            campaign_id=draft.campaign_id,
            advertiser_id=self._database.tables.campaigns[draft.campaign_id].campaign.advertiser_id,
            name=draft.name,
            filename=draft.filename,
            content_type=draft.content_type,
            declared_size_bytes=draft.size_bytes,
            click_through_url=draft.click_through_url,
            status=CreativeStatus.UPLOADING,
            facts=None,
            media_key=None,
            rejections=(),
            created_at=now,
            updated_at=now,
        )
        self._database.tables.creatives[creative_id] = CreativeRow(creative)
        return creative

    def get(self, creative_id: CreativeId) -> Creative:
        """Return one creative."""
        row = self._database.tables.creatives.get(creative_id)
        if row is None or not self._sees(row):
            raise NotFoundError("there is no such creative")
        return row.creative

    def of_campaign(self, campaign_id: CampaignId) -> Sequence[Creative]:
        """Return the campaign's creatives, oldest first."""
        rows = self._database.tables.creatives.values()
        found = [row.creative for row in rows if self._sees(row)]
        of_campaign = [creative for creative in found if creative.campaign_id == campaign_id]
        return sorted(of_campaign, key=lambda creative: creative.creative_id)

    def delete(self, creative_id: CreativeId, now: datetime) -> None:
        """Hide the creative; it no longer serves."""
        creative = replace(self.get(creative_id), updated_at=now)
        self._database.tables.creatives[creative_id] = CreativeRow(creative, is_deleted=True)

    def _sees(self, row: CreativeRow) -> bool:
        return row.creative.organization_id == self._organization_id and not row.is_deleted


class MemoryCreativeValidation:
    """Implements `ports.CreativeValidation`, for all organizations."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def start(self, creative_id: CreativeId) -> Creative | None:
        """Mark a creative that waits for a verdict as being validated, and return it."""
        creative = self._waiting(creative_id, _WAITING)
        if creative is None:
            return None
        started = replace(
            creative, status=CreativeStatus.VALIDATING, updated_at=self._database.clock()
        )
        self._put(started)
        return started

    def accept(
        self, creative_id: CreativeId, facts: MediaFacts, *, media_key: str, now: datetime
    ) -> bool:
        """Mark it ready, unless it no longer waits."""
        creative = self._waiting(creative_id, {CreativeStatus.VALIDATING})
        if creative is not None:
            ready = CreativeStatus.READY
            self._put(
                replace(creative, status=ready, facts=facts, media_key=media_key, updated_at=now)
            )
        return creative is not None

    def reject(
        self, creative_id: CreativeId, rejections: Sequence[Rejection], *, now: datetime
    ) -> bool:
        """Mark it rejected, unless it no longer waits."""
        creative = self._waiting(creative_id, {CreativeStatus.VALIDATING})
        if creative is not None:
            rejected = CreativeStatus.REJECTED
            self._put(
                replace(creative, status=rejected, rejections=tuple(rejections), updated_at=now)
            )
        return creative is not None

    def _waiting(
        self, creative_id: CreativeId, statuses: set[CreativeStatus] | frozenset[CreativeStatus]
    ) -> Creative | None:
        row = self._database.tables.creatives.get(creative_id)
        waits = row is not None and not row.is_deleted and row.creative.status in statuses
        return row.creative if row is not None and waits else None

    def _put(self, creative: Creative) -> None:
        self._database.tables.creatives[creative.creative_id] = CreativeRow(creative)
