"""What the statistics API gives. Money is integer micros, days are UTC."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from datetime import date as Day  # noqa: N812 - a field below is called date, as the API says

from pydantic import BaseModel

from ctv_ads.domain.ids import CampaignId
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.domain.statistics import (
    BreakdownPart,
    CampaignStatistics,
    DailyDelivery,
    DeliveryCounts,
    InvalidCount,
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
    """The whole of the days asked for; `remaining_micros` is what is left of the budget now.

    `invalid_beacons` were kept apart by the rule that is named, counted nowhere else and never
    billed. Those without a genuine token name no campaign, so they are in nobody's report.
    """

    budget_micros: int
    remaining_micros: int
    invalid_beacons: dict[str, int]


class InvalidView(BaseModel):
    """Invalid beacons of a line item's decisions of one day, UTC, found by one rule."""

    date: Day
    line_item_id: str
    rule: InvalidTraffic
    beacons: int


class DayView(Counts):
    """One day, UTC."""

    date: Day


class PartView(Counts):
    """One part of a breakdown: of an id, a word, or an hour (UTC); empty where not known.

    `unique_sessions` saw an impression; it is an estimate within some percent, and parts share
    sessions. `invalid_beacons` are of this part, by rule.
    """

    key: str
    unique_sessions: int
    invalid_beacons: dict[str, int]


class StatisticsView(BaseModel):
    """A campaign's delivery; `data_as_of` is when the newest counted event was written."""

    campaign_id: str
    totals: Totals
    series: list[DayView]
    breakdown: list[PartView] | None = None
    invalid_traffic: list[InvalidView]
    data_as_of: datetime

    @classmethod
    def of(
        cls,
        campaign_id: CampaignId,
        statistics: CampaignStatistics,
        parts: Sequence[BreakdownPart] | None,
        invalid: Sequence[InvalidCount],
    ) -> "StatisticsView":
        """Return what the API tells of a campaign's statistics."""
        return cls(
            campaign_id=campaign_id,
            totals=Totals(
                **_counts(statistics.totals),
                budget_micros=statistics.budget_micros,
                remaining_micros=statistics.remaining_micros,
                invalid_beacons=_by_rule(_sum(invalid)),
            ),
            series=[_day(day) for day in statistics.series],
            breakdown=None if parts is None else [_part(part) for part in parts],
            invalid_traffic=[_invalid(one) for one in invalid],
            data_as_of=statistics.data_as_of.astimezone(UTC),
        )


def _counts(counts: DeliveryCounts) -> dict[str, int]:
    return {name: getattr(counts, name) for name in Counts.model_fields}


def _day(day: DailyDelivery) -> DayView:
    return DayView(date=day.day, **_counts(day.counts))


def _part(part: BreakdownPart) -> PartView:
    return PartView(
        key=part.key,
        unique_sessions=part.unique_sessions,
        invalid_beacons=_by_rule(part.invalid),
        **_counts(part.counts),
    )


def _by_rule(beacons: Mapping[InvalidTraffic, int]) -> dict[str, int]:
    # A forged beacon names no campaign.
    rules = [rule for rule in InvalidTraffic if rule is not InvalidTraffic.FORGED]
    return {rule.value: beacons.get(rule, 0) for rule in rules}


def _sum(invalid: Sequence[InvalidCount]) -> Mapping[InvalidTraffic, int]:
    found: Counter[InvalidTraffic] = Counter()
    for one in invalid:
        found[one.rule] += one.beacons
    return found


def _invalid(one: InvalidCount) -> InvalidView:
    return InvalidView(
        date=one.day, line_item_id=one.line_item_id, rule=one.rule, beacons=one.beacons
    )
