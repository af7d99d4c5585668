"""Walks the boxes of the ISO base media file format (MP4, QuickTime), reading headers only.

It tells what MediaInfo does not: the constraint flags in an RFC 6381 codec name, an index that
a cut removed to the byte, and tables that claim more entries than they hold. MediaInfo believes
such a claim and fills the memory with entries for minutes, so it must not see those files.

Layouts: ISO/IEC 14496-12 (boxes) and 14496-15 (`avcC`).
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

# A file may declare millions of boxes of 8 bytes. A fragment for every frame of a long ad at
# 60 frames per second takes two boxes per frame, which still fits.
_MAX_BOXES = 20_000

_FIRST_KINDS = {b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid"}
_MEDIA_KINDS = {b"moov", b"mdat", b"moof"}
_FOLDER_KINDS = {b"moov", b"trak", b"edts", b"mdia", b"minf", b"stbl", b"moof", b"traf"}

_COUNT_OFFSETS = {
    b"elst": 4,
    b"stts": 4,
    b"ctts": 4,
    b"stss": 4,
    b"stsc": 4,
    b"stco": 4,
    b"co64": 4,
    b"stsd": 4,
    b"sbgp": 8,
    b"sgpd": 12,
    b"trun": 4,
}
"""Where in a table's content the number of its entries stands."""

# A fragment's samples may all be alike, and then take no bytes in its table.
_MAX_SAMPLES_PER_RUN = 1_000_000


class SeekableFile(Protocol):
    """What is asked of a file; `read` returns fewer bytes only at the end."""

    def read(self, length: int, /) -> bytes:
        """Return the next `length` bytes."""
        ...

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move to a place and return it."""
        ...

    def tell(self) -> int:
        """Return the place of the next byte."""
        ...


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its four-letter kind, and where its content starts and ends in the file."""

    kind: bytes
    starts_at: int
    ends_at: int


def top_boxes(file: SeekableFile, size_bytes: int) -> list[Box]:
    """Return the outermost boxes; none if the content is no ISO file."""
    boxes = list(islice(_boxes(file, 0, size_bytes), _MAX_BOXES))
    return boxes if boxes and boxes[0].kind in _FIRST_KINDS else []


def is_cut(file: SeekableFile, boxes: Sequence[Box], size_bytes: int) -> bool:
    """Tell whether the file lacks its index, its pictures or the end of either.

    A fragmented file that was cut between two fragments is a shorter whole file, and passes.
    """
    # Garbage behind the last box harms nobody; only kinds that players read count.
    media = [box for box in boxes if box.kind in _MEDIA_KINDS]
    if not {b"moov", b"mdat"} <= {box.kind for box in media}:
        return True
    if any(box.ends_at > size_bytes for box in media):
        return True
    # A box may be declared to go on to the end, wherever that is: its samples tell its size.
    present = sum(box.ends_at - box.starts_at for box in media if box.kind == b"mdat")
    return present < _sample_bytes(file, boxes)


def is_damaged(file: SeekableFile, boxes: Sequence[Box]) -> bool:
    """Tell whether a table of the index or a fragment claims more entries than it can hold."""
    places = [box for box in boxes if box.kind in {b"moov", b"moof"}]
    return any(_claims_too_much(file, table) for table in _tables(file, places))


def index_comes_first(boxes: Sequence[Box]) -> bool:
    """Tell whether playing can start before the whole file has arrived."""
    order = [box.kind for box in boxes if box.kind in {b"moov", b"mdat"}]
    return order[:1] == [b"moov"]


def avc_name(file: SeekableFile, boxes: Sequence[Box]) -> str | None:
    """Return the RFC 6381 name of the first H.264 track, such as `avc1.640028`.

    Its six digits are the profile, constraint flags and level of the decoder configuration
    record, as they stand in the file.
    """
    for table in _tables(file, [box for box in boxes if box.kind == b"moov"]):
        # The table opens with version, flags and a count, 8 bytes in all.
        entries = _boxes(file, table.starts_at + 8, table.ends_at) if table.kind == b"stsd" else ()
        for entry in entries:
            # The fields of a picture's entry take 78 bytes; more boxes follow them.
            for record in _boxes(file, entry.starts_at + 78, entry.ends_at):
                if record.kind == b"avcC":
                    digits = _bytes_at(file, record.starts_at + 1, 3).hex().upper()
                    return f"{entry.kind.decode('latin-1')}.{digits}"
    return None


def _boxes(file: SeekableFile, starts_at: int, ends_at: int) -> Iterator[Box]:
    """Yield the boxes between two places; stop at what cannot be one."""
    while starts_at + 8 <= ends_at:
        header = _bytes_at(file, starts_at, 16)
        size, length = int.from_bytes(header[:4]), 8
        if size == 1:
            size, length = int.from_bytes(header[8:16]), 16
        elif size == 0:  # the box goes on to the end of the file
            size = ends_at - starts_at
        if size < length or len(header) < length:
            return
        yield Box(header[4:8], starts_at + length, starts_at + size)
        starts_at += size


def _tables(file: SeekableFile, folders: Sequence[Box]) -> Iterator[Box]:
    """Yield, in their order, the boxes below `folders` that are no folders themselves."""
    pending = list(reversed(folders))
    for _ in range(_MAX_BOXES):
        if not pending:
            return
        box = pending.pop()
        if box.kind in _FOLDER_KINDS:
            inner = islice(_boxes(file, box.starts_at, box.ends_at), _MAX_BOXES)
            pending += reversed(list(inner))
        else:
            yield box


def _claims_too_much(file: SeekableFile, table: Box) -> bool:
    offset = _COUNT_OFFSETS.get(table.kind)
    if offset is None:
        return False
    if table.kind == b"sbgp" and _bytes_at(file, table.starts_at, 1) == b"\1":
        offset += 4  # version 1 has one more field before the count
    count = int.from_bytes(_bytes_at(file, table.starts_at + offset, 4))
    # An entry of any other table has a byte at least.
    most = _MAX_SAMPLES_PER_RUN if table.kind == b"trun" else table.ends_at - table.starts_at
    return count > most


def _sample_bytes(file: SeekableFile, boxes: Sequence[Box]) -> int:
    """Return how many bytes of samples the index lists; those of fragments are not in it."""
    total = 0
    for table in _tables(file, [box for box in boxes if box.kind == b"moov"]):
        if table.kind != b"stsz":
            continue
        head = _bytes_at(file, table.starts_at, 12)  # version and flags, common size, count
        common_size, count = int.from_bytes(head[4:8]), int.from_bytes(head[8:])
        sizes = array("I")
        if not common_size and 4 * count <= table.ends_at - table.starts_at:
            listed = _bytes_at(file, table.starts_at + 12, 4 * count)
            sizes.frombytes(listed[: len(listed) // 4 * 4])
            sizes.byteswap()  # the file is big-endian, every machine we run on is not
        total += common_size * count + sum(sizes)
    return total


def _bytes_at(file: SeekableFile, place: int, length: int) -> bytes:
    file.seek(place)
    return file.read(length)
