"""Recent decisions, as the pod filler's function has written them into Valkey's streams."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from heapq import merge
from typing import Any, NamedTuple
from uuid import UUID

from ctv_ads.adapters.decision_notes import decode_note
from ctv_ads.adapters.valkey.held_decisions import entered_key
from ctv_ads.adapters.valkey.pod_filler import read_outcome
from ctv_ads.adapters.valkey.resp import RespConnection, RespError
from ctv_ads.domain.decision_record import DecisionRecord
from ctv_ads.domain.ids import DecisionId, OrganizationId
from ctv_ads.errors import DependencyUnavailableError, FieldProblem, InvalidRequestError
from ctv_ads.ports.decisions import DecisionFilter, RecentDecisions

_PAGE = 500
LOOKED_AT = 20_000
"""Decisions of all organizations that one call looks at, in all shards together."""
_CLOCKS_DIFFER_MS = 60_000
_NEAR_MS = ((-1_000, 2_000), (-10_000, 10_000), (-_CLOCKS_DIFFER_MS, _CLOCKS_DIFFER_MS))
"""Where an entry is looked for, around the time in its decision's id: each wider than the last."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"(\d{1,15})-(\d{1,15})-(\d{1,4})")


class _Entry(NamedTuple):
    """An entry of a stream, in the order in which all shards' entries are looked at."""

    at_ms: int
    number: int
    shard: int
    note: bytes
    outcome: bytes

    def record(self) -> DecisionRecord:
        return DecisionRecord(decode_note(self.note), read_outcome(self.outcome))


class ValkeyDecisionRecords:
    """Implements `ports.DecisionRecords` for as long as the streams reach back."""

    def __init__(
        self, connection: RespConnection, *, shards: int = 1, looked_at: int = LOOKED_AT
    ) -> None:
        """Read over `connection`; `recent` looks at `looked_at` decisions of everybody at most."""
        self._connection = connection
        self._shards = shards
        self._looked_at = looked_at

    def find(
        self, decision_id: DecisionId, organization_id: OrganizationId
    ) -> DecisionRecord | None:
        """Return that decision: its id says when it was made, and so where to look.

        However many there are around that time, all are looked at before it is said not to be there.
        """
        entered_at_ms = self.entered_at_ms(decision_id)
        if entered_at_ms is not None:
            return self._find(decision_id, organization_id, entered_at_ms, ((0, 0),))
        made_at_ms = UUID(decision_id).int >> 80
        return self._find(decision_id, organization_id, made_at_ms, _NEAR_MS)

    def entered_at_ms(self, decision_id: DecisionId) -> int | None:
        """Return when a decision came that came late, because it was made without Valkey."""
        entry_id = self._call("GET", entered_key(decision_id))
        return int(entry_id.partition(b"-")[0]) if entry_id else None

    def _find(
        self,
        decision_id: DecisionId,
        organization_id: OrganizationId,
        made_at_ms: int,
        near_ms: tuple[tuple[int, int], ...],
    ) -> DecisionRecord | None:
        sought = decision_id.encode()
        looked_from, looked_to = made_at_ms, made_at_ms - 1
        for before_ms, after_ms in near_ms:
            first, last = max(made_at_ms + before_ms, 0), made_at_ms + after_ms
            for span in ((first, looked_from - 1), (looked_to + 1, last)):
                for entry in self._between(*span):
                    if sought in entry.note:
                        record = entry.record()
                        if record.note.decision_id == decision_id:
                            is_theirs = record.note.organization_id == organization_id
                            return record if is_theirs else None
            looked_from, looked_to = first, last
        return None

    def recent(
        self, wanted: DecisionFilter, *, limit: int, cursor: str | None = None
    ) -> RecentDecisions:
        """Return recent decisions, the newest first."""
        if wanted.before is not None and wanted.before <= _EPOCH:
            return RecentDecisions([])  # no stream holds ids below zero
        lasts = [_last(wanted.before, cursor, shard) for shard in range(self._shards)]
        streams = [self._entries(shard, last, "-") for shard, last in enumerate(lasts)]
        sought = wanted.organization_id.encode()
        found: list[DecisionRecord] = []
        entry = None
        for looked_at, entry in enumerate(merge(*streams, key=_place, reverse=True), 1):
            if sought in entry.note:
                record = entry.record()
                if _is_wanted(record, wanted):
                    found.append(record)
            if len(found) == limit or looked_at == self._looked_at:
                following = f"{entry.at_ms}-{entry.number}-{entry.shard}"
                return RecentDecisions(found, _moment(entry), following)
        return RecentDecisions(found, None if entry is None else _moment(entry))

    def _between(self, first_ms: int, last_ms: int) -> Iterator[_Entry]:
        """Yield the entries of these milliseconds, both included, of all shards."""
        if first_ms <= last_ms:
            for shard in range(self._shards):
                yield from self._entries(shard, str(last_ms), str(first_ms))

    def _entries(self, shard: int, last: str, first: str) -> Iterator[_Entry]:
        """Yield a shard's entries, the newest first."""
        key = f"rec:{{s{shard}}}"
        while True:
            page = self._call("XREVRANGE", key, last, first, "COUNT", _PAGE)
            for entry_id, (_, note, _, outcome) in page:
                at_ms, _, number = entry_id.partition(b"-")
                yield _Entry(int(at_ms), int(number), shard, note, outcome)
            if len(page) < _PAGE:
                return
            last = "(" + page[-1][0].decode()

    def _call(self, *command: str | int) -> Any:  # noqa: ANN401 - replies are of many types
        try:
            return self._connection.call(*command)
        except RespError as error:
            raise DependencyUnavailableError("valkey", str(error)) from error


def _place(entry: _Entry) -> tuple[int, int, int]:
    return entry[:3]


def _moment(entry: _Entry) -> datetime:
    return _EPOCH + timedelta(milliseconds=entry.at_ms)


def _last(before: datetime | None, cursor: str | None, shard: int) -> str:
    """Return what a shard is read back from."""
    if cursor is None:
        return "+" if before is None else f"({(before - _EPOCH) // timedelta(milliseconds=1)}"
    parts = _CURSOR.fullmatch(cursor)
    if parts is None:
        problem = FieldProblem("cursor", "bad_cursor", "it is not a cursor of this API")
        raise InvalidRequestError("the cursor is wrong", [problem])
    # Of entries with the same id, those of the higher shard were looked at first.
    is_left = shard < int(parts[3])
    return f"{'' if is_left else '('}{parts[1]}-{parts[2]}"


def _is_wanted(record: DecisionRecord, wanted: DecisionFilter) -> bool:
    note = record.note
    return (
        note.organization_id == wanted.organization_id
        and wanted.placement_id in {None, note.placement_id}
        and (wanted.line_item_id is None or wanted.line_item_id in note.candidates)
        and (wanted.session_keys is None or note.request.viewer.session_key in wanted.session_keys)
    )
