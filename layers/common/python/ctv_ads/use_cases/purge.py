"""Remove what has served its time: keys, sessions, tokens, invitations, files of creatives."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from ctv_ads.ports.base import Clock
from ctv_ads.ports.purge import Leftover, Leftovers, PublishedMedia

BATCH = 1000
"""Rows of one transaction, and files of one request, of which S3 takes no more."""
MOST_BATCHES = 50
"""Of one kind in one run; the rest is left to the next."""
_FILES = "media_files"
_TRAFFIC = {Leftover.INVALID_BEACONS, Leftover.FORGED_BEACONS, Leftover.DECISION_COUNTS}


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept after they are over."""

    idempotency_keys: timedelta
    credentials: timedelta
    media: timedelta
    traffic: timedelta = timedelta(days=90)
    """Of invalid and forged beacons, and of ids by which repeated counts are told."""
    held: timedelta = timedelta(days=1)
    """Of completes whose token is over: as long as their beginning may still be on its way."""


@dataclass(frozen=True, slots=True)
class Purge:
    """Runs once an hour; running it again, or twice at once, changes nothing."""

    leftovers: Leftovers
    media: PublishedMedia
    retention: Retention
    clock: Clock

    def __call__(self) -> Mapping[str, int]:
        """Remove what is over for long enough, and return how much of each kind.

        Raises:
            DependencyUnavailableError: PostgreSQL or S3 does not answer; what was removed until
                then stays so, and the next run goes on.
        """
        removed = {kind.value: self._rows(kind) for kind in Leftover}
        return removed | {_FILES: self._files()}

    def _rows(self, kind: Leftover) -> int:
        kept = self._kept(kind)
        removed = 0
        for _ in range(MOST_BATCHES):
            batch = self.leftovers.purge(kind, over_before=self.clock() - kept, most=BATCH)
            removed += batch
            if batch < BATCH:
                break
        return removed

    def _kept(self, kind: Leftover) -> timedelta:
        if kind is Leftover.IDEMPOTENCY_KEYS:
            return self.retention.idempotency_keys
        if kind is Leftover.HELD_COMPLETES:
            return self.retention.held
        return self.retention.traffic if kind in _TRAFFIC else self.retention.credentials

    def _files(self) -> int:
        removed = 0
        for _ in range(MOST_BATCHES):
            over_before = self.clock() - self.retention.media
            keys = self.leftovers.unused_media(over_before=over_before, most=BATCH)
            if not keys:
                break
            # The file goes first: after a crash in between the next run finds it again.
            self.media.remove(keys)
            self.leftovers.forget_media(keys, now=self.clock())
            removed += len(keys)
        return removed
