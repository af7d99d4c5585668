"""Line items that are in no inventory, and why: the same conditions as in `inventory_statements.py`."""

from collections.abc import Mapping
from typing import Any

from ctv_ads.adapters.postgres.database import Database
from ctv_ads.domain.access import Caller
from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.reasons import Reason
from ctv_ads.errors import NotFoundError
from ctv_ads.ports.base import Clock
from ctv_ads.ports.decisions import Unpublished

MOST_NAMED = 50
_TOLD = f"""
SELECT l.line_item_id, CASE
    WHEN l.status <> 'active' THEN {Reason.NOT_ACTIVE:d}
    WHEN c.status <> 'active' THEN {Reason.CAMPAIGN_NOT_ACTIVE:d}
    WHEN least(l.ends_at, c.ends_at) <= %(now)s
      OR greatest(l.starts_at, c.starts_at) >= least(l.ends_at, c.ends_at)
    THEN {Reason.NOT_IN_FLIGHT:d}
    WHEN l.rate_type = 'cpm' AND l.type <> 'house'
     AND c.budget_micros - c.billed_micros < coalesce(l.rate_micros, c.cpm_micros) / 1000
    THEN {Reason.NO_TOKENS:d}
    WHEN NOT EXISTS (
        SELECT FROM creatives r
        WHERE r.campaign_id = c.campaign_id AND r.status = 'ready' AND r.deleted_at IS NULL
          AND (NOT EXISTS (SELECT FROM creative_assignments s WHERE s.line_item_id = l.line_item_id)
               OR EXISTS (SELECT FROM creative_assignments s
                          WHERE s.line_item_id = l.line_item_id AND s.creative_id = r.creative_id))
    ) THEN {Reason.NO_READY_CREATIVE:d}
END AS reason
FROM line_items l JOIN campaigns c USING (organization_id, campaign_id)
WHERE l.deleted_at IS NULL AND c.deleted_at IS NULL"""  # noqa: S608 - made of constants
_BY_REASON = f"""
SELECT reason, count(*) AS line_items,
       (array_agg(line_item_id::text ORDER BY line_item_id))[1:{MOST_NAMED}] AS first
FROM ({_TOLD}) told WHERE reason IS NOT NULL GROUP BY reason ORDER BY reason"""  # noqa: S608 - made of constants
_WHY = f"{_TOLD} AND l.line_item_id = %(line_item)s"


class PostgresUnpublishedLineItems:
    """Implements `ports.UnpublishedLineItems`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def by_reason(self, caller: Caller) -> Mapping[Reason, Unpublished]:
        """Return how many there are for each reason, and the first of them."""
        return {
            Reason(row["reason"]): Unpublished(row["line_items"], tuple(row["first"]))
            for row in self._rows(caller, _BY_REASON)
        }

    def why(self, caller: Caller, line_item_id: LineItemId) -> Reason:
        """Return why one is not published."""
        rows = self._rows(caller, _WHY, line_item=line_item_id)
        if not rows:
            raise NotFoundError("there is no such line item")
        reason = rows[0]["reason"]
        return Reason.NOT_PUBLISHED if reason is None else Reason(reason)

    def _rows(self, caller: Caller, statement: str, **values: str) -> list[dict[str, Any]]:
        with self._database.transaction(caller) as connection:
            return connection.execute(statement, {"now": self._clock(), **values}).fetchall()
