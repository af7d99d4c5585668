"""How delivery is spread over a flight."""

from enum import StrEnum


class Pacing(StrEnum):
    """As fast as possible, evenly, or more of it early."""

    ASAP = "asap"
    EVEN = "even"
    FRONT_LOADED = "front_loaded"
