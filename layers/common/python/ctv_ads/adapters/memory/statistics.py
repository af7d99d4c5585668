"""Delivery and spend, counted from the recorded events in memory."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date

from ctv_ads.adapters.memory.database import EventRow, MemoryDatabase
from ctv_ads.domain.beacon import BeaconEvent
from ctv_ads.domain.ids import CampaignId, OrganizationId
from ctv_ads.domain.statistics import CampaignStatistics, DailyDelivery, DeliveryCounts
from ctv_ads.errors import NotFoundError

_NAME_BY_EVENT = {
    BeaconEvent.IMPRESSION: "impressions",
    BeaconEvent.START: "starts",
    BeaconEvent.FIRST_QUARTILE: "first_quartiles",
    BeaconEvent.MIDPOINT: "midpoints",
    BeaconEvent.THIRD_QUARTILE: "third_quartiles",
    BeaconEvent.COMPLETE: "completes",
    BeaconEvent.CLICK_TRACKING: "clicks",
    BeaconEvent.ERROR: "errors",
}


class MemoryStatistics:
    """Implements `ports.Statistics`."""

    def __init__(self, database: MemoryDatabase, organization_id: OrganizationId) -> None:
        self._database = database
        self._organization_id = organization_id

    def of_campaign(
        self, campaign_id: CampaignId, *, first_day: date | None, last_day: date | None
    ) -> CampaignStatistics:
        """Return totals and the daily series of one campaign."""
        row = self._database.tables.campaigns.get(campaign_id)
        if row is None or row.is_deleted or row.organization_id != self._organization_id:
            raise NotFoundError("there is no such campaign")
        by_day: dict[date, list[EventRow]] = defaultdict(list)
        for (day, *_), event in self._database.tables.events.items():
            if event.campaign_id == campaign_id and _between(first_day, day, last_day):
                by_day[day].append(event)
        events = [event for day in by_day.values() for event in day]
        return CampaignStatistics(
            totals=_counts(events),
            budget_micros=row.campaign.budget_micros,
            billed_micros=row.campaign.billed_micros,
            series=tuple(DailyDelivery(day, _counts(by_day[day])) for day in sorted(by_day)),
            data_as_of=max(
                (event.recorded_at for event in events), default=row.campaign.created_at
            ),
        )


def _between(first: date | None, day: date, last: date | None) -> bool:
    return (first is None or first <= day) and (last is None or day <= last)


def _counts(events: Iterable[EventRow]) -> DeliveryCounts:
    counts: Counter[str] = Counter()
    for row in events:
        name = _NAME_BY_EVENT.get(row.beacon.event)
        if name is not None:
            counts[name] += 1
        counts["spend_micros"] += row.billed_micros
        if name == "impressions" and row.billed_micros < row.beacon.claims.price_micros:
            counts["unbilled_impressions"] += 1
    return DeliveryCounts(**counts)
