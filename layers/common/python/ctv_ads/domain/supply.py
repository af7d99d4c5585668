"""What was asked for in a publisher's placements, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from ctv_ads.domain.ids import PlacementId
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.domain.reasons import NoFillReason

WHOLE_BP = 10_000


class SupplyBy(StrEnum):
    """Along what requests are told apart."""

    PLACEMENT = "placement"
    DAY = "day"
    HOUR = "hour"
    COUNTRY = "country"
    DEVICE_TYPE = "device_type"


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyCounts:
    """Counted decisions, and events of the ads that they chose."""

    requests: int = 0
    opportunities: int = 0
    """For how many ads there was room (`decisioning/count_decisions.py`)."""
    no_fills: int = 0
    """Requests whose answer held no ad."""
    ads_served: int = 0
    impressions: int = 0
    completes: int = 0
    errors: int = 0
    spend_micros: int = 0

    @property
    def fill_rate_bp(self) -> int | None:
        """How many of 10,000 opportunities got an ad; above that where ads were short.

        None: there were no opportunities.
        """
        return self.ads_served * WHOLE_BP // self.opportunities if self.opportunities else None


@dataclass(frozen=True, slots=True)
class SupplyPart:
    """One part, or all of it. `key` is an id, a word, a day or an hour (UTC); empty: not known."""

    key: str
    counts: SupplyCounts = SupplyCounts()
    no_fill_reasons: Mapping[NoFillReason, int] = field(default_factory=dict)
    """How many of the no-fills had each reason, as far as it was told."""
    invalid: Mapping[InvalidTraffic, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyQuery:
    """What is asked: of these days (UTC, both included), `limit` parts after the key `after`."""

    by: SupplyBy
    first_day: date
    last_day: date
    limit: int
    placement_id: PlacementId | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class SupplyReport:
    """Parts in the order of their keys, and the totals of all there are.

    `data_as_of` is when the newest of it was counted, None when there is nothing.
    """

    parts: tuple[SupplyPart, ...]
    totals: SupplyPart
    has_more: bool
    data_as_of: datetime | None
