"""The published form of the inventory: a root document behind its SHA-256, and segments by theirs.

The root is small and names everything else: placements, and of each organization the compiled
segments. A segment's name is the hash of its bytes, so that what has not changed is neither
written nor loaded again, and what is damaged cannot be taken for it.
"""

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from ctv_ads.decisioning.segments.changes import Marks
from ctv_ads.decisioning.segments.segment import Segment
from ctv_ads.decisioning.segments.snapshot import PublishedSegments, Snapshot
from ctv_ads.domain.ids import LineItemId, OrganizationId
from ctv_ads.domain.inventory import PublishedPlacement
from ctv_ads.domain.placement import VastVersion
from ctv_ads.errors import SnapshotCorruptError

FORMAT = 3
CURRENT_KEY = "{inventory}:current"
VERSION_FIELD = "v"
_DIGEST_BYTES = 32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def root_key(version: str) -> str:
    """Return the Valkey key under which that version's root lies."""
    return "{inventory}:root:" + version


def segment_key(name: str) -> str:
    """Return the Valkey key under which the segment of that name lies."""
    return "{inventory}:segment:" + name


def marks_key(name: str) -> str:
    """Return the Valkey key of the marks of the segment of that name; publishers alone read it."""
    return "{inventory}:marks:" + name


def encode_marks(marks: Marks) -> bytes:
    """Return marks as they are kept beside the segment that they were compiled with."""
    return zlib.compress(orjson.dumps(marks), level=1)


def decode_marks(kept: bytes) -> Marks | None:
    """Return marks as they were kept; None when they are damaged, and cannot be told against."""
    try:
        marks: Marks = orjson.loads(zlib.decompress(kept))
    except (zlib.error, ValueError):
        return None
    return marks


def tokens_key(shard: int) -> str:
    """Return the key of the shard's hash of tokens, which also tells the version in force."""
    return f"tok:{{s{shard}}}"


def segment_names(names: PublishedSegments) -> list[str]:
    """Return the names of an organization's segments, the newest first."""
    return [names.base] if names.overlay is None else [names.overlay, names.base]


def name_of(segment: bytes) -> str:
    """Return the name of a compiled segment: a hash of what it is."""
    return hashlib.sha256(segment).hexdigest()


def content_of(
    placements: Mapping[str, PublishedPlacement],
    segments: Mapping[OrganizationId, PublishedSegments],
) -> bytes:
    """Return what a root says besides its time; the same inventory gives the same bytes."""
    document = {
        "placements": {key: _values(placement) for key, placement in placements.items()},
        "segments": {organization: _values(names) for organization, names in segments.items()},
    }
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def version_of(built_at: datetime, content: bytes) -> str:
    """Return the version of a root. Later ones are greater, and the end is of the content."""
    return f"{(built_at - _EPOCH) // _MS:013d}-{hashlib.sha256(content).hexdigest()[:16]}"


def built_at_of(version: str) -> datetime:
    """Return when the inventory of that version was read."""
    return _EPOCH + int(version[:13]) * _MS


def has_content(version: str, content: bytes) -> bool:
    """Tell whether a root of that version says the same."""
    return version == version[:13] + version_of(_EPOCH, content)[13:]


def encode_root(built_at: datetime, content: bytes) -> bytes:
    """Return the bytes to publish."""
    head = {"format": FORMAT, "built_at_ms": (built_at - _EPOCH) // _MS}
    document = orjson.dumps({**head, "content": orjson.Fragment(content)})
    packed = zlib.compress(document, level=6)
    return hashlib.sha256(packed).digest() + packed


def decode_root(version: str, published: bytes) -> Snapshot:
    """Return the snapshot whose root `encode_root` wrote.

    Raises:
        SnapshotCorruptError: the bytes are not what was published, or of another format.
    """
    digest, packed = published[:_DIGEST_BYTES], published[_DIGEST_BYTES:]
    if hashlib.sha256(packed).digest() != digest:
        raise SnapshotCorruptError(f"snapshot {version} does not match its checksum")
    try:
        return _snapshot(version, orjson.loads(zlib.decompress(packed)))
    except (zlib.error, ValueError, LookupError, TypeError, AttributeError) as error:
        # Written whole, but by a version of this product that writes otherwise.
        raise SnapshotCorruptError(f"snapshot {version} is of another kind: {error!r}") from error


def decode_segment(name: str, published: bytes) -> Segment:
    """Return the segment of that name.

    Raises:
        SnapshotCorruptError: the bytes are not what was published, or of another format.
    """
    if name_of(published) != name:
        raise SnapshotCorruptError(f"segment {name} does not match its checksum")
    try:
        return Segment(published)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise SnapshotCorruptError(f"segment {name} is of another kind: {error!r}") from error


def _snapshot(version: str, document: Mapping[str, Any]) -> Snapshot:
    if document["format"] != FORMAT:
        raise SnapshotCorruptError(f"snapshot {version} has format {document['format']}")
    content = document["content"]
    return Snapshot(
        version=version,
        built_at=_EPOCH + document["built_at_ms"] * _MS,
        placements={key: _placement(row) for key, row in content["placements"].items()},
        segments={
            OrganizationId(organization): PublishedSegments(
                row["base"], row["overlay"], tuple(map(LineItemId, row["removed"]))
            )
            for organization, row in content["segments"].items()
        },
    )


def _placement(row: Mapping[str, Any]) -> PublishedPlacement:
    return PublishedPlacement(
        **{
            **row,
            "vast_version": VastVersion(row["vast_version"]),
            "blocked_categories": tuple(row["blocked_categories"]),
            "blocked_domains": tuple(row["blocked_domains"]),
            # Roots that were published before placements could say it have none.
            "accepted_mimes": tuple(row.get("accepted_mimes", ())),
        }
    )


def _values(record: object) -> dict[str, Any]:
    return {item.name: getattr(record, item.name) for item in fields(record)}  # type: ignore[arg-type]
