"""Dayparts: which weekly schedules are open at a moment, each in its own time zone."""

from collections.abc import Sequence
from datetime import UTC, datetime

from ctv_ads.domain.line_item import Weekday

_WEEKDAYS = tuple(Weekday)

Part = tuple[Sequence[str], int, int]
"""Weekdays, from and to in minutes since midnight, the end excluded."""


class Schedules:
    """All schedules of a segment. What is open changes with the minute and is kept for one."""

    __slots__ = ("_closed", "_minute", "_schedules")

    def __init__(self, schedules: Sequence[tuple[str, Sequence[Part]]]) -> None:
        """Take schedules as pairs of a time zone's name and parts of the week."""
        self._schedules = schedules
        self._minute: datetime | None = None
        self._closed: tuple[int, ...] = ()

    def closed(self, now: datetime) -> tuple[int, ...]:
        """Return the numbers of the schedules that are not open at `now`."""
        if not self._schedules:
            return ()
        minute = now.astimezone(UTC).replace(second=0, microsecond=0)
        if minute != self._minute:
            # Few organizations have dayparts; the others need not wait for it at a cold start.
            from zoneinfo import ZoneInfo  # noqa: PLC0415

            local = {zone: now.astimezone(ZoneInfo(zone)) for zone, _ in self._schedules}
            self._closed = tuple(
                number
                for number, (zone, parts) in enumerate(self._schedules)
                if not is_open(parts, local[zone])
            )
            self._minute = minute
        return self._closed


def is_open(parts: Sequence[Part], local: datetime) -> bool:
    """Tell whether one of the parts holds the local time."""
    weekday, minute = _WEEKDAYS[local.weekday()], local.hour * 60 + local.minute
    return any(weekday in days and begin <= minute < end for days, begin, end in parts)
