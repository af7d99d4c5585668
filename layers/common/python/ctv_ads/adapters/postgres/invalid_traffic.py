"""Keeping invalid traffic, apart from what counts.

A trigger counts what is kept by hour and by day (migration 0030), so whoever keeps it counts it.
"""

from collections.abc import Sequence
from dataclasses import astuple

from ctv_ads.adapters.postgres.database import Connection, Database
from ctv_ads.domain.beacon import Beacon, ForgedBeacon

_INVALID = """
INSERT INTO invalid_beacons (
    day, decision_id, slot, event, rule, organization_id, campaign_id, line_item_id, creative_id,
    placement_id, received_at, client_network, user_agent_class, decided_at, country, device_type
)
SELECT i.day, i.decision_id, i.slot, i.event, i.rule, l.organization_id, l.campaign_id,
       i.line_item_id, i.creative_id, i.placement_id, i.received_at, i.client_network,
       i.user_agent_class, i.decided_at, i.country, i.device_type
FROM unnest(
    %s::date[], %s::uuid[], %s::smallint[], %s::text[], %s::text[], %s::uuid[], %s::uuid[],
    %s::uuid[], %s::timestamptz[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::text[]
) AS i (day, decision_id, slot, event, rule, line_item_id, creative_id, placement_id, received_at,
        client_network, user_agent_class, decided_at, country, device_type)
JOIN line_items l USING (line_item_id)
ORDER BY i.day, i.decision_id, i.slot, i.event
ON CONFLICT DO NOTHING"""
_FORGED = """
INSERT INTO forged_beacons (
    message_id, place, received_at, client_network, user_agent_class, beacons
)
SELECT * FROM unnest(
    %s::text[], %s::smallint[], %s::timestamptz[], %s::text[], %s::text[], %s::integer[]
)
ON CONFLICT DO NOTHING"""


class PostgresInvalidTraffic:
    """Implements `ports.InvalidTrafficLog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(
        self, invalid: Sequence[Beacon], forged: Sequence[tuple[str, int, ForgedBeacon]]
    ) -> None:
        """Keep each beacon once; calling it again with the same changes nothing."""
        with self._database.transaction() as connection:
            keep_invalid(connection, invalid)
            if forged:
                rows = [(message, place, *astuple(one)) for message, place, one in forged]
                connection.execute(_FORGED, _columns(rows))


def keep_invalid(connection: Connection, beacons: Sequence[Beacon]) -> None:
    """Keep each of these invalid beacons once under its rule."""
    if beacons:
        connection.execute(_INVALID, _columns([_row(beacon) for beacon in beacons]))


def _row(beacon: Beacon) -> tuple[object, ...]:
    claims = beacon.claims
    return (
        claims.decided_at.date(),
        claims.decision_id,
        claims.slot,
        beacon.event.value,
        beacon.invalid and beacon.invalid.value,
        claims.line_item_id,
        claims.creative_id,
        claims.placement_id,
        beacon.received_at,
        beacon.client_network,
        beacon.user_agent_class,
        claims.decided_at,
        claims.country,
        claims.device_type,
    )


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]
