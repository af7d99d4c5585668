"""What the statistics API gives. Money is integer micros, days are UTC."""

from collections.abc import Sequence
from datetime import UTC, datetime
from datetime import date as Day  # noqa: N812 - a field below is called date, as the API says

from pydantic import BaseModel

from ctv_ads.domain.ids import CampaignId
from ctv_ads.domain.statistics import (
    BreakdownPart,
    CampaignStatistics,
    DailyDelivery,
    DeliveryCounts,
)


class Counts(BaseModel):
    """Counted events; each event of each ad of each decision counts once."""

    ads_served: int
    impressions: int
    starts: int
    first_quartiles: int
    midpoints: int
    third_quartiles: int
    completes: int
    clicks: int
    errors: int
    spend_micros: int
    unbilled_impressions: int


class Totals(Counts):
    """The whole of the days asked for; `remaining_micros` is what is left of the budget now."""

    budget_micros: int
    remaining_micros: int


class DayView(Counts):
    """One day, UTC."""

    date: Day


class PartView(Counts):
    """One part of a breakdown: of an id, a word, or an hour (UTC); empty where not known.

    `unique_sessions` saw an impression; it is an estimate within some percent, and parts share
    sessions.
    """

    key: str
    unique_sessions: int


class StatisticsView(BaseModel):
    """A campaign's delivery; `data_as_of` is when the newest counted event was written."""

    campaign_id: str
    totals: Totals
    series: list[DayView]
    breakdown: list[PartView] | None = None
    data_as_of: datetime

    @classmethod
    def of(
        cls,
        campaign_id: CampaignId,
        statistics: CampaignStatistics,
        parts: Sequence[BreakdownPart] | None,
    ) -> "StatisticsView":
        """Return what the API tells of a campaign's statistics."""
        return cls(
            campaign_id=campaign_id,
            totals=Totals(
                **_counts(statistics.totals),
                budget_micros=statistics.budget_micros,
                remaining_micros=statistics.remaining_micros,
            ),
            series=[_day(day) for day in statistics.series],
            breakdown=None if parts is None else [_part(part) for part in parts],
            data_as_of=statistics.data_as_of.astimezone(UTC),
        )


def _counts(counts: DeliveryCounts) -> dict[str, int]:
    return {name: getattr(counts, name) for name in Counts.model_fields}


def _day(day: DailyDelivery) -> DayView:
    return DayView(date=day.day, **_counts(day.counts))


def _part(part: BreakdownPart) -> PartView:
    return PartView(key=part.key, unique_sessions=part.unique_sessions, **_counts(part.counts))
