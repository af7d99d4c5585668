"""Ports of removing what has served its time."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Leftover(StrEnum):
    """A kind of row that is over at some moment, and is removed some time after that."""

    IDEMPOTENCY_KEYS = "idempotency_keys"
    REFRESH_TOKENS = "refresh_tokens"
    SESSIONS = "sessions"
    EMAIL_TOKENS = "email_tokens"
    INVITATIONS = "invitations"
    INVALID_BEACONS = "invalid_beacons"
    FORGED_BEACONS = "forged_beacons"
    DECISION_COUNTS = "decision_counts"
    HELD_COMPLETES = "held_completes"
    """Over when their token is; they are invalid traffic then."""


class Leftovers(Protocol):
    """Removes rows that are over, across organizations. Each call is one transaction.

    Two at once do no harm: what one of them holds, the other leaves alone.
    """

    def purge(self, kind: Leftover, *, over_before: datetime, most: int) -> int:
        """Remove up to `most` rows that were over before then; return how many.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer.
        """

    def unused_media(self, *, over_before: datetime, most: int) -> Sequence[str]:
        """Return up to `most` keys of files that no ready creative plays since before then.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer.
        """

    def forget_media(self, keys: Sequence[str], *, now: datetime) -> None:
        """Let the creatives of these files have none any more.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer.
        """


class PublishedMedia(Protocol):
    """The files that players get."""

    def remove(self, keys: Sequence[str]) -> None:
        """Remove up to 1,000 files; one that is gone already is no error.

        Raises:
            DependencyUnavailableError: S3 does not answer, or kept at least one of them.
        """
