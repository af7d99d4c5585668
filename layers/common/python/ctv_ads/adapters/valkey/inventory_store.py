"""Publishing the inventory to Valkey."""

import logging
from collections.abc import Mapping
from contextlib import suppress

import redis

from ctv_ads.adapters.valkey.snapshot import (
    CURRENT_KEY,
    VERSION_FIELD,
    built_at_of,
    content_of,
    decode_marks,
    decode_root,
    encode_marks,
    encode_root,
    has_content,
    marks_key,
    name_of,
    root_key,
    segment_key,
    tokens_key,
    version_of,
)
from ctv_ads.decisioning.segments.changes import Changes, Marks
from ctv_ads.decisioning.segments.compile import compile_segment
from ctv_ads.decisioning.segments.snapshot import PublishedSegments
from ctv_ads.domain.ids import OrganizationId
from ctv_ads.domain.inventory import Inventory
from ctv_ads.errors import DependencyUnavailableError, SnapshotCorruptError
from ctv_ads.ports.pipeline import InventoryReading, OrganizationReading

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
    """Implements `ports.InventoryStore` and `ports.SnapshotDocuments`. `shards` is over how many hashes tokens are spread.

    What is needed of the version in force is renewed at every publication; what no version needs
    any more goes by itself.
    """

    def __init__(self, client: redis.Redis, *, shards: int = 1) -> None:
        self._client = client
        self._shards = shards
        self._names: dict[OrganizationId, str] = {}
        self._marks: dict[str, Marks] = {}

    def bases(self) -> Mapping[OrganizationId, Marks]:
        """Return the marks of all segments that are compiled, and still there."""
        try:
            self._names = self._bases()
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise DependencyUnavailableError("valkey", str(error)) from error
        needed = set(self._names.values())
        self._marks = {name: marks for name, marks in self._marks.items() if name in needed}
        return {key: self._marks[name] for key, name in self._names.items()}

    def publish(self, inventory: Inventory) -> str:
        """Store all of the inventory; return the version in force."""
        return self.publish_changes(InventoryReading.of(inventory))

    def publish_changes(self, reading: InventoryReading) -> str:
        """Store what has changed, make it current unless a newer version is, return the current.

        What says the same as the current one, and is still there, is not published anew. The
        version is announced to decisions last, when everything that it names can be read.
        """
        try:
            segments = {key: self._keep(key, one) for key, one in reading.organizations.items()}
            content = content_of(reading.placements, segments)
            in_force = self._in_force()
            is_same = in_force is not None and has_content(in_force, content)
            built_at = built_at_of(in_force) if in_force and is_same else reading.built_at
            # The same again mends a root that is damaged or missing, and keeps it for longer.
            root = encode_root(built_at, content)
            in_force = self._replace(version_of(built_at, content), root)
            for shard in range(self._shards):
                self._client.eval(_ANNOUNCE, 1, tokens_key(shard), VERSION_FIELD, in_force)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise DependencyUnavailableError("valkey", str(error)) from error
        return in_force

    def root(self, version: str) -> bytes:
        """Return that version's root as it was published."""
        return self._document(root_key(version))

    def segment(self, name: str) -> bytes:
        """Return a compiled segment as it was published."""
        return self._document(segment_key(name))

    def _document(self, key: str) -> bytes:
        try:
            found = self._client.get(key)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise DependencyUnavailableError("valkey", str(error)) from error
        if not isinstance(found, bytes):
            raise SnapshotCorruptError(f"{key} is not there any more")
        return found

    def _bases(self) -> dict[OrganizationId, str]:
        in_force = self._in_force()
        published = None if in_force is None else self._client.get(root_key(in_force))
        if in_force is None or not isinstance(published, bytes):
            return {}
        names = {}
        # A damaged root, or one of another version of the product: everything is compiled anew.
        with suppress(SnapshotCorruptError):
            for key, segments in decode_root(in_force, published).segments.items():
                if self._is_base(segments.base):
                    names[key] = segments.base
        return names

    def _is_base(self, name: str) -> bool:
        """Tell whether the segment is there, with marks to tell changes against.

        Its bytes are looked at once by each process, for they may be damaged.
        """
        if name in self._marks:
            return bool(self._client.exists(segment_key(name)))
        segment = self._client.get(segment_key(name))
        if not isinstance(segment, bytes) or name_of(segment) != name:
            return False
        kept = self._client.get(marks_key(name))
        marks = decode_marks(kept) if isinstance(kept, bytes) else None
        if marks is None:
            return False
        self._marks[name] = marks
        return True

    def _keep(self, key: OrganizationId, read: OrganizationReading) -> PublishedSegments:
        if read.changes is None:
            name = self._store(compile_segment(read.line_items))
            marks = encode_marks(read.marks)
            self._client.set(marks_key(name), marks, ex=_KEEP_SNAPSHOT_S)
            return PublishedSegments(name)
        base = self._names[key]
        for kept in (segment_key(base), marks_key(base)):
            self._client.expire(kept, _KEEP_SNAPSHOT_S)
        if read.changes == Changes((), ()):
            return PublishedSegments(base)
        overlay = self._store(compile_segment(read.line_items)) if read.line_items else None
        return PublishedSegments(base, overlay, read.changes.removed)

    def _store(self, segment: bytes) -> str:
        name = name_of(segment)
        self._client.set(segment_key(name), segment, ex=_KEEP_SNAPSHOT_S)
        return name

    def _in_force(self) -> str | None:
        version = self._client.get(CURRENT_KEY)
        return version.decode() if isinstance(version, bytes) else None

    def _replace(self, version: str, root: bytes) -> str:
        keys = (CURRENT_KEY, root_key(version))
        current = self._client.eval(_PUBLISH, len(keys), *keys, version, root, _KEEP_SNAPSHOT_S)
        in_force = bytes(current).decode()
        if in_force != version:
            # Overlapping publishers, or somebody's clock was ahead: the newer one stays.
            _LOG.error("inventory %s was not published: %s is in force", version, in_force)
        return in_force
