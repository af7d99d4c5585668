"""Archive events by day, drop what is archived and old, and count days anew."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from ctv_ads.errors import NotFoundError
from ctv_ads.ports.base import Clock
from ctv_ads.ports.event_archive import EventArchive, EventDays, StatisticsRebuild

DAYS_AHEAD = 7
LATE_FOR = timedelta(days=30)
"""For so long a queue and its dead letters may keep an event; days are looked at again meanwhile."""


@dataclass(frozen=True, slots=True)
class ArchivingRun:
    """What one run has done."""

    made: int
    archived: tuple[date, ...]
    dropped: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class ArchiveEvents:
    """Runs every few hours; running it again, or twice at once, changes nothing.

    A day is closed when the last token of its decisions has expired.
    """

    days: EventDays
    archive: EventArchive
    beacon_lifetime: timedelta
    retention: timedelta
    clock: Clock

    def __call__(self) -> ArchivingRun:
        """Make days ahead, archive those that are closed, drop those that are old.

        Raises:
            DependencyUnavailableError: PostgreSQL or S3 does not answer; the next run goes on.
        """
        now = self.clock()
        today = now.date()
        made = self.days.make_ahead(today - timedelta(days=1), today + timedelta(days=DAYS_AHEAD))
        archived: list[date] = []
        dropped: list[date] = []
        for day in self.days.days():
            ended = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
            if now < ended + self.beacon_lifetime:
                break
            is_old = now >= ended + self.retention
            if is_old and self.days.drop(day):
                dropped.append(day)
            elif not self.days.is_archived(day) and self._archive(day):
                archived.append(day)
                if is_old and self.days.drop(day):
                    dropped.append(day)
        return ArchivingRun(made, tuple(archived), tuple(dropped))

    def _archive(self, day: date) -> bool:
        return self.days.archive(day, lambda lines: self.archive.write(day, lines)) is not None


@dataclass(frozen=True, slots=True)
class RebuildStatistics:
    """Counts a day's events anew, from PostgreSQL as long as they are there."""

    days: EventDays
    archive: EventArchive
    statistics: StatisticsRebuild

    def __call__(self, day: date, *, from_archive: bool = False) -> int:
        """Return how many events were counted.

        Raises:
            NotFoundError: the day is neither here nor archived as a whole.
            ArchiveCorruptError: a file of the archive is not what was written.
            DependencyUnavailableError: PostgreSQL or S3 does not answer; nothing was changed.
        """
        if not from_archive and day in self.days.days():
            return self.statistics.rebuild(day, None)
        archived = self.archive.manifest(day)
        if archived is None or not self.days.is_archived(day):
            raise NotFoundError(f"{day} is not archived, or not all of it")
        return self.statistics.rebuild(day, self.archive.read(archived))
