"""When placements have their traffic, from the opportunities counted in the last four weeks."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ctv_ads.adapters.postgres.database import Database
from ctv_ads.domain.pacing import UNIFORM, WEEK_HOURS
from ctv_ads.domain.traffic import local_curve

_KEPT = timedelta(hours=1)
_HISTORY = timedelta(days=28)
_LEAST_HISTORY = timedelta(days=7)
# What is counted of placements belongs to no campaign (migration 0017).
_COUNTS = """
SELECT organization_id::text, placement_id::text, min(hour) AS since,
       array_agg(hour_of_week) AS hours, array_agg(opportunities) AS opportunities
FROM (
    SELECT organization_id, placement_id, min(hour) AS hour,
           (extract(isodow FROM hour AT TIME ZONE 'UTC')::integer - 1) * 24
               + extract(hour FROM hour AT TIME ZONE 'UTC')::integer AS hour_of_week,
           sum(opportunities)::bigint AS opportunities
    FROM delivery_hours
    WHERE campaign_id = '00000000-0000-0000-0000-000000000000' AND hour >= %(since)s
    GROUP BY organization_id, placement_id, hour_of_week
) weeks
GROUP BY organization_id, placement_id"""


class TrafficCurves:
    """Reads the counts once an hour, and makes curves of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read_at: datetime | None = None
        self._counts: dict[str, dict[str, Sequence[int]]] = {}
        self._made: dict[tuple[str, tuple[str, ...], int], tuple[int, ...]] = {}

    def refresh(self, *, now: datetime) -> None:
        """Read the counts if they are old. Placements known for less than a week are left out."""
        if self._read_at is not None and abs(now - self._read_at) < _KEPT:
            return
        found: dict[str, dict[str, Sequence[int]]] = defaultdict(dict)
        with self._database.transaction() as connection:
            for row in connection.execute(_COUNTS, {"since": now - _HISTORY}):
                if now - row["since"] < _LEAST_HISTORY:
                    continue
                counts = [0] * WEEK_HOURS
                for hour, count in zip(row["hours"], row["opportunities"], strict=True):
                    counts[hour] = count
                found[row["organization_id"]][row["placement_id"]] = counts
        self._counts, self._made, self._read_at = found, {}, now

    def curve(
        self, organization_id: str, placements: Sequence[str], timezone: str, *, now: datetime
    ) -> tuple[int, ...]:
        """Return the curve of some placements, or of all of an organization without any named."""
        known = self._counts.get(organization_id)
        if not known:
            return UNIFORM
        offset = now.astimezone(ZoneInfo(timezone)).utcoffset() or timedelta(0)
        hours = offset // timedelta(hours=1)
        key = (organization_id, tuple(placements), hours)
        if key not in self._made:
            chosen = [known[name] for name in placements or known if name in known]
            self._made[key] = local_curve(chosen, offset_hours=hours)
        return self._made[key]
