"""Recent decisions, as the pod filler's function has written them into Valkey's streams."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice
from uuid import UUID

from ctv_ads.adapters.decision_notes import decode_note
from ctv_ads.adapters.valkey.pod_filler import read_outcome
from ctv_ads.adapters.valkey.resp import RespConnection, RespError
from ctv_ads.domain.decision_record import DecisionRecord
from ctv_ads.domain.ids import DecisionId, OrganizationId
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.decisions import DecisionFilter

_PAGE = 200
_LOOKED_AT = 10_000
"""Of each shard's stream; whoever wants to see further back filters or pages by time."""
_CLOCKS_DIFFER_MS = 60_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ValkeyDecisionRecords:
    """Implements `ports.DecisionRecords` for as long as the streams reach back."""

    def __init__(self, connection: RespConnection, *, shards: int = 1) -> None:
        self._connection = connection
        self._shards = shards

    def find(
        self, decision_id: DecisionId, organization_id: OrganizationId
    ) -> DecisionRecord | None:
        """Return that decision: its id says when it was made, and so where to look."""
        made_at_ms = UUID(decision_id).int >> 80
        first, last = made_at_ms - _CLOCKS_DIFFER_MS, made_at_ms + _CLOCKS_DIFFER_MS
        sought = decision_id.encode()
        for shard in range(self._shards):
            for record in self._between(shard, str(last), str(max(first, 0)), sought):
                if record.note.decision_id == decision_id:
                    is_theirs = record.note.organization_id == organization_id
                    return record if is_theirs else None
        return None

    def recent(self, wanted: DecisionFilter, *, limit: int) -> Sequence[DecisionRecord]:
        """Return recent decisions, the newest first."""
        last = "+"
        if wanted.before is not None:
            if wanted.before <= _EPOCH:  # no stream holds ids below zero
                return []
            last = f"({(wanted.before - _EPOCH) // timedelta(milliseconds=1)}"
        streams = [
            islice(self._between(shard, last, "-", wanted.organization_id.encode()), _LOOKED_AT)
            for shard in range(self._shards)
        ]
        newest_first = merge(*streams, key=lambda one: one.note.decided_at, reverse=True)
        return list(islice((one for one in newest_first if _is_wanted(one, wanted)), limit))

    def _between(
        self, shard: int, last: str, first: str, sought: bytes
    ) -> Iterator[DecisionRecord]:
        """Yield records that mention `sought`, the newest first."""
        key, looked_at = f"rec:{{s{shard}}}", 0
        while looked_at < _LOOKED_AT:
            try:
                page = self._connection.call("XREVRANGE", key, last, first, "COUNT", _PAGE)
            except RespError as error:
                raise DependencyUnavailableError("valkey", str(error)) from error
            for _, (_, blob, _, outcome) in page:
                if sought in blob:
                    yield DecisionRecord(decode_note(blob), read_outcome(outcome))
            if len(page) < _PAGE:
                return
            looked_at += len(page)
            last = "(" + page[-1][0].decode()


def _is_wanted(record: DecisionRecord, wanted: DecisionFilter) -> bool:
    note = record.note
    return (
        note.organization_id == wanted.organization_id
        and wanted.placement_id in {None, note.placement_id}
        and (wanted.line_item_id is None or wanted.line_item_id in note.candidates)
        and wanted.session_key in {None, note.request.viewer.session_key}
    )
