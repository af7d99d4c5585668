"""Invalid traffic: beacons that are kept apart under a rule's name, counted, and never billed."""

from enum import StrEnum


class InvalidTraffic(StrEnum):
    """The rule by which a beacon is invalid. Names are stable; reports group by them.

    The collector knows the first four from the call alone; the others show only beside what
    is stored, so the consumer finds them.
    """

    FORGED = "forged"
    """Its token is not one of ours."""
    EXPIRED = "expired"
    DATA_CENTRE = "data_centre"
    """The viewer's address belongs to a listed hosting network, where nobody watches."""
    CRAWLER = "crawler"
    """The user agent is a listed crawler or tool."""

    REPLAYED = "replayed"
    """One ad's event again and again, from other networks than the first."""
    IMPOSSIBLE_ORDER = "impossible_order"
    """A part of the film was seen before so much time had passed since the decision."""
    IMPOSSIBLE_RATE = "impossible_rate"
    """One session has seen more ads than there is time for."""
    REPEATED = "repeated"
    """What is paid for was called again from where it was called first: once too often, no more."""
