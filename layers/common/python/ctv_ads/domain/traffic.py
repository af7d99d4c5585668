"""When there is traffic: the weights of a week's hours, from what was counted."""

from collections.abc import Sequence

from ctv_ads.domain.pacing import UNIFORM, WEEK_HOURS

LEAST_OPPORTUNITIES = 1000
"""Fewer say nothing of the hours of a week."""
_WHOLE = 100 * WEEK_HOURS


def local_curve(counts: Sequence[Sequence[int]], *, offset_hours: int) -> tuple[int, ...]:
    """Return the weights of the local hours of a week, from Monday 00:00.

    Args:
        counts: opportunities by hour of the week in UTC, of each of the placements.
        offset_hours: how far local time is ahead of UTC.

    No hour weighs nothing: what was never counted may come all the same. Too little history is
    no curve at all, but uniform.
    """
    total = sum(map(sum, counts))
    if total < LEAST_OPPORTUNITIES:
        return UNIFORM
    together = [sum(hours) for hours in zip(*counts, strict=True)]
    return tuple(
        max(together[(hour - offset_hours) % WEEK_HOURS] * _WHOLE // total, 1)
        for hour in range(WEEK_HOURS)
    )
