"""Ports of archiving events by day, and of counting them anew."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Protocol

from ctv_ads.domain.event_archive import ArchivedDay

Lines = Iterator[bytes]
"""Whole lines of CSV without their header, any number of them at a time."""


class EventDays(Protocol):
    """The days of recorded events."""

    def make_ahead(self, first: date, last: date) -> int:
        """Make room for the events of these days; return how many days had none.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer.
        """

    def days(self) -> Sequence[date]:
        """Return the days that are here, the oldest first.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer.
        """

    def is_archived(self, day: date) -> bool:
        """Tell whether every event of the day is archived.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer.
        """

    def archive(self, day: date, write: Callable[[Lines], ArchivedDay]) -> ArchivedDay | None:
        """Have all events of a day written, and remember that they were.

        None: somebody else does it now, or its events were dropped and only late ones are here.

        Raises:
            DependencyUnavailableError: PostgreSQL or the archive does not answer.
        """

    def drop(self, day: date) -> bool:
        """Drop the events of a day, unless one of them is not archived; return whether they are.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer.
        """


class EventArchive(Protocol):
    """Keeps the events of whole days."""

    def write(self, day: date, lines: Lines) -> ArchivedDay:
        """Keep the events of a day, and after them their manifest.

        Raises:
            DependencyUnavailableError: the archive does not answer.
        """

    def manifest(self, day: date) -> ArchivedDay | None:
        """Return what is kept of a day, None when nothing is.

        Raises:
            DependencyUnavailableError: the archive does not answer.
        """

    def read(self, archived: ArchivedDay) -> Lines:
        """Yield the events, each file after it was held against its digest.

        Raises:
            ArchiveCorruptError: a file is not what was written, or is gone.
            DependencyUnavailableError: the archive does not answer.
        """


class StatisticsRebuild(Protocol):
    """Counts the events of a day anew, in one transaction."""

    def rebuild(self, day: date, lines: Lines | None) -> int:
        """Replace what was counted of a day's events; None: count those in PostgreSQL.

        Counts of decisions stay as they are. Returns how many events were counted.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer; nothing was changed.
        """
