"""What has been delivered and billed, day by day."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.invalid_traffic import InvalidTraffic


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryCounts:
    """Counted events; each (decision, slot, event) counts once."""

    ads_served: int = 0
    """Decided and put into an answer, whether or not it was played."""
    impressions: int = 0
    starts: int = 0
    first_quartiles: int = 0
    midpoints: int = 0
    third_quartiles: int = 0
    completes: int = 0
    clicks: int = 0
    errors: int = 0
    spend_micros: int = 0
    unbilled_impressions: int = 0
    """Delivered after the budget was used up: counted, never charged."""


@dataclass(frozen=True, slots=True)
class DailyDelivery:
    """One day, UTC."""

    day: date
    counts: DeliveryCounts


@dataclass(frozen=True, slots=True)
class CampaignStatistics:
    """A campaign's delivery. `data_as_of` is when the newest counted event was written."""

    totals: DeliveryCounts
    budget_micros: int
    billed_micros: int
    series: tuple[DailyDelivery, ...]
    data_as_of: datetime

    @property
    def remaining_micros(self) -> int:
        """What may still be billed."""
        return self.budget_micros - self.billed_micros


class BreakdownBy(StrEnum):
    """Along what delivery is told apart."""

    HOUR = "hour"
    LINE_ITEM = "line_item"
    CREATIVE = "creative"
    PLACEMENT = "placement"
    COUNTRY = "country"
    DEVICE_TYPE = "device_type"


@dataclass(frozen=True, slots=True)
class BreakdownPart:
    """One part of a campaign's delivery.

    `key` is an id, a word, or an hour (UTC, ISO 8601); empty where it was not known.
    """

    key: str
    counts: DeliveryCounts
    unique_sessions: int
    """Sessions that saw an impression, within some percent; parts share sessions."""
    invalid: Mapping[InvalidTraffic, int] = field(default_factory=dict)
    """Beacons kept apart, by the rule that found them; without those that found none."""


@dataclass(frozen=True, slots=True)
class InvalidCount:
    """How many beacons of a line item's decisions of one day (UTC) were invalid by one rule."""

    day: date
    line_item_id: LineItemId
    rule: InvalidTraffic
    beacons: int
