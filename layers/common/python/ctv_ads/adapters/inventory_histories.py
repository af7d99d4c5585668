"""Several places in which past inventories may be, asked one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass

from ctv_ads.ports.decisions import InventoryHistory, PastInventory


@dataclass(frozen=True, slots=True)
class InventoryHistories:
    """Implements `ports.InventoryHistory` by the first that keeps a version, the nearest first."""

    histories: Sequence[InventoryHistory]

    def load(self, version: str) -> PastInventory | None:
        """Return that version, None when none of them keeps it (any more)."""
        for history in self.histories:
            found = history.load(version)
            if found is not None:
                return found
        return None
