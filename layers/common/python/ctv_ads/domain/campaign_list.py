"""Campaigns as lists show them: without their line items, of which there may be many."""

from dataclasses import dataclass
from datetime import datetime

from ctv_ads.domain.campaign import CampaignStatus
from ctv_ads.domain.ids import AdvertiserId, CampaignId


@dataclass(frozen=True, slots=True)
class CampaignSummary:
    """One row of a list."""

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
