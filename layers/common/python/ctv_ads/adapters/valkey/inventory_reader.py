"""Reading the published inventory: from memory, and from Valkey only what has changed."""

import logging
from collections.abc import Callable
from time import monotonic
from typing import NamedTuple, TypeVar

from ctv_ads.adapters.valkey.resp import RespConnection, RespError
from ctv_ads.adapters.valkey.snapshot import (
    CURRENT_KEY,
    decode_root,
    decode_segment,
    root_key,
    segment_key,
    segment_names,
)
from ctv_ads.decisioning.segments.index import LineItemIndex
from ctv_ads.decisioning.segments.layers import Layer
from ctv_ads.decisioning.segments.segment import Segment
from ctv_ads.decisioning.segments.snapshot import PublishedSegments, Snapshot
from ctv_ads.domain.ids import OrganizationId
from ctv_ads.errors import DependencyUnavailableError, SnapshotCorruptError

_LOG = logging.getLogger(__name__)
_Loaded = TypeVar("_Loaded")

# A snapshot has megabytes and is loaded once a change; players wait for two seconds.
_SNAPSHOT_TIMEOUT_MS = 1000
REFUSED_FOR_S = 5.0
"""How long what is damaged or missing is not fetched again. Whoever publishes mends it."""


class _Refused(NamedTuple):
    """Until when something is not tried again, by a clock that only goes on, and why."""

    until_s: float
    why: str


class ValkeySnapshotReader:
    """Implements `ports.SnapshotReader`, keeping the last good snapshot in memory.

    A snapshot is taken whole or not at all: the line items of all organizations that this
    process has served are loaded with it. What was refused is remembered for some seconds, or
    every request until the next publication would fetch and hash it.
    """

    def __init__(
        self, connection: RespConnection, *, clock_s: Callable[[], float] = monotonic
    ) -> None:
        self._connection = connection
        self._clock_s = clock_s
        self._refused: dict[str, _Refused] = {}
        self._passed_over: str | None = None
        self._snapshot: Snapshot | None = None
        self._indexes: dict[OrganizationId, LineItemIndex] = {}
        self._segments: dict[str, Segment] = {}

    def current(self) -> Snapshot:
        """Return the snapshot in memory; the first call loads the one in force."""
        return self._snapshot or self.refresh()

    def refresh(self, version: str | None = None) -> Snapshot:
        """Load that version, or whichever is in force; the last good one stays if that fails."""
        try:
            self._refresh(version)
        except (DependencyUnavailableError, SnapshotCorruptError) as error:
            if self._snapshot is None:
                raise
            _LOG.warning("serving the last good inventory: %s", error)
        if self._snapshot is None:
            raise DependencyUnavailableError("valkey", "no inventory has been published yet")
        return self._snapshot

    def known_version(self) -> str | None:
        """Return the version that is taken to be in force; see the port."""
        if self._passed_over is not None:
            if self._is_refused(self._passed_over):
                return self._passed_over
            self._passed_over = None
        return None if self._snapshot is None else self._snapshot.version

    def line_items(self, organization_id: OrganizationId) -> LineItemIndex:
        """Return that organization's line items of the current snapshot, loaded on first use."""
        found = self._indexes.get(organization_id)
        if found is None:
            snapshot = self.current()
            try:
                found = self._index_of(organization_id)
            except SnapshotCorruptError:
                # Perhaps they went with their snapshot, which is over.
                self._refresh(None)
                if self._snapshot is snapshot:
                    raise
                found = self._index_of(organization_id)
            self._indexes[organization_id] = found
        return found

    def _index_of(self, organization_id: OrganizationId) -> LineItemIndex:
        names = self.current().segments.get(organization_id)
        return LineItemIndex() if names is None else self._index(names, self._segments)

    def _refresh(self, version: str | None) -> None:
        in_force = version or self._version_in_force()
        if in_force is None:
            return
        if self._snapshot is None or self._snapshot.version != in_force:
            try:
                self._unless_refused(in_force, self._take)
            except SnapshotCorruptError:
                self._passed_over = in_force
                raise
        self._passed_over = None

    def _take(self, in_force: str) -> None:
        published = self._get(root_key(in_force))
        if published is None:
            raise SnapshotCorruptError(f"snapshot {in_force} is announced but missing")
        snapshot = decode_root(in_force, published)
        segments, indexes = dict(self._segments), {}
        for organization_id in self._indexes:
            names = snapshot.segments.get(organization_id)
            if names is not None:
                indexes[organization_id] = self._index(names, segments)
        needed = {name for names in snapshot.segments.values() for name in segment_names(names)}
        self._segments = {name: found for name, found in segments.items() if name in needed}
        self._snapshot, self._indexes = snapshot, indexes

    def _index(self, names: PublishedSegments, loaded: dict[str, Segment]) -> LineItemIndex:
        layers = []
        for name in segment_names(names):
            if name not in loaded:
                loaded[name] = self._unless_refused(name, self._load)
            removed = names.removed if name == names.base else ()
            layers.append(Layer(loaded[name], removed))
        return LineItemIndex(layers)

    def _unless_refused(self, name: str, load: Callable[[str], _Loaded]) -> _Loaded:
        """Load that root or segment, or say at once what kept it from being taken a moment ago."""
        if self._is_refused(name):
            raise SnapshotCorruptError(self._refused[name].why)
        try:
            return load(name)
        except SnapshotCorruptError as error:
            now_s = self._clock_s()
            self._refused = {key: one for key, one in self._refused.items() if now_s < one.until_s}
            self._refused[name] = _Refused(now_s + REFUSED_FOR_S, str(error))
            raise

    def _is_refused(self, name: str) -> bool:
        refused = self._refused.get(name)
        return refused is not None and self._clock_s() < refused.until_s

    def _load(self, name: str) -> Segment:
        published = self._get(segment_key(name))
        if published is None:
            raise SnapshotCorruptError(f"segment {name} is announced but missing")
        return decode_segment(name, published)

    def _version_in_force(self) -> str | None:
        version = self._get(CURRENT_KEY)
        return None if version is None else version.decode()

    def _get(self, key: str) -> bytes | None:
        timeout_ms = None if key == CURRENT_KEY else _SNAPSHOT_TIMEOUT_MS
        try:
            value: bytes | None = self._connection.call("GET", key, timeout_ms=timeout_ms)
        except RespError as error:  # such as LOADING, while Valkey restarts
            raise DependencyUnavailableError("valkey", str(error)) from error
        return value
