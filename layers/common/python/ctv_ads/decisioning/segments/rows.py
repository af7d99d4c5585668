"""Line items as rows of text: written when compiled, read when one is a candidate."""

import zlib
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import attrgetter
from typing import Any

import orjson

from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.companions import Tracker, TrackerEvent, UniversalAdId, Verification
from ctv_ads.domain.frequency import CapKey, CapScope, FrequencyCap
from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.inventory import Rendition, ServableCreative, ServableLineItem
from ctv_ads.domain.line_item import (
    CreativeRotation,
    Daypart,
    PodPosition,
    RateType,
    Separation,
    SeparationBy,
    SeparationExtent,
    Weekday,
)
from ctv_ads.domain.pace import Pacing
from ctv_ads.domain.targeting import Rule

ROWS_PER_CHUNK = 16
"""How many line items are unpacked to read one."""
_SAMPLE_BYTES = 8192
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_SEPARATOR = "\t"
# The id stands before the row. What is left of a budget changes with every impression, so it
# is no part of what is published: what cannot pay one more impression is not published at all.
_UNSAID = frozenset({"line_item_id", "remaining_micros"})


def to_ms(moment: datetime) -> int:
    """Return the milliseconds since 1970, whatever is below them cut off."""
    return (moment - _EPOCH) // _MS


def from_ms(ms: int) -> datetime:
    """Return the moment that many milliseconds after 1970."""
    return _EPOCH + ms * _MS


Films = dict[int, orjson.Fragment]
"""Creatives as text, by identity: the line items of a campaign mostly share theirs."""


def row_of(item: ServableLineItem, films: Films) -> str:
    """Return the line item as one line of text that begins with its id.

    `films` is good as long as the creatives live that it was filled with.
    """
    row = _values(item)
    row["starts_at"], row["ends_at"] = to_ms(item.starts_at), to_ms(item.ends_at)
    row["creatives"] = [_film(creative, films) for creative in item.creatives]
    return item.line_item_id + _SEPARATOR + _text(row).decode()


def _film(creative: ServableCreative, films: Films) -> orjson.Fragment:
    found = films.get(id(creative))
    if found is None:
        found = films[id(creative)] = orjson.Fragment(_text(_creative_row(creative)))
    return found


def _text(row: Mapping[str, Any]) -> bytes:
    return orjson.dumps(row, default=_values, option=orjson.OPT_PASSTHROUGH_DATACLASS)


def id_of_row(row: str) -> LineItemId:
    """Return whose row it is, without reading the rest."""
    return LineItemId(row.partition(_SEPARATOR)[0])


def line_item_of(row: str) -> ServableLineItem:
    """Return the line item that `row_of` wrote."""
    line_item_id, _, text = row.partition(_SEPARATOR)
    values = orjson.loads(text)
    for name, read in _LINE_ITEM_READERS.items():
        if name in values:
            values[name] = read(values[name])
    return ServableLineItem(
        line_item_id=LineItemId(line_item_id), remaining_micros=values["price_micros"], **values
    )


def packed_rows(rows: Sequence[str]) -> tuple[bytes, "array[int]", bytes]:
    """Return the sample that all chunks of rows are deflated with, where each ends, and all."""
    sample = "\n".join(rows[:: len(rows) // 16 + 1]).encode()[:_SAMPLE_BYTES]
    packed, ends = bytearray(), array("Q")
    for first in range(0, len(rows), ROWS_PER_CHUNK):
        packer = zlib.compressobj(zdict=sample)
        text = "\n".join(rows[first : first + ROWS_PER_CHUNK]).encode()
        packed += packer.compress(text) + packer.flush()
        ends.append(len(packed))
    return sample, ends, bytes(packed)


class PackedRows:
    """What `packed_rows` made, unpacked a chunk at a time."""

    __slots__ = ("_chunks", "_ends", "_sample")

    def __init__(self, sample: bytes, ends: memoryview, chunks: memoryview) -> None:
        self._sample = sample
        self._ends = ends
        self._chunks = chunks

    def row(self, rank: int) -> str:
        """Return one row."""
        return self._chunk(rank // ROWS_PER_CHUNK)[rank % ROWS_PER_CHUNK]

    def _chunk(self, number: int) -> list[str]:
        begin = self._ends[number - 1] if number else 0
        unpacker = zlib.decompressobj(zdict=self._sample)
        return unpacker.decompress(self._chunks[begin : self._ends[number]]).decode().split("\n")


def _creative_row(creative: ServableCreative) -> dict[str, Any]:
    row = _values(creative)
    for name in ("starts_at", "ends_at"):
        if name in row:
            row[name] = to_ms(row[name])
    return row


def _values(record: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass
    """Return the fields that differ from their defaults and are not told otherwise."""
    names, defaults, read = _fields(record.__class__)
    return {
        name: value
        for name, default, value in zip(names, defaults, read(record), strict=True)
        if value != default
    }


@cache
def _fields(
    kind: Any,  # noqa: ANN401 - any dataclass
) -> tuple[tuple[str, ...], tuple[object, ...], Callable[[Any], tuple[Any, ...]]]:
    """Return the names and defaults of a kind's fields, at least two, and what reads them all."""
    said = [item for item in fields(kind) if item.name not in _UNSAID]
    names = tuple(item.name for item in said)
    return names, tuple(map(_default, said)), attrgetter(*names)


def _default(item: Field[Any]) -> object:
    return item.default if item.default_factory is MISSING else item.default_factory()


def _creative(row: Mapping[str, Any]) -> ServableCreative:
    values = dict(row)
    for name, read in _CREATIVE_READERS.items():
        if name in values:
            values[name] = read(values[name])
    return ServableCreative(**values)


def _targeting(row: Mapping[str, Any]) -> dict[str, Rule]:
    return {
        name: Rule(tuple(rule.get("include", ())), tuple(rule.get("exclude", ())))
        for name, rule in row.items()
    }


def _daypart(row: Mapping[str, Any]) -> Daypart:
    return Daypart(tuple(map(Weekday, row["days"])), row["from_min"], row["to_min"])


def _cap(row: Mapping[str, Any]) -> FrequencyCap:
    return FrequencyCap(row["limit"], row["window_ms"], CapScope(row["scope"]), CapKey(row["key"]))


def _separation(row: Mapping[str, Any]) -> Separation:
    return Separation(SeparationBy(row["by"]), SeparationExtent(row["extent"]))


def _tracker(row: Mapping[str, Any]) -> Tracker:
    return Tracker(TrackerEvent(row["event"]), row["url"])


_CREATIVE_READERS: Mapping[str, Any] = {
    "universal_ad_id": lambda row: UniversalAdId(**row),
    "trackers": lambda rows: tuple(map(_tracker, rows)),
    "verifications": lambda rows: tuple(Verification(**row) for row in rows),
    "renditions": lambda rows: tuple(Rendition(**row) for row in rows),
    "starts_at": from_ms,
    "ends_at": from_ms,
}
_LINE_ITEM_READERS: Mapping[str, Any] = {
    "starts_at": from_ms,
    "ends_at": from_ms,
    "creatives": lambda rows: tuple(map(_creative, rows)),
    "type": LineItemType,
    "rate_type": RateType,
    "dayparts": lambda rows: tuple(map(_daypart, rows)),
    "targeting": _targeting,
    "frequency_caps": lambda rows: tuple(map(_cap, rows)),
    "counted_caps": lambda rows: tuple(map(_cap, rows)),
    "separation": lambda rows: tuple(map(_separation, rows)),
    "creative_rotation": CreativeRotation,
    "pacing": Pacing,
    "pod_position": PodPosition,
}
