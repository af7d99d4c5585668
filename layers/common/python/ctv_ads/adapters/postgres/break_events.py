"""Keeping what players tell of whole ad breaks."""

from collections.abc import Sequence

from ctv_ads.adapters.postgres.database import Database
from ctv_ads.domain.beacon import Beacon

_INSERT = """
INSERT INTO break_events
    (day, decision_id, event, organization_id, placement_id, received_at, vast_error_code)
SELECT i.day, i.decision_id, i.event, p.organization_id, i.placement_id, i.received_at,
       i.vast_error_code
FROM unnest(%s::date[], %s::uuid[], %s::text[], %s::uuid[], %s::timestamptz[], %s::smallint[])
    AS i (day, decision_id, event, placement_id, received_at, vast_error_code)
JOIN placements p USING (placement_id)
ORDER BY i.day, i.decision_id, i.event
ON CONFLICT DO NOTHING"""


class PostgresBreakEvents:
    """Implements `ports.BreakEvents`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, beacons: Sequence[Beacon]) -> None:
        """Keep each event of each break once."""
        rows = [
            (
                beacon.claims.decided_at.date(),
                beacon.claims.decision_id,
                beacon.event.value,
                beacon.claims.placement_id,
                beacon.received_at,
                beacon.vast_error_code,
            )
            for beacon in beacons
        ]
        with self._database.transaction() as connection:
            connection.execute(_INSERT, [list(column) for column in zip(*rows, strict=True)])
