"""Completes that wait for the beginning of their ad, before they are paid for.

Only batches with tracking calls of completed views come here, inside the recording transaction and
holding their campaigns: whoever records the beginning of an ad sees the end that waits for it.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from psycopg.types.json import Jsonb

from ctv_ads.adapters.aws.beacon_form import beacon_document, read_beacon
from ctv_ads.adapters.postgres.ad_events import Placed
from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.domain.beacon import Beacon, BeaconEvent
from ctv_ads.domain.ids import DecisionId
from ctv_ads.domain.line_item import RateType
from ctv_ads.domain.traffic_rules import BEGINNINGS, pays_for_complete

# One look into the index for each, whatever the planner thinks of a day's size.
_NOT_BEGUN = """
SELECT i.position
FROM unnest(%s::integer[], %s::date[], %s::uuid[], %s::smallint[])
    AS i (position, day, decision_id, slot)
WHERE (
    SELECT true FROM ad_events e
    WHERE e.day = i.day AND e.decision_id = i.decision_id AND e.slot = i.slot
      AND e.event = ANY(%s)
    LIMIT 1
) IS NULL
ORDER BY i.position"""
_HOLD = """
INSERT INTO held_completes (day, decision_id, slot, expires_at, beacon)
SELECT * FROM unnest(%s::date[], %s::uuid[], %s::smallint[], %s::timestamptz[], %s::jsonb[])
    AS h (day, decision_id, slot, expires_at, beacon)
ORDER BY day, decision_id, slot
ON CONFLICT DO NOTHING"""
_RELEASE = """
DELETE FROM held_completes h
USING unnest(%s::date[], %s::uuid[], %s::smallint[]) AS i (day, decision_id, slot)
WHERE h.day = i.day AND h.decision_id = i.decision_id AND h.slot = i.slot
RETURNING h.beacon"""
Ad = tuple[date, DecisionId, int]


def concerns_completes(beacons: Sequence[Placed]) -> bool:
    """Tell whether something may have to be held or released."""
    cpcv = RateType.CPCV
    return any(one.claims.rate_type is cpcv and pays_for_complete(one) for _, one in beacons)


def hold(connection: Connection, beacons: Sequence[Placed]) -> frozenset[int]:
    """Keep the completes of the batch whose ad has not begun; return their positions."""
    begun = {_ad(one) for _, one in beacons if one.event in BEGINNINGS}
    ends = {
        at: one
        for at, one in beacons
        if one.event is BeaconEvent.COMPLETE and pays_for_complete(one) and _ad(one) not in begun
    }
    if not ends:
        return frozenset()
    values = (list(ends), *_ads(ends.values()), _words())
    rows = connection.execute(_NOT_BEGUN, values)
    held = [row["position"] for row in rows]
    if held:
        kept = [_row(ends[at]) for at in held]
        connection.execute(_HOLD, [list(column) for column in zip(*kept, strict=True)])
    return frozenset(held)


def release(connection: Connection, beacons: Sequence[Placed]) -> list[Beacon]:
    """Return what waited for a beginning that the batch has; it waits no longer."""
    starts = [one for _, one in beacons if one.event in BEGINNINGS and pays_for_complete(one)]
    if not starts:
        return []
    return [read_beacon(row["beacon"]) for row in connection.execute(_RELEASE, _ads(starts))]


def _ad(beacon: Beacon) -> Ad:
    claims = beacon.claims
    return claims.decided_at.date(), claims.decision_id, claims.slot


def _ads(beacons: Iterable[Beacon]) -> tuple[list[object], ...]:
    """Return days, decisions and slots."""
    claims = [one.claims for one in beacons]
    return (
        [one.decided_at.date() for one in claims],
        [one.decision_id for one in claims],
        [one.slot for one in claims],
    )


def _words() -> list[str]:
    return sorted(event.value for event in BEGINNINGS)


def _row(beacon: Beacon) -> tuple[object, ...]:
    claims = beacon.claims
    return (
        claims.decided_at.date(),
        claims.decision_id,
        claims.slot,
        claims.expires_at,
        Jsonb(beacon_document(beacon)),
    )
