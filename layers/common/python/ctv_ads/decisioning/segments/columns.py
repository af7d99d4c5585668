"""The bytes of a compiled segment: a table of contents, and columns that are read in place.

Little-endian, as every machine that this runs on. Nothing is parsed on loading but the table
of contents; a list of ranks is stored as numbers or as a bitmap, whichever is smaller.
"""

import json
import struct
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MAGIC = b"CTVS\x03\x00\x00\x00"
FORMAT = 3
_LENGTH = struct.Struct("<Q")
_ALIGNMENT = 8
_BITMAP = -1

NONE = (0, 0)
"""The reference of an empty list of ranks."""
ListRef = Sequence[int]
"""Offset and count in the column of ranks; a count of -1 means a bitmap at that byte."""


class ColumnsWriter:
    """Collects lists of ranks, and puts them behind a table of contents."""

    def __init__(self, size: int) -> None:
        """Begin a segment of that many line items."""
        self._size = size
        self._ranks = array("I")
        self._bitmaps = bytearray()

    def add(self, ranks: Sequence[int]) -> tuple[int, int]:
        """Store ascending ranks and return their reference."""
        if not ranks:
            return NONE
        if len(ranks) * 32 > self._size:
            reference = (len(self._bitmaps), _BITMAP)
            self._bitmaps += bytes_of_bits(ranks, 0, self._size)
            return reference
        reference = (len(self._ranks), len(ranks))
        self._ranks.extend(ranks)
        return reference

    def pack(self, contents: Mapping[str, Any], **others: "array[int] | bytes") -> bytes:
        """Return everything as bytes: what was added, and the columns given by name."""
        parts, places = [], {}
        offset = 0
        for name, column in {"ranks": self._ranks, "bitmaps": self._bitmaps, **others}.items():
            data = bytes(memoryview(column).cast("B"))
            places[name] = (offset, len(data), _type_of(column))
            padding = -len(data) % _ALIGNMENT
            parts.append(data + bytes(padding))
            offset += len(data) + padding
        table = json.dumps({**contents, "columns": places}, separators=(",", ":")).encode()
        table += b" " * (-len(table) % _ALIGNMENT)
        return b"".join((MAGIC, _LENGTH.pack(len(table)), table, *parts))


class Columns:
    """A segment's columns, read where they lie."""

    __slots__ = ("_bitmaps", "_data", "_places", "_ranks", "contents")

    def __init__(self, data: bytes) -> None:
        """Read the table of contents.

        Raises:
            ValueError: these are not the bytes of a segment of this format.
        """
        begin = len(MAGIC) + _LENGTH.size
        if not data.startswith(MAGIC) or len(data) < begin:
            raise ValueError("not a compiled segment of this format")
        (length,) = _LENGTH.unpack_from(data, len(MAGIC))
        self.contents: dict[str, Any] = json.loads(data[begin : begin + length])
        self._data = memoryview(data)[begin + length :]
        self._places = self.contents["columns"]
        self._ranks = self.column("ranks")
        self._bitmaps = self.column("bitmaps")

    def column(self, name: str) -> memoryview:
        """Return the column of that name: numbers of the type that they were stored as."""
        offset, length, kind = self._places[name]
        return self._data[offset : offset + length].cast(kind)

    def bits(self, reference: ListRef, low: int, high: int) -> int:
        """Return which ranks of `[low, high)` the list holds, bit 0 standing for `low`."""
        offset, count = reference
        if count == _BITMAP:
            first = offset + low // 8
            whole = int.from_bytes(self._bitmaps[first : offset + (high + 7) // 8], "little")
            return whole >> low % 8 & (1 << high - low) - 1
        end = offset + count
        begin = bisect_left(self._ranks, low, offset, end)
        stop = bisect_left(self._ranks, high, begin, end)
        if begin == stop:
            return 0
        return int.from_bytes(bytes_of_bits(self._ranks[begin:stop], low, high), "little")


def bytes_of_bits(ranks: Iterable[int], low: int, high: int) -> bytearray:
    """Return a little-endian bitmap of `[low, high)` with the bits of `ranks` set."""
    bitmap = bytearray((high - low + 7) // 8)
    for rank in ranks:
        position = rank - low
        bitmap[position >> 3] |= 1 << (position & 7)
    return bitmap


def _type_of(column: "array[int] | bytes | bytearray") -> str:
    return column.typecode if isinstance(column, array) else "B"
