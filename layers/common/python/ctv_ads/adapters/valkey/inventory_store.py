"""Publishing the inventory to Valkey."""

import logging
from collections.abc import Mapping

import redis

from ctv_ads.adapters.valkey.snapshot import (
    CURRENT_KEY,
    VERSION_FIELD,
    content_of,
    encode_root,
    has_content,
    name_of,
    root_key,
    segment_key,
    tokens_key,
    version_of,
)
from ctv_ads.decisioning.segments.compile import compile_segment
from ctv_ads.decisioning.segments.snapshot import PublishedSegments
from ctv_ads.domain.ids import OrganizationId
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
_ANNOUNCE = """
local current = redis.call('HGET', KEYS[1], ARGV[1])
if not current or current < ARGV[2] then
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
"""


class ValkeyInventoryStore:
    """Implements `ports.InventoryStore`. `shards` is over how many hashes tokens are spread."""

    def __init__(self, client: redis.Redis, *, shards: int = 1) -> None:
        self._client = client
        self._shards = shards

    def publish(self, inventory: Inventory) -> str:
        """Store the inventory, make it current unless a newer one is, and return the current.

        What says the same as the current one, and is still there, is not published anew.
        """
        compiled = {
            organization: compile_segment(items)
            for organization, items in inventory.line_items.items()
        }
        try:
            return self._publish(inventory, compiled)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise DependencyUnavailableError("valkey", str(error)) from error

    def _publish(self, inventory: Inventory, compiled: Mapping[OrganizationId, bytes]) -> str:
        names = {organization: name_of(segment) for organization, segment in compiled.items()}
        for organization, segment in compiled.items():
            self._keep(segment_key(names[organization]), segment)
        segments = {organization: PublishedSegments(name) for organization, name in names.items()}
        content = content_of(inventory.placements, segments)
        in_force = self._in_force()
        if in_force is None or not has_content(in_force, content) or not self._renew(in_force):
            version = version_of(inventory.built_at, content)
            in_force = self._replace(version, encode_root(inventory.built_at, content))
        for shard in range(self._shards):
            self._client.eval(_ANNOUNCE, 1, tokens_key(shard), VERSION_FIELD, in_force)
        return in_force

    def _in_force(self) -> str | None:
        version = self._client.get(CURRENT_KEY)
        return version.decode() if isinstance(version, bytes) else None

    def _renew(self, version: str) -> bool:
        """Keep that version's root for longer; False when it is not there."""
        return bool(self._client.expire(root_key(version), _KEEP_SNAPSHOT_S))

    def _keep(self, key: str, segment: bytes) -> None:
        if not self._client.expire(key, _KEEP_SNAPSHOT_S):
            self._client.set(key, segment, ex=_KEEP_SNAPSHOT_S)

    def _replace(self, version: str, root: bytes) -> str:
        keys = (CURRENT_KEY, root_key(version))
        current = self._client.eval(_PUBLISH, len(keys), *keys, version, root, _KEEP_SNAPSHOT_S)
        in_force = bytes(current).decode()
        if in_force != version:
            # Overlapping publishers, or somebody's clock was ahead: the newer one stays.
            _LOG.error("inventory %s was not published: %s is in force", version, in_force)
        return in_force
