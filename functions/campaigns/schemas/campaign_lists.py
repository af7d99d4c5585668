"""What lists of campaigns are asked for, and what they give."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from ctv_ads.domain.campaign import CampaignStatus, CampaignSummary
from ctv_ads.domain.listing import Page
from ctv_ads.web.cursors import write_cursor


class CampaignSort(StrEnum):
    """An order; `-` before it puts the greatest first."""

    CREATED_AT = "created_at"
    NEWEST = "-created_at"
    NAME = "name"
    NAME_BACKWARDS = "-name"
    STARTS_AT = "starts_at"
    LATEST_START = "-starts_at"
    ENDS_AT = "ends_at"
    LATEST_END = "-ends_at"
    BUDGET = "budget_micros"
    GREATEST_BUDGET = "-budget_micros"
    BILLED = "billed_micros"
    MOST_BILLED = "-billed_micros"
    STATUS = "status"
    STATUS_BACKWARDS = "-status"


class CampaignField(StrEnum):
    """What may be told of a campaign in a list."""

    ID = "id"
    NAME = "name"
    STATUS = "status"
    ADVERTISER_ID = "advertiser_id"
    ADVERTISER_NAME = "advertiser_name"
    BUDGET_MICROS = "budget_micros"
    BILLED_MICROS = "billed_micros"
    CPM_MICROS = "cpm_micros"
    CURRENCY = "currency"
    STARTS_AT = "starts_at"
    ENDS_AT = "ends_at"
    TIMEZONE = "timezone"
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    VERSION = "version"


def told(campaign: CampaignSummary, fields: Sequence[CampaignField]) -> dict[str, Any]:
    """Return these fields of a campaign, times in UTC."""
    values = {
        field: campaign.campaign_id if field is CampaignField.ID else getattr(campaign, field)
        for field in fields
    }
    return {
        field.value: value.astimezone(UTC) if isinstance(value, datetime) else value
        for field, value in values.items()
    }


def _only_id_is_required(schema: dict[str, Any]) -> None:
    schema["required"] = ["id"]


class CampaignRow(BaseModel):
    """A campaign in a list: its id, and the fields that were asked for, by default all.

    Made with `model_construct`, so that what was not asked for is not there.
    """

    model_config = ConfigDict(json_schema_extra=_only_id_is_required)

    id: str
    name: str
    status: CampaignStatus
    advertiser_id: str
    advertiser_name: str
    budget_micros: int
    billed_micros: int
    cpm_micros: int
    currency: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    created_at: datetime
    updated_at: datetime
    version: int


class CampaignTotals(BaseModel):
    """What all campaigns that the filters let through come to, on this page or not."""

    count: int
    budget_micros: int
    billed_micros: int


class CampaignPage(BaseModel):
    """A page of campaigns; `next_cursor` fetches those that follow, null at the end."""

    items: list[CampaignRow]
    next_cursor: str | None
    totals: CampaignTotals

    @classmethod
    def of(cls, page: Page[CampaignSummary], fields: Sequence[CampaignField]) -> "CampaignPage":
        """Return what the API tells of a page."""
        wanted = (CampaignField.ID, *fields)
        return cls(
            items=[
                CampaignRow.model_construct(**told(campaign, wanted)) for campaign in page.items
            ],
            next_cursor=write_cursor(page.next_cursor),
            totals=CampaignTotals(**page.totals),
        )
