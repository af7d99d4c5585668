"""Carry decisions out of Valkey: their records into the archive, their counts to the statistics.

Each step may run twice: an object and a message of counts have names that follow from the batch,
and a batch that was not finished is taken again as it was. So a crash loses and doubles nothing.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID, uuid5

from ctv_ads.decisioning.count_decisions import MadeDecision, counted, opportunities_in
from ctv_ads.decisioning.repeat_pod import NotRepeatableError, no_fill_again, picked_again
from ctv_ads.decisioning.segments.index import LineItemIndex
from ctv_ads.domain.decision_record import DecisionRecord
from ctv_ads.domain.delivery import DecidedCounts, DecidedRow
from ctv_ads.domain.ids import CreativeId, LineItemId, OrganizationId
from ctv_ads.errors import SnapshotCorruptError
from ctv_ads.ports.archive import (
    DecidedCountsQueue,
    DecisionArchive,
    DecisionBatch,
    DecisionStream,
    StreamedDecision,
)
from ctv_ads.ports.decisions import InventoryHistory, PastInventory

_LOG = logging.getLogger(__name__)
_MESSAGES = UUID("6f0c3f4e-58e6-5d8b-9a0e-3d5e1b0a7c11")
"""Names the messages of counts (RFC 9562 section 5.5)."""
KEYS_AT_ONCE = 100
ROWS_IN_MESSAGE = 600
"""SQS takes 262,144 bytes, and a row has at most 400 (`domain/delivery.py`)."""
WHOLE_BP = 10_000
BUSY_FROM = 20_000
"""Decisions of a minute, from which on a run goes on: a fifth of what a stream keeps."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What one run has done. `lost` entries were cut from the stream before they were read."""

    decisions: int = 0
    archived: int = 0
    messages: int = 0
    without_creative: int = 0
    lost: int = 0

    def __add__(self, other: "Drained") -> "Drained":
        """Return the sum of both."""
        return Drained(
            self.decisions + other.decisions,
            self.archived + other.archived,
            self.messages + other.messages,
            self.without_creative + other.without_creative,
            self.lost + other.lost,
        )


@dataclass(frozen=True, slots=True)
class DrainDecisions:
    """Drains every shard's stream. Several may run at once."""

    stream: DecisionStream
    archive: DecisionArchive
    counts: DecidedCountsQueue
    history: InventoryHistory
    kept_bp: int = WHOLE_BP
    """How many of 10,000 decisions are archived. All are counted."""
    busy_from: int = BUSY_FROM

    def __call__(
        self, *, has_time: Callable[[], bool], pause: Callable[[], None] | None = None
    ) -> Drained:
        """Drain until little is left or time is up.

        When there was much, it waits with `pause` and drains again while it has time: the streams
        then need not hold what comes in a minute, only what comes in a pause.

        Raises:
            DependencyUnavailableError: something does not answer; the next run goes on here.
        """
        done = self._round(has_time)
        if pause is not None and done.decisions >= self.busy_from:
            while has_time():
                pause()
                done += self._round(has_time)
        return done

    def _round(self, has_time: Callable[[], bool]) -> Drained:
        done = Drained(lost=self.stream.cut_off())
        for batches in (self.stream.unfinished(), self.stream.take()):
            while has_time():
                batch = next(batches, None)
                if batch is None:
                    break
                done += self._carry(batch)
                self.stream.finish(batch)
        return done

    def _carry(self, batch: DecisionBatch) -> Drained:
        chosen = [one for one in batch.entries if is_kept(one, self.kept_bp)]
        self.archive.keep(batch.span, chosen)
        inventories = _Inventories(self.history)
        twice = self.stream.carried_out(batch)
        records = [entry.record for entry in batch.entries if entry.record is not None]
        made = [
            _made(one, inventories)
            for one in records
            if one.note.degraded is None or one.note.decision_id not in twice
        ]
        messages = 0
        for message in messages_of(batch.span, made):
            self.counts.send(message)
            messages += 1
        unknown = sum(creative is None for one in made for _, creative in one.served)
        return Drained(len(made), len(chosen), messages, unknown, batch.cut_off)


def is_kept(entry: StreamedDecision, kept_bp: int) -> bool:
    """Tell whether this decision is archived: always the same, by the chance in its id."""
    if entry.record is None:
        return False
    return UUID(entry.record.note.decision_id).int % WHOLE_BP < kept_bp


def messages_of(span: str, decisions: Iterable[MadeDecision]) -> Iterator[DecidedCounts]:
    """Yield the messages that count a batch's decisions, with the same ids always."""
    for number, rows in enumerate(counted(decisions, keys_at_once=KEYS_AT_ONCE)):
        for start in range(0, len(rows), ROWS_IN_MESSAGE):
            part: tuple[DecidedRow, ...] = tuple(rows[start : start + ROWS_IN_MESSAGE])
            yield DecidedCounts(str(uuid5(_MESSAGES, f"{span}/{number}/{start}")), part)


class _Inventories:
    """Past inventories as one batch needs them: each is read once."""

    def __init__(self, history: InventoryHistory) -> None:
        self._history = history
        self._by_version: dict[str, PastInventory | None] = {}
        self._indexes: dict[tuple[str, OrganizationId], LineItemIndex | None] = {}

    def of_version(self, version: str) -> PastInventory | None:
        if version not in self._by_version:
            try:
                self._by_version[version] = self._history.load(version)
            except SnapshotCorruptError as error:
                _LOG.warning("inventory %s counts as gone: %s", version, error)
                self._by_version[version] = None
        return self._by_version[version]

    def line_items(self, version: str, organization_id: OrganizationId) -> LineItemIndex | None:
        key = (version, organization_id)
        if key not in self._indexes:
            inventory = self.of_version(version)
            try:
                found = None if inventory is None else inventory.line_items(organization_id)
                self._indexes[key] = found
            except SnapshotCorruptError as error:
                _LOG.warning("line items of %s count as gone: %s", version, error)
                self._indexes[key] = None
        return self._indexes[key]


def _made(record: DecisionRecord, inventories: _Inventories) -> MadeDecision:
    note = record.note
    inventory = inventories.of_version(note.snapshot_version)
    placement = None
    if inventory is not None:
        placement = inventory.snapshot.placements.get(note.placement_id)
    served: tuple[tuple[LineItemId, CreativeId | None], ...]
    served = tuple((name, None) for name in record.shown)
    index = inventories.line_items(note.snapshot_version, note.organization_id)
    if placement is not None and index is not None:
        try:
            served = picked_again(index, record, placement)
        except NotRepeatableError as error:
            _LOG.warning("decision %s is counted without creatives: %s", note.decision_id, error)
    return MadeDecision(
        decided_at=note.decided_at,
        placement_id=note.placement_id,
        country=note.request.viewer.country or "",
        device_type=note.request.viewer.device_type or "",
        opportunities=opportunities_in(note.request.ad_break, placement),
        served=served,
        no_fill=no_fill_again(index, record, placement),
    )
