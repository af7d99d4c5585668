"""The published form of the inventory: the same after the journey, or refused."""

import zlib
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctv_ads.adapters.valkey.snapshot import (
    built_at_of,
    content_of,
    decode_marks,
    decode_root,
    decode_segment,
    encode_marks,
    encode_root,
    has_content,
    name_of,
    version_of,
)
from ctv_ads.decisioning.segments.compile import compile_segment
from ctv_ads.decisioning.segments.snapshot import PublishedSegments
from ctv_ads.domain.ids import LineItemId, OrganizationId, PlacementId
from ctv_ads.domain.inventory import PublishedPlacement
from ctv_ads.domain.placement import VastVersion
from ctv_ads.errors import SnapshotCorruptError
from tests.builders import NOON, a_servable_line_item

_NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
# Versions have 13 digits of milliseconds, which last until the year 2286.
_MOMENTS = st.integers(0, 10**13 - 1).map(
    lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)
_PLACEMENTS = st.dictionaries(
    _NAMES,
    st.builds(
        PublishedPlacement,
        placement_id=_NAMES.map(PlacementId),
        organization_id=_NAMES.map(OrganizationId),
        app_bundle=st.none() | _NAMES,
        vast_version=st.sampled_from(VastVersion),
        floor_cpm_micros=st.integers(0, 2**53),
        blocked_categories=st.lists(_NAMES, max_size=2).map(tuple),
        blocked_domains=st.lists(_NAMES, max_size=2).map(tuple),
        accepted_mimes=st.lists(_NAMES, max_size=2).map(tuple),
        max_height_px=st.none() | st.integers(1, 4320),
        trusted_caller=st.booleans(),
    ),
    max_size=3,
)
_SEGMENTS = st.dictionaries(
    _NAMES.map(OrganizationId),
    st.builds(
        PublishedSegments,
        base=_NAMES,
        overlay=st.none() | _NAMES,
        removed=st.lists(_NAMES.map(LineItemId), max_size=3).map(tuple),
    ),
    max_size=3,
)


@settings(max_examples=50)
@given(_MOMENTS, _PLACEMENTS, _SEGMENTS)
def test_what_a_root_says_is_read(
    built_at: datetime,
    placements: dict[str, PublishedPlacement],
    segments: dict[OrganizationId, PublishedSegments],
) -> None:
    content = content_of(placements, segments)
    read = decode_root("7", encode_root(built_at, content))
    assert (read.version, read.built_at) == ("7", built_at)
    assert (read.placements, read.segments) == (placements, segments)


@given(_MOMENTS, _MOMENTS)
def test_versions_sort_by_time(first: datetime, second: datetime) -> None:
    versions = [version_of(moment, b"") for moment in (first, second)]
    if first != second:
        assert (versions[0] < versions[1]) is (first < second)


def test_a_version_tells_whether_the_content_is_the_same() -> None:
    version = version_of(NOON, b"this")
    assert has_content(version, b"this")
    assert not has_content(version, b"that")


def test_a_version_tells_when_its_inventory_was_read() -> None:
    assert built_at_of(version_of(NOON, b"this")) == NOON


@pytest.mark.parametrize("kept", [b"", b"damaged", zlib.compress(b"damaged")])
def test_marks_that_are_damaged_are_none(kept: bytes) -> None:
    assert decode_marks(kept) is None
    assert decode_marks(encode_marks({LineItemId("a"): -(2**63)})) == {"a": -(2**63)}


def test_the_order_of_what_is_published_does_not_change_its_content() -> None:
    placement = PublishedPlacement(PlacementId("p"), OrganizationId("o"))
    pairs = [("a", placement), ("b", placement)]
    assert content_of(dict(pairs), {}) == content_of(dict(reversed(pairs)), {})


def test_every_truncation_and_every_flipped_byte_of_a_root_is_refused() -> None:
    published = encode_root(NOON, content_of({}, {}))
    for position in range(len(published)):
        flipped = bytearray(published)
        flipped[position] ^= 0xFF
        for damaged in (bytes(flipped), published[:position]):
            with pytest.raises(SnapshotCorruptError, match="7"):
                decode_root("7", damaged)


def test_every_truncation_and_every_flipped_byte_of_a_segment_is_refused() -> None:
    segment = compile_segment([a_servable_line_item()])
    for position in range(0, len(segment), 7):
        flipped = bytearray(segment)
        flipped[position] ^= 0x01
        for damaged in (bytes(flipped), segment[:position]):
            with pytest.raises(SnapshotCorruptError, match="checksum"):
                decode_segment(name_of(segment), damaged)


@pytest.mark.parametrize(
    "published", [b"", b"CTVS\x03\0\0\0", b"another format", b"CTVS\x03\0\0\0" + bytes(8)]
)
def test_bytes_of_another_kind_are_refused_though_their_name_is_right(published: bytes) -> None:
    with pytest.raises(SnapshotCorruptError, match="another kind"):
        decode_segment(name_of(published), published)


def test_a_root_from_before_a_placement_could_say_something_is_read_without_it() -> None:
    placement = PublishedPlacement(PlacementId("p"), OrganizationId("o"))
    content = orjson.loads(content_of({"p": placement}, {}))
    said_later = ("accepted_mimes", "max_bitrate_kbps", "max_width_px", "max_height_px")
    for name in said_later:
        del content["placements"]["p"][name]
    root = encode_root(NOON, orjson.dumps(content))
    assert decode_root("v", root).placements == {"p": placement}
