"""What the campaigns API takes and gives. Times are UTC, money is integer micros."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from ctv_ads.domain.campaign import Campaign, CampaignDraft, CampaignStatus
from ctv_ads.domain.ids import AdvertiserId
from ctv_ads.domain.money import CPM_STEP_MICROS
from ctv_ads.domain.pace import Pacing
from ctv_ads.web.fields import Body, Id, Micros, Moment, Name, Timezone
from functions.campaigns.schemas.line_items import LineItemSummaryView
from functions.campaigns.schemas.shared import Change

_Cpm = Annotated[
    Micros,
    Field(
        gt=0,
        multiple_of=CPM_STEP_MICROS,
        description="Price of 1,000 impressions; a multiple of 1,000 micros, so that one "
        "impression has an exact price",
    ),
]


class NewCampaign(Body):
    """A campaign to be made. Without an advertiser it is the organization's first."""

    name: Name
    advertiser_id: Id | None = None
    budget_micros: Micros
    cpm_micros: _Cpm
    starts_at: Moment
    ends_at: Moment
    timezone: Timezone = "UTC"
    pacing: Annotated[
        Pacing, Field(description="How its default line item spreads its delivery")
    ] = Pacing.EVEN

    @field_validator("ends_at")
    @classmethod
    def _flight_has_a_length(cls, ends_at: datetime, others: ValidationInfo) -> datetime:
        starts_at = others.data.get("starts_at")
        if starts_at is not None and ends_at <= starts_at:
            raise PydanticCustomError("flight_without_length", "must be after starts_at")
        return ends_at

    def draft(self) -> CampaignDraft:
        """Return it in the domain's terms."""
        return CampaignDraft(
            name=self.name,
            advertiser_id=AdvertiserId(self.advertiser_id) if self.advertiser_id else None,
            budget_micros=self.budget_micros,
            cpm_micros=self.cpm_micros,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            timezone=self.timezone,
            pacing=self.pacing,
        )


_EPOCH = datetime.fromtimestamp(0, UTC)


class CampaignChange(Change):
    """What to change of a campaign. The advertiser can be changed while it is a draft."""

    name: Name = ""
    advertiser_id: Id = ""
    budget_micros: Annotated[Micros, Field(description="Not below what is billed already")] = 0
    cpm_micros: _Cpm = CPM_STEP_MICROS
    starts_at: Moment = _EPOCH
    ends_at: Moment = _EPOCH
    timezone: Timezone = "UTC"


class StatusChange(Body):
    """The status wanted."""

    status: CampaignStatus


class CampaignView(BaseModel):
    """A campaign with its first 100 line items; all of them are a list of their own."""

    id: str
    advertiser_id: str
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
    line_items: list[LineItemSummaryView]

    @classmethod
    def of(cls, campaign: Campaign) -> "CampaignView":
        """Return what the API tells of a campaign."""
        return cls(
            id=campaign.campaign_id,
            advertiser_id=campaign.advertiser_id,
            advertiser_name=campaign.advertiser_name,
            name=campaign.name,
            status=campaign.status,
            budget_micros=campaign.budget_micros,
            billed_micros=campaign.billed_micros,
            cpm_micros=campaign.cpm_micros,
            currency=campaign.currency,
            starts_at=campaign.starts_at.astimezone(UTC),
            ends_at=campaign.ends_at.astimezone(UTC),
            timezone=campaign.timezone,
            version=campaign.version,
            created_at=campaign.created_at.astimezone(UTC),
            updated_at=campaign.updated_at.astimezone(UTC),
            line_items=[LineItemSummaryView.of(item) for item in campaign.line_items],
        )
