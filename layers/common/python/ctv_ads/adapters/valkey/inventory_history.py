"""Past inventories, for as long as Valkey keeps them."""

from dataclasses import dataclass

from ctv_ads.adapters.valkey.inventory_reader import ValkeySnapshotReader
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.adapters.valkey.snapshot import root_key
from ctv_ads.decisioning.segments.index import LineItemIndex
from ctv_ads.decisioning.segments.snapshot import Snapshot
from ctv_ads.domain.ids import OrganizationId


@dataclass(frozen=True, slots=True)
class ReadInventory:
    """Implements `ports.PastInventory` by a reader that stays at one version."""

    snapshot: Snapshot
    _reader: ValkeySnapshotReader

    def line_items(self, organization_id: OrganizationId) -> LineItemIndex:
        """Return that organization's line items."""
        return self._reader.line_items(organization_id)


class ValkeyInventoryHistory:
    """Implements `ports.InventoryHistory`; the last version that was asked for stays at hand."""

    def __init__(self, connection: RespConnection) -> None:
        self._connection = connection
        self._last: ReadInventory | None = None

    def load(self, version: str) -> ReadInventory | None:
        """Return that version, None when it is not kept any more."""
        if self._last is not None and self._last.snapshot.version == version:
            return self._last
        if not self._connection.call("EXISTS", root_key(version)):
            return None
        reader = ValkeySnapshotReader(self._connection)
        self._last = ReadInventory(reader.refresh(version), reader)
        return self._last
