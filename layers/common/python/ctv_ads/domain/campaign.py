"""Campaigns and their line items: what is booked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ctv_ads.domain.ids import AdvertiserId, CampaignId, LineItemId
from ctv_ads.domain.pace import Pacing


class CampaignStatus(StrEnum):
    """What people set; whether it delivers is another question."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    ARCHIVED = "archived"


NEXT_STATUSES: Mapping[CampaignStatus, frozenset[CampaignStatus]] = {
    CampaignStatus.DRAFT: frozenset({CampaignStatus.ACTIVE, CampaignStatus.ARCHIVED}),
    CampaignStatus.ACTIVE: frozenset({CampaignStatus.PAUSED, CampaignStatus.COMPLETED}),
    CampaignStatus.PAUSED: frozenset(
        {CampaignStatus.ACTIVE, CampaignStatus.COMPLETED, CampaignStatus.ARCHIVED}
    ),
    CampaignStatus.COMPLETED: frozenset({CampaignStatus.ARCHIVED}),
    CampaignStatus.ARCHIVED: frozenset(),
}


class LineItemType(StrEnum):
    """Kind of booking, in Google Ad Manager's words."""

    SPONSORSHIP = "sponsorship"
    STANDARD = "standard"
    BULK = "bulk"
    PRICE_PRIORITY = "price_priority"
    HOUSE = "house"


DEFAULT_PRIORITY_BY_TYPE: Mapping[LineItemType, int] = {
    LineItemType.SPONSORSHIP: 4,
    LineItemType.STANDARD: 8,
    LineItemType.BULK: 12,
    LineItemType.PRICE_PRIORITY: 12,
    LineItemType.HOUSE: 16,
}
"""Google Ad Manager's numbers: 1 serves first, 16 last."""


@dataclass(frozen=True, slots=True)
class LineItemSummary:
    """What a campaign shows of a line item. A rate of None is the campaign's."""

    line_item_id: LineItemId
    name: str
    type: LineItemType
    priority: int
    rate_micros: int | None
    is_default: bool


@dataclass(frozen=True, slots=True)
class CampaignDraft:
    """A campaign as its maker wants it, already validated."""

    name: str
    advertiser_id: AdvertiserId | None
    budget_micros: int
    cpm_micros: int
    starts_at: datetime
    ends_at: datetime
    timezone: str
    pacing: Pacing = Pacing.EVEN
    """Of its default line item."""


@dataclass(frozen=True, slots=True)
class CampaignSummary:
    """A campaign as lists show it: without its line items, of which there may be many."""

    campaign_id: CampaignId
    advertiser_id: AdvertiserId
    advertiser_name: str
    name: str
    status: CampaignStatus
    budget_micros: int
    billed_micros: int
    cpm_micros: int
    currency: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Campaign(CampaignSummary):
    """A campaign as stored, with what has been billed so far."""

    line_items: tuple[LineItemSummary, ...]

    @property
    def remaining_micros(self) -> int:
        """What may still be billed."""
        return self.budget_micros - self.billed_micros
