"""Port of copying what is booked."""

from datetime import datetime
from typing import Protocol

from ctv_ads.domain.ids import CampaignId


class CampaignCopies(Protocol):
    """Copies campaigns of one organization."""

    def copy(self, campaign_id: CampaignId, *, name: str, now: datetime) -> CampaignId:
        """Store a draft called `name` with everything that the campaign has booked.

        That is its line items with all their terms, and its creatives that are ready: as new
        creatives that play the same files. Nothing of it is billed yet.

        Raises:
            NotFoundError: there is no such campaign.
        """
