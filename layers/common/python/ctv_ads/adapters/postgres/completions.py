"""Learning from the statistics how often films are seen to their end."""

from datetime import datetime, timedelta

from ctv_ads.adapters.postgres.database import Database
from ctv_ads.domain.completions import rounded_completions

MEMORY = timedelta(days=28)
"""What was seen before tells little of today."""
# Whose rotation or value asks for it.
_COUNTED = """
SELECT l.line_item_id, l.campaign_id, l.organization_id, d.creative_id,
       sum(d.impressions)::bigint AS impressions, sum(d.completes)::bigint AS completes
FROM line_items l
JOIN campaigns c USING (campaign_id)
JOIN delivery_days d USING (campaign_id, line_item_id)
WHERE (l.creative_rotation = 'optimized' OR l.rate_type = 'cpcv')
  AND l.status = 'active' AND l.deleted_at IS NULL
  AND c.status = 'active' AND c.deleted_at IS NULL
  AND d.day >= (%s::timestamptz - %s)::date
GROUP BY 1, 2, 3, 4 ORDER BY 1, 4"""
_KEEP = """
INSERT INTO measured_completions AS m (line_item_id, creative_id, organization_id, campaign_id,
                                       impressions, completes, measured_at)
SELECT t.*, %s FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::bigint[],
                           %s::bigint[]) AS t
ON CONFLICT (line_item_id, creative_id) DO UPDATE SET
    impressions = excluded.impressions, completes = excluded.completes,
    measured_at = excluded.measured_at
WHERE (m.impressions, m.completes) <> (excluded.impressions, excluded.completes)"""


class PostgresCompletions:
    """Implements `ports.CompletionLearning`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def learn(self, *, now: datetime) -> int:
        """Measure the line items that learn, as of `now`; return of how many films that told else."""
        with self._database.transaction() as connection:
            rows = []
            for row in connection.execute(_COUNTED, (now, MEMORY)):
                found = rounded_completions(row["impressions"], row["completes"])
                if found is not None:
                    ids = (row["line_item_id"], row["creative_id"], row["organization_id"])
                    rows.append((*ids, row["campaign_id"], found.impressions, found.completes))
            if not rows:
                return 0
            columns = [list(column) for column in zip(*rows, strict=True)]
            return connection.execute(_KEEP, (now, *columns)).rowcount
