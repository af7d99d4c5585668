"""Counts of what was decided, before any beacon: requests, opportunities, ads served, no-fills."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ctv_ads.domain.ids import CreativeId, LineItemId, PlacementId
from ctv_ads.domain.reasons import NoFillReason


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedRow:
    """What was decided in one hour, for one placement, country and device type.

    Of a line item and creative it is how many ads of theirs were served; of none it is how many
    requests there were, how many ads they had room for, and how many answers held no ad.
    """

    hour: datetime
    """UTC, a whole hour: that of the decisions."""
    placement_id: PlacementId
    country: str = ""
    device_type: str = ""
    line_item_id: LineItemId | None = None
    creative_id: CreativeId | None = None
    requests: int = 0
    opportunities: int = 0
    no_fills: int = 0
    ads_served: int = 0
    no_fill_reasons: Mapping[NoFillReason, int] = field(default_factory=dict)
    """How many of `no_fills` had each reason; empty where nobody told them."""

    def document(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {
            "hour": self.hour.isoformat(),
            "placement_id": self.placement_id,
            "country": self.country,
            "device_type": self.device_type,
            "line_item_id": self.line_item_id,
            "creative_id": self.creative_id,
            "requests": self.requests,
            "opportunities": self.opportunities,
            "no_fills": self.no_fills,
            "ads_served": self.ads_served,
            **({"no_fill_reasons": dict(self.no_fill_reasons)} if self.no_fill_reasons else {}),
        }


@dataclass(frozen=True, slots=True)
class DecidedCounts:
    """Counts that travel through the queue as one message; each message counts once."""

    message_id: str
    """A UUID that whoever counted gave it."""
    rows: tuple[DecidedRow, ...]
