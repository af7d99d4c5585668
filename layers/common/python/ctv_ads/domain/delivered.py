"""Counting what was delivered: what recorded events add to the counts of their hours.

The same is said in SQL where a whole day is counted anew (`adapters/postgres/statistics_rebuild.py`);
tests hold the two against each other.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from ctv_ads.domain.beacon import Beacon, BeaconClaims, BeaconEvent
from ctv_ads.domain.ids import CreativeId, LineItemId, PlacementId
from ctv_ads.domain.line_item import RateType

Recorded = tuple[Beacon, int]
"""An event that is recorded for the first time, with the micros that are billed for it."""
COUNTED: dict[str, BeaconEvent] = {
    "impressions": BeaconEvent.IMPRESSION,
    "starts": BeaconEvent.START,
    "first_quartiles": BeaconEvent.FIRST_QUARTILE,
    "midpoints": BeaconEvent.MIDPOINT,
    "third_quartiles": BeaconEvent.THIRD_QUARTILE,
    "completes": BeaconEvent.COMPLETE,
    "clicks": BeaconEvent.CLICK_TRACKING,
    "errors": BeaconEvent.ERROR,
}
"""What is counted, by its name in reports. Other events are recorded, and counted nowhere."""
PAID_FOR = frozenset({BeaconEvent.IMPRESSION, BeaconEvent.COMPLETE})
"""The events that may cost something; which of them do, each ad's rate type says."""
_PLACES = {event: place for place, event in enumerate(COUNTED.values())}


DeliveredKey = tuple[LineItemId, CreativeId, PlacementId, str, str, date, int]
"""By what delivery is counted: also country and device type, and day and hour (UTC) of the decision."""


@dataclass(slots=True)
class DeliveredRow:
    """What is added to the counts of one key."""

    counts: list[int] = field(default_factory=lambda: [0] * len(COUNTED))
    """In the order of `COUNTED`."""
    billed_micros: int = 0
    unbilled_impressions: int = 0
    """Events that are paid for and found no budget; of CPCV they are completes."""
    sessions: list[int] = field(default_factory=list)
    """The sessions that saw an impression, as often as they did."""
    error_codes: Counter[int] = field(default_factory=Counter)
    """VAST error codes; 0 where none was told."""


def is_billable(beacon: Beacon) -> bool:
    """Tell whether the event is one that is paid for: CPM the impression, CPCV the complete."""
    if beacon.event is BeaconEvent.IMPRESSION:
        return beacon.claims.rate_type is RateType.CPM
    return beacon.event is BeaconEvent.COMPLETE and beacon.claims.rate_type is RateType.CPCV


def count_delivered(events: Iterable[Beacon]) -> dict[DeliveredKey, DeliveredRow]:
    """Sum recorded events by what they are counted by, in the order in which the keys come."""
    rows: dict[DeliveredKey, DeliveredRow] = {}
    for beacon in events:
        key = _key_of(beacon.claims)
        row = rows.get(key)
        if row is None:
            row = rows[key] = DeliveredRow()
        event = beacon.event
        place = _PLACES.get(event)
        if place is not None:
            row.counts[place] += 1
        if event is BeaconEvent.IMPRESSION and beacon.claims.session:
            row.sessions.append(beacon.claims.session)
        elif event is BeaconEvent.ERROR:
            row.error_codes[beacon.vast_error_code or 0] += 1
    return rows


def count_spend(rows: Mapping[DeliveredKey, DeliveredRow], paid_for: Iterable[Recorded]) -> None:
    """Add what those of the counted events were billed that are paid for."""
    for beacon, billed_micros in paid_for:
        row = rows[_key_of(beacon.claims)]
        row.billed_micros += billed_micros
        row.unbilled_impressions += billed_micros < beacon.claims.price_micros


def _key_of(claims: BeaconClaims) -> DeliveredKey:
    decided_at = claims.decided_at
    return (
        claims.line_item_id,
        claims.creative_id,
        claims.placement_id,
        claims.country,
        claims.device_type,
        decided_at.date(),
        decided_at.hour,
    )
