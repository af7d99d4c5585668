"""Recording beacons and billing impressions, in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ctv_ads.adapters.memory.database import EventKey, EventRow, MemoryDatabase, Tables
from ctv_ads.domain.beacon import Beacon, BeaconEvent
from ctv_ads.domain.ids import CampaignId
from ctv_ads.ports.pipeline import RecordedBatch


class MemoryBeaconLedger:
    """Implements `ports.BeaconLedger`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def record(self, beacons: Sequence[Beacon]) -> RecordedBatch:
        """Store each beacon once, bill its impression within the budget, count it."""
        with self._database.transaction() as tables:
            campaigns = {
                position: row.campaign.campaign_id
                for position, beacon in enumerate(beacons)
                if (row := tables.campaign_of(beacon.claims.line_item_id)) is not None
            }
            billed = self._store(tables, _fresh(beacons, campaigns, tables))
        known = len(campaigns)
        impressions = [micros for event, micros in billed if event is BeaconEvent.IMPRESSION]
        unbilled = sum(1 for micros in impressions if micros is None)
        return RecordedBatch(
            recorded=len(billed),
            duplicates=known - len(billed),
            billed_impressions=len(impressions) - unbilled,
            unbilled_impressions=unbilled,
            unknown=tuple(sorted(set(range(len(beacons))) - campaigns.keys())),
        )

    def _store(
        self, tables: Tables, fresh: Mapping[EventKey, tuple[Beacon, CampaignId]]
    ) -> list[tuple[BeaconEvent, int | None]]:
        """Store new beacons in the order of their decisions; None is what no budget was left for."""
        stored: list[tuple[BeaconEvent, int | None]] = []
        used_up: set[CampaignId] = set()
        in_order = sorted(fresh.items(), key=lambda item: _order(item[1][0]))
        for key, (beacon, campaign_id) in in_order:
            micros: int | None = 0
            if beacon.event is BeaconEvent.IMPRESSION:
                micros = _bill(tables, campaign_id, beacon, used_up)
            tables.events[key] = EventRow(beacon, campaign_id, micros or 0, self._database.clock())
            stored.append((beacon.event, micros))
        return stored


def _fresh(
    beacons: Sequence[Beacon], campaigns: Mapping[int, CampaignId], tables: Tables
) -> Mapping[EventKey, tuple[Beacon, CampaignId]]:
    """Return the beacons of known line items that are not stored yet, the first of each kind."""
    fresh: dict[EventKey, tuple[Beacon, CampaignId]] = {}
    for position in sorted(campaigns, key=lambda at: (beacons[at].received_at, at)):
        beacon = beacons[position]
        if (key := _key(beacon)) not in tables.events:
            fresh.setdefault(key, (beacon, campaigns[position]))
    return fresh


def _key(beacon: Beacon) -> EventKey:
    claims = beacon.claims
    return (claims.decided_at.date(), claims.decision_id, claims.slot, beacon.event.value)


def _order(beacon: Beacon) -> tuple[object, ...]:
    claims = beacon.claims
    return (claims.decided_at, claims.decision_id, claims.slot, beacon.event.value)


def _bill(
    tables: Tables, campaign_id: CampaignId, beacon: Beacon, used_up: set[CampaignId]
) -> int | None:
    row = tables.campaigns[campaign_id]
    price_micros = beacon.claims.price_micros
    # The first that the budget cannot pay ends the billing of this batch.
    if campaign_id in used_up or price_micros > row.campaign.remaining_micros:
        used_up.add(campaign_id)
        return None
    billed_micros = row.campaign.billed_micros + price_micros
    campaign = replace(row.campaign, billed_micros=billed_micros)
    tables.campaigns[campaign_id] = replace(row, campaign=campaign)
    return price_micros
