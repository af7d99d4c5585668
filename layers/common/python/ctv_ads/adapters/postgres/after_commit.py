"""Announcements that wait for the commit of what they announce."""

from dataclasses import dataclass

from ctv_ads.adapters.postgres.database import Database
from ctv_ads.ports.pipeline import InventoryChanges


@dataclass(frozen=True, slots=True)
class AnnouncedAfterCommit:
    """Implements `ports.InventoryChanges`: hands announcements on when the transaction commits.

    A use case announces after its own transaction; but inside another one, such as that of an
    Idempotency-Key, nothing is committed then, and a publication would not see it.
    """

    database: Database
    changes: InventoryChanges

    def announce(self, reason: str) -> None:
        """Ask for publication once what changed is committed; never, if it is rolled back."""
        self.database.after_commit(lambda: self.changes.announce(reason))
