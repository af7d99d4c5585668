"""Publishing the inventory to Valkey."""

import logging

import redis

from ctv_ads.adapters.valkey.snapshot import CURRENT_KEY, encode_inventory, snapshot_key
from ctv_ads.domain.inventory import Inventory
from ctv_ads.errors import DependencyUnavailableError

_LOG = logging.getLogger(__name__)
_KEEP_SNAPSHOT_S = 24 * 3600
# Two publishers may overlap; versions grow with time, and the older one must not win.
_PUBLISH = """
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
local current = redis.call('GET', KEYS[1])
if not current or current < ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[1])
    return ARGV[1]
end
return current
"""


class ValkeyInventoryStore:
    """Implements `ports.InventoryStore`."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def publish(self, inventory: Inventory) -> str:
        """Store the inventory, make it current unless a newer one is, and return the current."""
        version, published = encode_inventory(inventory)
        keys = (CURRENT_KEY, snapshot_key(version))
        try:
            current = self._client.eval(
                _PUBLISH, len(keys), *keys, version, published, _KEEP_SNAPSHOT_S
            )
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise DependencyUnavailableError("valkey", str(error)) from error
        in_force = bytes(current).decode()
        if in_force != version:
            # Overlapping publishers, or somebody's clock was ahead: the newer one stays.
            _LOG.error("inventory %s was not published: %s is in force", version, in_force)
        return in_force
