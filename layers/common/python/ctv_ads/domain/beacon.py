"""Beacons: the tracking calls that players make, and what their token says."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from ctv_ads.domain.ids import CreativeId, DecisionId, LineItemId, PlacementId
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.domain.line_item import RateType


class BeaconEvent(StrEnum):
    """What happened in the player, in VAST's words (VAST 4.2 §3.14.1); on the wire as printed."""

    IMPRESSION = "impression"
    START = "start"
    FIRST_QUARTILE = "firstQuartile"
    MIDPOINT = "midpoint"
    THIRD_QUARTILE = "thirdQuartile"
    COMPLETE = "complete"
    MUTE = "mute"
    UNMUTE = "unmute"
    PAUSE = "pause"
    RESUME = "resume"
    SKIP = "skip"
    ERROR = "error"
    CLICK_TRACKING = "clickTracking"
    BREAK_START = "breakStart"
    BREAK_END = "breakEnd"


MAX_BEACONS_OF_A_CALL = 500
"""More than these are in no request, so in no message either."""

TRACKED_EVENTS: tuple[BeaconEvent, ...] = (
    BeaconEvent.START,
    BeaconEvent.FIRST_QUARTILE,
    BeaconEvent.MIDPOINT,
    BeaconEvent.THIRD_QUARTILE,
    BeaconEvent.COMPLETE,
    BeaconEvent.MUTE,
    BeaconEvent.UNMUTE,
    BeaconEvent.PAUSE,
    BeaconEvent.RESUME,
)
"""The linear events announced in every answer; MediaTailor rejects answers with others."""


class BeaconClaims(NamedTuple):
    """What was decided, carried by the token of each beacon of one ad.

    `decided_at` has whole milliseconds, `expires_at` whole seconds; both are UTC.
    """

    decision_id: DecisionId
    slot: int
    decided_at: datetime
    expires_at: datetime
    line_item_id: LineItemId
    creative_id: CreativeId
    placement_id: PlacementId
    price_micros: int
    """What the billable event of `rate_type` costs."""
    rate_type: RateType = RateType.CPM
    bucket: int = 0
    """The grant of tokens that pays for it, below 2**32; 0 is none."""
    country: str = ""
    """ISO 3166-1 alpha-2 of the viewer when it was decided; empty when not known."""
    device_type: str = ""
    """A word of `vocabulary.DEVICE_TYPES`; empty when not known."""
    session: int = 0
    """A 64-bit hash of the viewing session, to count sessions by; 0 when not known."""


@dataclass(frozen=True, slots=True)
class Beacon:
    """A verified tracking call, as it travels through the queue."""

    event: BeaconEvent
    claims: BeaconClaims
    received_at: datetime
    client_network: str | None
    """The caller's address, truncated to its network (/24 or /48)."""
    user_agent_class: str
    vast_error_code: int | None = None
    invalid: InvalidTraffic | None = None
    """By which rule it does not count; None counts."""


@dataclass(frozen=True, slots=True)
class ForgedBeacon:
    """Tracking calls of one caller whose tokens say nothing that can be believed."""

    received_at: datetime
    client_network: str | None
    user_agent_class: str
    beacons: int = 1
    """How many came in one call."""
