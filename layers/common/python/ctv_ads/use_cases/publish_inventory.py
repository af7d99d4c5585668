"""Publish what may serve now."""

from dataclasses import dataclass

from ctv_ads.ports.base import Clock
from ctv_ads.ports.pipeline import InventorySource, InventoryStore


@dataclass(frozen=True, slots=True)
class PublishInventory:
    """Reads the source of truth and makes it what the decision plane sees."""

    source: InventorySource
    store: InventoryStore
    clock: Clock

    def __call__(self) -> str:
        """Publish the inventory as it is now and return the version in force.

        Raises:
            DependencyUnavailableError: PostgreSQL or Valkey does not answer; the inventory
                published before stays in force.
        """
        return self.store.publish(self.source.load(now=self.clock()))
