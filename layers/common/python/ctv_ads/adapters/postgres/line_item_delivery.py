"""How the line items of a campaign stand: what is due, delivered and reserved, and what limits."""

from collections.abc import Sequence

from ctv_ads.adapters.postgres.database import Database
from ctv_ads.domain.access import Caller
from ctv_ads.domain.delivery_health import DeliveryStanding
from ctv_ads.domain.ids import CampaignId, LineItemId
from ctv_ads.domain.pacing import LimitedBy

_STANDINGS = """
SELECT v.line_item_id, v.due_micros, v.delivered_micros, v.urgency, v.limited_by, v.observed_at,
       coalesce(sum(b.outstanding_micros), 0)::bigint AS reserved_micros,
       bool_or(b.bucket IS NOT NULL AND b.closed_at IS NULL) AS has_tokens
FROM line_item_delivery v
LEFT JOIN token_buckets b ON b.line_item_id = v.line_item_id AND b.released_at IS NULL
WHERE v.campaign_id = %s
GROUP BY v.line_item_id
ORDER BY v.line_item_id"""


class PostgresDeliveryStandings:
    """Implements `ports.DeliveryStandings`, with the rights of who asks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_campaign(self, caller: Caller, campaign_id: CampaignId) -> Sequence[DeliveryStanding]:
        """Return the line items of a campaign that the controller has seen, by id."""
        with self._database.transaction(caller) as connection:
            rows = connection.execute(_STANDINGS, (campaign_id,)).fetchall()
        return [
            DeliveryStanding(
                line_item_id=LineItemId(str(row["line_item_id"])),
                due=row["due_micros"],
                delivered=row["delivered_micros"],
                reserved=row["reserved_micros"],
                urgency=row["urgency"],
                limited_by=LimitedBy(row["limited_by"]),
                has_tokens=row["has_tokens"],
                observed_at=row["observed_at"],
            )
            for row in rows
        ]
