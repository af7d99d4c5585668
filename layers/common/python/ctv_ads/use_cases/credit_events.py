"""Credit events that should not have been billed, also those that only the archive still has."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.errors import NotFoundError
from ctv_ads.ports.event_archive import EventArchive, Lines
from ctv_ads.ports.ledger import Credited, DeliveredEvent, LedgerPosting


@dataclass(frozen=True, slots=True)
class CreditEvents:
    """Each event is credited once, however often it is asked for."""

    posting: LedgerPosting
    archive: EventArchive

    def __call__(
        self,
        events: Sequence[DeliveredEvent],
        reason: str,
        *,
        rule: InvalidTraffic | None = None,
    ) -> Credited:
        """Credit the events, and say what it came to.

        Raises:
            NotFoundError: a day was dropped, and the archive does not have it.
            ArchiveCorruptError: a file of the archive is not what was written.
            DependencyUnavailableError: PostgreSQL or S3 does not answer; nothing was credited.
        """
        archived = {}
        for day in self.posting.dropped(sorted({event.day for event in events})):
            manifest = self.archive.manifest(day)
            if manifest is None:
                raise NotFoundError(f"{day} was dropped, and is not in the archive")
            decisions = {event.decision_id for event in events if event.day == day}
            archived[day] = _lines_of(self.archive.read(manifest), decisions)
        return self.posting.credit(events, reason, rule=rule, archived=archived)


def _lines_of(lines: Lines, decisions: Collection[str]) -> Lines:
    """Give the lines of these decisions alone: a day may have millions of others."""
    ids = {decision.lower().encode() for decision in decisions}
    rest = b""
    for block in lines:
        *whole, rest = (rest + block).split(b"\n")
        if found := [line for line in whole if line.split(b",", 3)[2] in ids]:
            yield b"\n".join(found) + b"\n"
