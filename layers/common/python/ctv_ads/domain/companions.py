"""What goes along with a creative: its registered id, others' trackers, verification vendors."""

from dataclasses import dataclass
from enum import StrEnum

MAX_TRACKERS = 50
MAX_VERIFICATIONS = 10


class TrackerEvent(StrEnum):
    """What third parties may ask to be told of: standard names of VAST 4.2, no others.

    Of the linear events two are missing: `progress`, because it needs an offset, and `skip`,
    because our ads cannot be skipped.
    """

    IMPRESSION = "impression"
    ERROR = "error"
    CLICK_TRACKING = "clickTracking"
    LOADED = "loaded"
    START = "start"
    FIRST_QUARTILE = "firstQuartile"
    MIDPOINT = "midpoint"
    THIRD_QUARTILE = "thirdQuartile"
    COMPLETE = "complete"
    MUTE = "mute"
    UNMUTE = "unmute"
    PAUSE = "pause"
    RESUME = "resume"
    REWIND = "rewind"
    PLAYER_EXPAND = "playerExpand"
    PLAYER_COLLAPSE = "playerCollapse"
    CLOSE_LINEAR = "closeLinear"


LINEAR_EVENTS = tuple(
    event
    for event in TrackerEvent
    if event not in {TrackerEvent.IMPRESSION, TrackerEvent.ERROR, TrackerEvent.CLICK_TRACKING}
)
"""Those that stand in `TrackingEvents`; the others have elements of their own."""


@dataclass(frozen=True, slots=True)
class UniversalAdId:
    """The id under which a registry knows the creative (VAST 4.2 §3.7.1)."""

    registry: str
    """The registry's root domain, such as `ad-id.org`."""
    value: str


@dataclass(frozen=True, slots=True)
class Tracker:
    """An address of a third party, called with ours. It may hold VAST macros."""

    event: TrackerEvent
    url: str


@dataclass(frozen=True, slots=True)
class Verification:
    """A verification vendor's Open Measurement script (VAST 4.2 §3.17)."""

    vendor: str
    javascript_url: str
    parameters: str | None
