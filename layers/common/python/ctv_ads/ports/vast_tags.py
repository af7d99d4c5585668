"""Ports of checking third-party VAST tags, which happens where no database can be reached."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ctv_ads.domain.ids import CreativeId
from ctv_ads.domain.media import Rejection, RejectionCode
from ctv_ads.domain.vast_tag import TagFacts

Monotonic = Callable[[], float]
"""Returns seconds that only grow."""


class TagFetchError(Exception):
    """A tag could not be fetched; `rejection` tells the person who trafficked it why."""

    def __init__(self, code: RejectionCode, message: str) -> None:
        super().__init__(message)
        self.rejection = Rejection(code, message[:500])


class VastFetcher(Protocol):
    """Fetches what strangers' addresses answer, without ever touching a private network."""

    def fetch(self, url: str, *, deadline: float) -> bytes:
        """Return the document at `url`. `deadline` is a moment of the monotonic clock.

        Raises:
            TagFetchError: the address is refused, does not answer in time, or not with a
                document of acceptable size.
        """


@dataclass(frozen=True, slots=True)
class TagCheck:
    """A tag to be checked."""

    creative_id: CreativeId
    tag_url: str


@dataclass(frozen=True, slots=True)
class TagVerdict:
    """What a check found: facts of a fit tag, or every reason why it is unfit."""

    creative_id: CreativeId
    facts: TagFacts | None
    rejections: tuple[Rejection, ...]


class TagChecks(Protocol):
    """Has tags checked."""

    def ask(self, check: TagCheck) -> None:
        """Hand the check over; its verdict arrives later.

        Raises:
            DependencyUnavailableError: the queue did not take it.
        """


class TagVerdicts(Protocol):
    """Takes the verdicts back to where the database is."""

    def tell(self, verdict: TagVerdict) -> None:
        """Hand the verdict over.

        Raises:
            DependencyUnavailableError: the queue did not take it.
        """
