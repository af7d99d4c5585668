"""How often a film is seen to its end, rounded so that what is published of it changes seldom."""

from dataclasses import dataclass

FEWEST = 8
"""Of fewer impressions nothing is published."""
TELLING = 64
"""So many impressions tell a completion rate."""
MOST = 4096
"""More do not count: a rotation that is never quite sure goes on trying."""
PARTS = 32
"""Into so many parts a rate is rounded; of fewer impressions into as many as there are."""
_ALL_BP = 10_000


@dataclass(frozen=True, slots=True)
class Completions:
    """What is published: a power of two of impressions, and of them those seen to the end."""

    impressions: int
    completes: int

    @property
    def rate_bp(self) -> int | None:
        """Completes per impression, None while there are too few to tell."""
        if self.impressions < TELLING:
            return None
        return self.completes * _ALL_BP // self.impressions


def rounded_completions(impressions: int, completes: int) -> Completions | None:
    """Return what is published of these counts, None of too few.

    Impressions are rounded down to a power of two. Completes may outrun impressions, whose
    beacons may be lost.
    """
    if impressions < FEWEST:
        return None
    power = min(1 << (impressions.bit_length() - 1), MOST)
    parts = min(power, PARTS)
    share = (2 * parts * min(completes, impressions) + impressions) // (2 * impressions)
    return Completions(power, share * power // parts)
