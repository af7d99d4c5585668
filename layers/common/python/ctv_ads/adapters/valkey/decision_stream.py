"""The streams of decisions as a queue: each batch is held by a consumer of its own until it is done.

Valkey keeps for each consumer of a group what it was given. A consumer that takes one batch only
is that batch's memory: who comes after a crash asks for it again and gets the same entries. It
does not matter if its first taker lives and goes on: both do the same work to the same end.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import redis

from ctv_ads.adapters.decision_notes import decode_note
from ctv_ads.adapters.valkey.pod_filler import read_outcome
from ctv_ads.domain.decision_record import DecisionRecord
from ctv_ads.domain.ids import DecisionId
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.archive import DecisionBatch, StreamedDecision
from ctv_ads.ports.base import NewId

_LOG = logging.getLogger(__name__)
_GROUP = "archive"
BATCH_SIZE = 5000
_PAGE = 500
_CLOCKS_DIFFER = timedelta(seconds=2)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ValkeyDecisionStream:
    """Implements `ports.DecisionStream`."""

    def __init__(
        self, client: redis.Redis, *, shards: int, new_id: NewId, batch_size: int = BATCH_SIZE
    ) -> None:
        self._client = client
        self._shards = shards
        self._new_id = new_id
        self._batch_size = batch_size

    def unfinished(self) -> Iterator[DecisionBatch]:
        """Yield the batches that were taken and not finished."""
        for shard in range(self._shards):
            for name, pending in self._consumers(shard):
                batch = self._read(shard, name, "0", pending) if pending else None
                if batch is not None:
                    yield batch
                else:
                    self._forget(shard, name)

    def take(self) -> Iterator[DecisionBatch]:
        """Yield what nobody has taken yet; a shard's last batch is one that is not full."""
        for shard in range(self._shards):
            size = self._batch_size
            while size == self._batch_size:
                name = self._new_id()
                batch = self._read(shard, name, ">", self._batch_size)
                if batch is None:
                    self._forget(shard, name)
                    break
                size = len(batch.entries) + batch.cut_off
                yield batch

    def finish(self, batch: DecisionBatch) -> None:
        """Never hand out this batch again."""
        ids = [entry.entry_id for entry in batch.entries]
        with _translated():
            for start in range(0, len(ids), 1000):
                self._client.xack(_key(batch.shard), _GROUP, *ids[start : start + 1000])
        self._forget(batch.shard, batch.name)

    def carried_out(self, batch: DecisionBatch) -> frozenset[DecisionId]:
        """Return which degraded decisions of the batch have a second record, of about their time."""
        notes = [entry.record.note for entry in batch.entries if entry.record is not None]
        sought = {one.decision_id: one.decided_at for one in notes if one.degraded is not None}
        found: set[DecisionId] = set()
        if sought:
            first = min(sought.values()) - _CLOCKS_DIFFER
            last = max(sought.values()) + _CLOCKS_DIFFER
            for shard in range(self._shards):
                for entry in self._made_between(shard, _ms(first), _ms(last)):
                    note = entry.record.note if entry.record is not None else None
                    if note is not None and note.degraded is None and note.decision_id in sought:
                        found.add(note.decision_id)
        return frozenset(found)

    def _made_between(self, shard: int, first_ms: int, last_ms: int) -> Iterator[StreamedDecision]:
        after = str(first_ms)
        while True:
            with _translated():
                page: Any = self._client.xrange(_key(shard), after, str(last_ms), count=_PAGE)
            yield from (_entry(entry_id.decode(), fields) for entry_id, fields in page)
            if len(page) < _PAGE:
                return
            after = f"({page[-1][0].decode()}"

    def cut_off(self) -> int:
        """Return how many entries the length of the streams has cost before they were read."""
        lost = 0
        for shard in range(self._shards):
            with _translated():
                if not self._client.exists(_key(shard)):
                    continue
                stream: Any = self._client.xinfo_stream(_key(shard))
                groups: Any = self._client.xinfo_groups(_key(shard))
            for group in groups:
                if group["name"] == _GROUP.encode() and group["entries-read"] is not None:
                    cut = stream["entries-added"] - stream["length"]
                    lost += max(0, cut - group["entries-read"])
        return lost

    def _consumers(self, shard: int) -> list[tuple[str, int]]:
        with _translated():
            try:
                found: Any = self._client.xinfo_consumers(_key(shard), _GROUP)
            except redis.ResponseError as error:
                if _is_missing(error):
                    return []
                raise
        return [(item["name"].decode(), item["pending"]) for item in found]

    def _read(self, shard: int, name: str, after: str, count: int) -> DecisionBatch | None:
        with _translated():
            try:
                answer = self._ask(shard, name, after, count)
            except redis.ResponseError as error:
                if not _is_missing(error):
                    raise
                self._make_group(shard)
                answer = self._ask(shard, name, after, count)
        rows = answer[0][1] if answer else []
        if not rows:
            return None
        entries = tuple(_entry(entry_id.decode(), fields) for entry_id, fields in rows)
        return DecisionBatch(name, shard, entries, sum(not fields for _, fields in rows))

    def _ask(self, shard: int, name: str, after: str, count: int) -> Any:  # noqa: ANN401 - lists in lists
        return self._client.xreadgroup(_GROUP, name, {_key(shard): after}, count=count)

    def _make_group(self, shard: int) -> None:
        try:
            # It begins with the first entry there ever was: what is gone by now counts as cut off.
            self._client.xgroup_create(_key(shard), _GROUP, "0", mkstream=True, entries_read=0)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):  # another run has made it meanwhile
                raise

    def _forget(self, shard: int, name: str) -> None:
        with _translated():
            try:
                self._client.xgroup_delconsumer(_key(shard), _GROUP, name)
            except redis.ResponseError as error:
                if not _is_missing(error):
                    raise


def _ms(at: datetime) -> int:
    return max((at - _EPOCH) // timedelta(milliseconds=1), 0)


def _key(shard: int) -> str:
    return f"rec:{{s{shard}}}"


def _is_missing(error: redis.ResponseError) -> bool:
    """Tell whether stream or group do not exist (any more): Valkey is new, or was emptied."""
    return str(error).startswith(("NOGROUP", "no such key", "The XGROUP subcommand requires"))


def _entry(entry_id: str, fields: dict[bytes, bytes] | None) -> StreamedDecision:
    if not fields or not fields[b"d"]:  # cut off, or asked for a placement that nobody knows
        return StreamedDecision(entry_id, None)
    try:
        record = DecisionRecord(decode_note(fields[b"d"]), read_outcome(fields[b"r"]))
    except ValueError as error:
        _LOG.error("entry %s is no decision: %s", entry_id, error)
        return StreamedDecision(entry_id, None)
    return StreamedDecision(entry_id, record)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn Valkey's errors into ours."""
    try:
        yield
    except redis.RedisError as error:
        raise DependencyUnavailableError("valkey", str(error)) from error
