"""Publish what may serve now."""

from dataclasses import dataclass

from ctv_ads.ports.base import Clock
from ctv_ads.ports.pipeline import InventorySource, InventoryStore


@dataclass(frozen=True, slots=True)
class PublishInventory:
    """Reads what has changed in the source of truth and makes it what decisions see."""

    source: InventorySource
    store: InventoryStore
    clock: Clock
    overlay_limit: int = 1000
    """How many line items may have changed before an organization is compiled anew."""

    def __call__(self) -> str:
        """Publish the inventory as it is now and return the version in force.

        Raises:
            DependencyUnavailableError: PostgreSQL or Valkey does not answer; the inventory
                published before stays in force.
        """
        bases = self.store.bases()
        reading = self.source.read(bases, now=self.clock(), overlay_limit=self.overlay_limit)
        return self.store.publish_changes(reading)
