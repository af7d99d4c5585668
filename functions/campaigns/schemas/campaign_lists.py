"""What lists of campaigns are asked for, and what they give."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NotRequired

from pydantic import BaseModel
from typing_extensions import TypedDict  # pydantic takes no other before Python 3.12

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
    return _told(campaign, _sources(fields))


def _told(campaign: CampaignSummary, sources: Mapping[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, source in sources.items():
        value = getattr(campaign, source)
        row[name] = value.astimezone(UTC) if isinstance(value, datetime) else value
    return row


def _sources(fields: Sequence[CampaignField]) -> Mapping[str, str]:
    """Return the campaign's attribute of each field, as plain text: looked up for every row."""
    return {
        field.value: "campaign_id" if field is CampaignField.ID else field.value for field in fields
    }


class CampaignRow(TypedDict):
    """A campaign in a list: its id, and the fields that were asked for, by default all."""

    id: str
    name: NotRequired[str]
    status: NotRequired[CampaignStatus]
    advertiser_id: NotRequired[str]
    advertiser_name: NotRequired[str]
    budget_micros: NotRequired[int]
    billed_micros: NotRequired[int]
    cpm_micros: NotRequired[int]
    currency: NotRequired[str]
    starts_at: NotRequired[datetime]
    ends_at: NotRequired[datetime]
    timezone: NotRequired[str]
    created_at: NotRequired[datetime]
    updated_at: NotRequired[datetime]
    version: NotRequired[int]


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
        sources = _sources((CampaignField.ID, *fields))
        # Nothing is validated again that comes from the domain: it would double the time.
        return cls.model_construct(
            items=[_told(campaign, sources) for campaign in page.items],  # type: ignore[misc]
            next_cursor=write_cursor(page.next_cursor),
            totals=CampaignTotals(**page.totals),
        )
