"""The opportunity: what a device or stitcher asks for."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class AdBreak:
    """One request for ads. `placement` is the placement's key or id."""

    placement: str
    max_ad_ms: int | None = None


class NoFillReason(StrEnum):
    """Why an answer holds no ad. Wire names are stable; new ones may be added."""

    UNKNOWN_PLACEMENT = "unknown_placement"
    INVENTORY_UNAVAILABLE = "inventory_unavailable"
    NO_LINE_ITEM = "no_line_item"
    NOT_IN_FLIGHT = "not_in_flight"
    NO_CREATIVE_FITS = "no_creative_fits"
    BLOCKED_BY_PLACEMENT = "blocked_by_placement"
    FREQUENCY_CAPPED = "frequency_capped"
    NO_TOKENS = "no_tokens"
    SEPARATED = "separated"
    NO_ROOM = "no_room"


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """What a decision depends on besides request and inventory, so that it can be replayed."""

    decision_id: str
    seed: int
    now: datetime
