"""The inventory in memory: published to readers in this process."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ctv_ads.domain.inventory import Inventory
from ctv_ads.errors import DependencyUnavailableError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MemoryInventory:
    """Implements `ports.InventoryStore` and `ports.InventoryReader`."""

    def __init__(self) -> None:
        self._current: Inventory | None = None

    def publish(self, inventory: Inventory) -> str:
        """Make the inventory current unless a newer one is, and return the current version."""
        version = f"{(inventory.built_at - _EPOCH) // timedelta(milliseconds=1):013d}"
        if self._current is None or self._current.version < version:
            self._current = replace(inventory, version=version)
        return self._current.version

    def current(self) -> Inventory:
        """Return the inventory in force."""
        if self._current is None:
            raise DependencyUnavailableError("memory", "no inventory has been published yet")
        return self._current
