"""Audit the books: every day, with the events of days that were dropped from the archive."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from ctv_ads.errors import ArchiveCorruptError, DependencyUnavailableError
from ctv_ads.ports.event_archive import EventArchive
from ctv_ads.ports.ledger import LedgerAudit


@dataclass(slots=True)
class AuditReport:
    """What was found."""

    days: int = 0
    faults: list[str] = field(default_factory=list)
    not_recounted: dict[date, str] = field(default_factory=dict)
    """Days whose invoice lines could not be held against their events, and why not."""


@dataclass(frozen=True, slots=True)
class AuditLedger:
    """Reads only."""

    audit: LedgerAudit
    archive: EventArchive

    def __call__(self) -> AuditReport:
        """Hold every day, every bill and every report against what it is made of.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer.
        """
        report = AuditReport()
        dropped = set(self.audit.dropped_days())
        for day in self.audit.days():
            report.days += 1
            report.faults += (
                self._faults_of_dropped(day, report)
                if day in dropped
                else self.audit.faults_of(day)
            )
        report.faults += self.audit.faults_of_bills()
        return report

    def _faults_of_dropped(self, day: date, report: AuditReport) -> Sequence[str]:
        try:
            manifest = self.archive.manifest(day)
        except DependencyUnavailableError as error:
            report.not_recounted[day] = f"dropped, and the archive does not answer: {error}"
            return self.audit.faults_of(day)
        if manifest is None:
            report.not_recounted[day] = "dropped, and not in the archive"
            return self.audit.faults_of(day)
        try:
            return self.audit.faults_of(day, self.archive.read(manifest))
        except ArchiveCorruptError as error:
            return [f"{day}: {error}", *self.audit.faults_of(day)]
