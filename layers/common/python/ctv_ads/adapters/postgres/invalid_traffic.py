"""Keeping invalid traffic, apart from what counts.

A call is known again by when and from where it came, so what a queue repeats is kept once, and what
a player repeats as often as it came. A trigger counts what is kept by hour and by day (migration
0030), so whoever keeps it counts it.
"""

from collections.abc import Sequence
from dataclasses import astuple

from ctv_ads.adapters.postgres.database import Connection, Database
from ctv_ads.domain.beacon import Beacon, ForgedBeacon

# What belongs to a whole break (slot 0) has no line item: its placement says whose it is.
_INVALID = """
WITH arrived AS MATERIALIZED (
    SELECT i.*, coalesce(l.organization_id, p.organization_id) AS organization_id,
           coalesce(l.campaign_id, '00000000-0000-0000-0000-000000000000') AS campaign_id
    FROM unnest(
        %s::integer[], %s::date[], %s::uuid[], %s::smallint[], %s::text[], %s::text[], %s::uuid[],
        %s::uuid[], %s::uuid[], %s::timestamptz[], %s::text[], %s::text[], %s::timestamptz[],
        %s::text[], %s::text[], %s::smallint[]
    ) AS i (position, day, decision_id, slot, event, rule, line_item_id, creative_id, placement_id,
            received_at, client_network, user_agent_class, decided_at, country, device_type,
            vast_error_code)
    LEFT JOIN line_items l USING (line_item_id)
    LEFT JOIN placements p ON i.slot = 0 AND p.placement_id = i.placement_id
), kept AS (
    INSERT INTO invalid_beacons (
        day, decision_id, slot, event, rule, organization_id, campaign_id, line_item_id,
        creative_id, placement_id, received_at, client_network, user_agent_class, decided_at,
        country, device_type, vast_error_code
    )
    SELECT day, decision_id, slot, event, rule, organization_id, campaign_id, line_item_id,
           creative_id, placement_id, received_at, client_network, user_agent_class, decided_at,
           country, device_type, vast_error_code
    FROM arrived WHERE organization_id IS NOT NULL
    ORDER BY day, decision_id, slot, event, rule, received_at
    ON CONFLICT DO NOTHING
)
SELECT position FROM arrived WHERE organization_id IS NULL ORDER BY position"""
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
    ) -> tuple[int, ...]:
        """Keep each call once; return where in `invalid` those are that name nothing of ours."""
        with self._database.transaction() as connection:
            unknown = keep_invalid(connection, list(enumerate(invalid)))
            if forged:
                rows = [(message, place, *astuple(one)) for message, place, one in forged]
                connection.execute(_FORGED, _columns(rows))
        return unknown


def keep_invalid(connection: Connection, beacons: Sequence[tuple[int, Beacon]]) -> tuple[int, ...]:
    """Keep each of these invalid calls once under its rule.

    Return the positions of those whose line item, or placement of a whole break, does not exist.
    """
    if not beacons:
        return ()
    rows = connection.execute(_INVALID, _columns([_row(at, one) for at, one in beacons]))
    return tuple(row["position"] for row in rows)


def _row(position: int, beacon: Beacon) -> tuple[object, ...]:
    claims = beacon.claims
    return (
        position,
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
        beacon.vast_error_code,
    )


def _columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]
