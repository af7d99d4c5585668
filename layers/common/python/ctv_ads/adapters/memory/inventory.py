"""The inventory in memory: published to readers in this process."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ctv_ads.decisioning.segments.changes import Marks
from ctv_ads.decisioning.segments.compile import compile_segment
from ctv_ads.decisioning.segments.index import LineItemIndex
from ctv_ads.decisioning.segments.layers import Layer
from ctv_ads.decisioning.segments.segment import Segment
from ctv_ads.decisioning.segments.snapshot import Snapshot
from ctv_ads.domain.ids import OrganizationId
from ctv_ads.domain.inventory import Inventory, rank_key
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.pipeline import InventoryReading

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MemoryInventory:
    """Implements `ports.InventoryStore`; what is current may be looked at."""

    def __init__(self) -> None:
        self._current: Inventory | None = None

    def publish(self, inventory: Inventory) -> str:
        """Make the inventory current unless a newer one is, and return the current version."""
        version = f"{(inventory.built_at - _EPOCH) // timedelta(milliseconds=1):013d}"
        if self._current is None or self._current.version < version:
            self._current = replace(inventory, version=version)
        return self._current.version

    def bases(self) -> Mapping[OrganizationId, Marks]:
        """Return none: everything is published anew each time."""
        return {}

    def publish_changes(self, reading: InventoryReading) -> str:
        """Make what was read current unless something newer is, and return the current version."""
        line_items = {
            key: tuple(sorted(found.line_items, key=rank_key))
            for key, found in reading.organizations.items()
        }
        return self.publish(Inventory("", reading.built_at, reading.placements, line_items))

    def current(self) -> Inventory:
        """Return the inventory in force."""
        if self._current is None:
            raise DependencyUnavailableError("memory", "no inventory has been published yet")
        return self._current


class MemorySnapshots:
    """Implements `ports.InventoryStore` and `ports.SnapshotReader`; what is current is read at once."""

    def __init__(self) -> None:
        self._inventory = MemoryInventory()
        self._indexes: dict[OrganizationId, LineItemIndex] = {}

    def publish(self, inventory: Inventory) -> str:
        """Make the inventory current unless a newer one is, and return the current version."""
        self._indexes.clear()
        return self._inventory.publish(inventory)

    def bases(self) -> Mapping[OrganizationId, Marks]:
        """Return none: everything is published anew each time."""
        return self._inventory.bases()

    def publish_changes(self, reading: InventoryReading) -> str:
        """Make what was read current unless something newer is, and return the current version."""
        self._indexes.clear()
        return self._inventory.publish_changes(reading)

    def current(self) -> Snapshot:
        """Return the snapshot in force."""
        found = self._inventory.current()
        return Snapshot(found.version, found.built_at, found.placements)

    def refresh(self, version: str | None = None) -> Snapshot:  # noqa: ARG002 - it is never behind
        """Return the snapshot in force."""
        return self.current()

    def known_version(self) -> str:
        """Return the version in force."""
        return self.current().version

    def line_items(self, organization_id: OrganizationId) -> LineItemIndex:
        """Return that organization's line items."""
        if organization_id not in self._indexes:
            items = self._inventory.current().line_items.get(organization_id, ())
            layer = Layer(Segment(compile_segment(items)))
            self._indexes[organization_id] = LineItemIndex([layer])
        return self._indexes[organization_id]
