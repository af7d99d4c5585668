"""Reading the inventory: one round trip per request, a reload only when it has changed."""

import logging

from ctv_ads.adapters.valkey.resp import RespConnection, RespError
from ctv_ads.adapters.valkey.snapshot import CURRENT_KEY, decode_inventory, snapshot_key
from ctv_ads.domain.inventory import Inventory
from ctv_ads.errors import DependencyUnavailableError, SnapshotCorruptError

_LOG = logging.getLogger(__name__)

# A snapshot has megabytes and is loaded once a change; players wait for two seconds.
_SNAPSHOT_TIMEOUT_MS = 1000


class ValkeyInventoryReader:
    """Implements `ports.InventoryReader`, keeping the last good inventory in memory."""

    def __init__(self, connection: RespConnection) -> None:
        self._connection = connection
        self._inventory: Inventory | None = None

    def current(self) -> Inventory:
        """Return the inventory in force; the last good one when Valkey fails or holds none."""
        try:
            self._refresh()
        except (DependencyUnavailableError, SnapshotCorruptError) as error:
            if self._inventory is None:
                raise
            _LOG.warning("serving the last good inventory: %s", error)
        if self._inventory is None:
            raise DependencyUnavailableError("valkey", "no inventory has been published yet")
        return self._inventory

    def _refresh(self) -> None:
        version = self._get(CURRENT_KEY)
        if version is None or (self._inventory and self._inventory.version == version.decode()):
            return
        published = self._get(snapshot_key(version.decode()), timeout_ms=_SNAPSHOT_TIMEOUT_MS)
        if published is None:
            raise SnapshotCorruptError(f"snapshot {version.decode()} is announced but missing")
        self._inventory = decode_inventory(version.decode(), published)

    def _get(self, key: str, *, timeout_ms: int | None = None) -> bytes | None:
        try:
            value: bytes | None = self._connection.call("GET", key, timeout_ms=timeout_ms)
        except RespError as error:  # such as LOADING, while Valkey restarts
            raise DependencyUnavailableError("valkey", str(error)) from error
        return value
