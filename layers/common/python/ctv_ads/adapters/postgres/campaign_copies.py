"""Copies of campaigns, made by a function of the schema (migration 0008)."""

from datetime import datetime

from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.domain.ids import CampaignId
from ctv_ads.errors import NotFoundError

# The API's role may not write all the columns that a copy takes over.
_COPY = "SELECT copy_campaign(%s, %s, %s) AS made"


class PostgresCampaignCopies:
    """Implements `ports.CampaignCopies`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def copy(self, campaign_id: CampaignId, *, name: str, now: datetime) -> CampaignId:
        """Store a draft called `name` with everything that the campaign has booked."""
        row = self._connection.execute(_COPY, (campaign_id, name, now)).fetchone()
        if row is None or row["made"] is None:
            raise NotFoundError("there is no such campaign")
        return CampaignId(str(row["made"]))
