"""The published form of the inventory: the same after the journey, or refused."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctv_ads.adapters.valkey.snapshot import decode_inventory, encode_inventory
from ctv_ads.domain.companions import Tracker, TrackerEvent, UniversalAdId, Verification
from ctv_ads.domain.inventory import Inventory, ServableLineItem
from ctv_ads.errors import SnapshotCorruptError
from tests.builders import NOON, a_servable_creative, a_servable_line_item, an_inventory

_NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_MS = timedelta(milliseconds=1)
_MOMENTS = st.integers(0, 253_402_300_799_000).map(
    lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + ms * _MS
)
_LINE_ITEMS = st.builds(
    a_servable_line_item,
    advertiser_name=_NAMES,
    priority=st.integers(1, 16),
    price_micros=st.integers(0, 2**53),
    remaining_micros=st.integers(0, 2**63 - 1),
    starts_at=_MOMENTS,
    ends_at=_MOMENTS,
    creatives=st.lists(
        st.builds(
            a_servable_creative,
            name=_NAMES,
            click_through_url=st.none() | _NAMES,
            universal_ad_id=st.none() | st.builds(UniversalAdId, _NAMES, _NAMES),
            trackers=st.lists(
                st.builds(Tracker, st.sampled_from(TrackerEvent), _NAMES), max_size=3
            ).map(tuple),
            verifications=st.lists(
                st.builds(Verification, _NAMES, _NAMES, st.none() | _NAMES), max_size=2
            ).map(tuple),
        ),
        max_size=3,
    ),
)
_INVENTORIES = st.builds(
    lambda items, placement, built_at: an_inventory(*items, placement=placement, built_at=built_at),
    st.lists(_LINE_ITEMS, max_size=4),
    _NAMES,
    _MOMENTS,
)


@settings(max_examples=50)
@given(_INVENTORIES)
def test_what_is_published_is_read(inventory: Inventory) -> None:
    version, published = encode_inventory(inventory)
    read = decode_inventory(version, published)
    assert read.version == version
    assert (read.built_at, read.placements) == (inventory.built_at, inventory.placements)
    assert read.line_items == inventory.line_items


def test_the_order_of_rank_is_kept() -> None:
    items = [a_servable_line_item(priority=priority) for priority in (3, 1, 2)]
    read = decode_inventory("v", encode_inventory(an_inventory(*items))[1])
    assert next(iter(read.line_items.values())) == tuple(items)


def test_moments_lose_what_is_below_the_millisecond() -> None:
    item = a_servable_line_item(ends_at=NOON + timedelta(microseconds=1_999))
    read = decode_inventory("v", encode_inventory(an_inventory(item))[1])
    (kept,) = next(iter(read.line_items.values()))
    assert kept.ends_at == NOON + _MS


@given(_MOMENTS, _MOMENTS)
def test_versions_sort_by_time(first: datetime, second: datetime) -> None:
    versions = [encode_inventory(an_inventory(built_at=moment))[0] for moment in (first, second)]
    if first != second:
        assert (versions[0] < versions[1]) is (first < second)


def test_the_same_inventory_has_the_same_version() -> None:
    inventory = an_inventory(a_servable_line_item())
    assert encode_inventory(inventory) == encode_inventory(inventory)


def test_every_truncation_and_every_flipped_byte_is_refused() -> None:
    version, published = encode_inventory(an_inventory(a_servable_line_item()))
    for position in range(len(published)):
        flipped = bytearray(published)
        flipped[position] ^= 0xFF
        for damaged in (bytes(flipped), published[:position]):
            with pytest.raises(SnapshotCorruptError, match=version):
                decode_inventory(version, damaged)


def test_a_hundred_thousand_micros_are_no_float() -> None:
    item: ServableLineItem = a_servable_line_item(remaining_micros=2**63 - 1)
    read = decode_inventory("v", encode_inventory(an_inventory(item))[1])
    (kept,) = next(iter(read.line_items.values()))
    assert isinstance(kept.remaining_micros, int)
    assert kept == item
