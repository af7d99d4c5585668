"""Campaigns with their line items, in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ctv_ads.adapters.memory.database import Advertiser, CampaignRow, CreativeRow, MemoryDatabase
from ctv_ads.domain.access import Caller
from ctv_ads.domain.campaign import (
    DEFAULT_PRIORITY_BY_TYPE,
    Campaign,
    CampaignDraft,
    CampaignStatus,
    LineItem,
    LineItemType,
)
from ctv_ads.domain.creative import CreativeStatus
from ctv_ads.domain.ids import AdvertiserId, CampaignId, OrganizationId
from ctv_ads.errors import FieldProblem, InvalidRequestError, NotFoundError
from ctv_ads.ports.control_plane import NewCampaignIds


class MemoryCampaigns:
    """Implements `ports.Campaigns`."""

    def __init__(self, database: MemoryDatabase, organization_id: OrganizationId) -> None:
        self._database = database
        self._organization_id = organization_id

    def add(self, draft: CampaignDraft, ids: NewCampaignIds, caller: Caller) -> Campaign:
        """Store a new draft campaign with its default line item."""
        advertiser = self._advertiser(draft.advertiser_id)
        now = self._database.clock()
        kind = LineItemType.STANDARD
        priority = DEFAULT_PRIORITY_BY_TYPE[kind]
        campaign = Campaign(
            campaign_id=ids.campaign_id,
            advertiser_id=advertiser.advertiser_id,
            advertiser_name=advertiser.name,
            name=draft.name,
            status=CampaignStatus.DRAFT,
            budget_micros=draft.budget_micros,
            billed_micros=0,
            cpm_micros=draft.cpm_micros,
            currency=self._database.tables.organizations[caller.organization_id].currency,
            starts_at=draft.starts_at,
            ends_at=draft.ends_at,
            timezone=draft.timezone,
            version=1,
            created_at=now,
            updated_at=now,
            line_items=(
                LineItem(ids.line_item_id, draft.name, kind, priority, None, is_default=True),
            ),
        )
        self._put(CampaignRow(self._organization_id, campaign))
        return campaign

    def get(self, campaign_id: CampaignId, *, for_update: bool = False) -> Campaign:  # noqa: ARG002 - nobody else is here
        """Return one campaign."""
        return self._row(campaign_id).campaign

    def page(self, *, limit: int, after: CampaignId | None) -> Sequence[Campaign]:
        """Return up to `limit` campaigns, newest first, that follow `after`."""
        mine = [row.campaign for row in self._database.tables.campaigns.values() if self._sees(row)]
        newest_first = sorted(mine, key=lambda campaign: campaign.campaign_id, reverse=True)
        return [c for c in newest_first if after is None or c.campaign_id < after][:limit]

    def set_status(self, campaign_id: CampaignId, status: CampaignStatus, now: datetime) -> None:
        """Write the new status and count the version up."""
        row = self._row(campaign_id)
        version = row.campaign.version + 1
        campaign = replace(row.campaign, status=status, version=version, updated_at=now)
        self._put(replace(row, campaign=campaign))

    def delete(self, campaign_id: CampaignId, now: datetime) -> None:
        """Hide the campaign and its creatives."""
        row = self._row(campaign_id)
        campaign = replace(row.campaign, version=row.campaign.version + 1, updated_at=now)
        self._put(replace(row, campaign=campaign, is_deleted=True))
        creatives = self._database.tables.creatives
        for creative_id, creative in creatives.items():
            if creative.creative.campaign_id == campaign_id:
                creatives[creative_id] = replace(creative, is_deleted=True)

    def ready_creatives(self, campaign_id: CampaignId) -> int:
        """Count the campaign's creatives that can serve."""
        rows = self._database.tables.creatives.values()
        return sum(1 for row in rows if self._can_serve(row, campaign_id))

    def _can_serve(self, row: CreativeRow, campaign_id: CampaignId) -> bool:
        creative = row.creative
        mine = (creative.organization_id, creative.campaign_id) == (
            self._organization_id,
            campaign_id,
        )
        return mine and not row.is_deleted and creative.status is CreativeStatus.READY

    def _put(self, row: CampaignRow) -> None:
        self._database.tables.campaigns[row.campaign.campaign_id] = row

    def _row(self, campaign_id: CampaignId) -> CampaignRow:
        row = self._database.tables.campaigns.get(campaign_id)
        if row is None or not self._sees(row):
            raise NotFoundError("there is no such campaign")
        return row

    def _sees(self, row: CampaignRow) -> bool:
        return row.organization_id == self._organization_id and not row.is_deleted

    def _advertiser(self, wanted: AdvertiserId | None) -> Advertiser:
        mine = [
            advertiser
            for advertiser in self._database.tables.advertisers.values()
            if advertiser.organization_id == self._organization_id
        ]
        for advertiser in mine:
            if wanted in {None, advertiser.advertiser_id}:
                return advertiser
        code, message = (
            ("missing", "the organization has no advertiser yet")
            if wanted is None
            else ("unknown", "there is no such advertiser")
        )
        raise InvalidRequestError(message, [FieldProblem("advertiser_id", code, message)])
