"""Campaigns that end by themselves."""

from collections.abc import Sequence
from datetime import datetime

from ctv_ads.adapters.postgres.database import Database
from ctv_ads.domain.ids import CampaignId

_COMPLETE = "SELECT complete_campaigns(%s) AS campaign_id"


class PostgresCampaignCompletion:
    """Implements `ports.CampaignCompletion`; which ones end is told in migration 0005."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def complete(self, *, now: datetime) -> Sequence[CampaignId]:
        """Complete the active campaigns whose flight or budget is over, and return them."""
        with self._database.transaction() as connection:
            rows = connection.execute(_COMPLETE, (now,)).fetchall()
        return [CampaignId(str(row["campaign_id"])) for row in rows]
