"""The books: what follows what, and what a day of a flat rate costs."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.ids import AdvertiserId, CampaignId, LineItemId
from ctv_ads.domain.ledger import (
    START,
    EntryKind,
    FlatBooking,
    LedgerEntry,
    faults_of_chain,
    flat_share_micros,
)
from tests.builders import DAY, NOON

TODAY = NOON.date()


def chained(*entries: LedgerEntry) -> list[LedgerEntry]:
    """Return the entries of one advertiser and day as the books would hold them."""
    done: list[LedgerEntry] = []
    before = START
    for number, entry in enumerate(entries, start=1):
        placed = replace(entry, sequence=number, previous_hash=before.hex())
        before = hashlib.sha256(before + placed.line.encode()).digest()
        done.append(replace(placed, entry_hash=before.hex()))
    return done


def an_entry(
    *, amount_micros: int = 20_000, kind: EntryKind = EntryKind.DELIVERY, day: date = TODAY
) -> LedgerEntry:
    return LedgerEntry(
        entry_id=new_id(),
        advertiser_id=AdvertiserId(ADVERTISER),
        day=day,
        sequence=1,
        kind=kind,
        campaign_id=CampaignId(new_id()),
        line_item_id=LineItemId(new_id()),
        rate_type="cpm",
        bucket=7,
        batch=1,
        debit_account="receivable",
        credit_account="revenue",
        amount_micros=amount_micros,
        events=1,
        events_sha256="ab" * 32,
        recorded_at="2026-11-23T12:00:00.000Z",
        reason="",
        previous_hash="",
        entry_hash="",
    )


ADVERTISER = new_id()


def test_whole_chains_have_no_faults() -> None:
    today = chained(an_entry(), an_entry(), an_entry())
    tomorrow = chained(an_entry(day=TODAY + timedelta(days=1)))
    assert faults_of_chain([*today, *tomorrow]) == []
    assert faults_of_chain([]) == []


def test_an_entry_that_was_changed_is_told() -> None:
    books = chained(an_entry(), an_entry(), an_entry())
    books[1] = replace(books[1], amount_micros=1)
    (fault,) = faults_of_chain(books)
    assert fault.endswith(", entry 2: was changed, its hash does not fit")


def test_a_change_with_its_hash_made_to_fit_shows_in_what_follows() -> None:
    books = chained(an_entry(), an_entry(), an_entry())
    (other,) = chained(an_entry(amount_micros=1))
    faults = faults_of_chain([other, *books[1:]])
    assert [fault.split(": ")[1] for fault in faults] == ["does not follow the entry before it"]


@pytest.mark.parametrize("missing", [0, 1])
def test_an_entry_that_is_missing_is_told(missing: int) -> None:
    books = chained(an_entry(), an_entry(), an_entry())
    del books[missing]
    faults = faults_of_chain(books)
    assert any(f"entry {missing + 1} should come here" in fault for fault in faults)


def test_a_credit_is_owed_to_the_advertiser() -> None:
    assert an_entry().signed_micros == 20_000
    assert an_entry(kind=EntryKind.CREDIT).signed_micros == -20_000


def a_flat_booking(served: Iterable[int], **given: Any) -> FlatBooking:
    """100,000 micros for four days, of which those were served."""
    terms: dict[str, Any] = {
        "rate_micros": 100_000,
        "starts_at": NOON,
        "ends_at": NOON + 3 * DAY,
        "entered_micros": {},
    }
    return FlatBooking(served_days=[day(number) for number in served], **{**terms, **given})


def day(number: int) -> date:
    return TODAY + timedelta(days=number)


@given(rate_micros=st.integers(1, 10**12), days=st.integers(1, 60))
def test_the_days_of_a_flat_rate_add_up_to_it(rate_micros: int, days: int) -> None:
    booking = a_flat_booking(
        range(-2, days + 2),
        rate_micros=rate_micros,
        ends_at=NOON + (days - 1) * DAY + timedelta(microseconds=1),
    )
    dues = booking.dues(rate_micros)
    assert sum(dues.values()) == rate_micros
    assert max(dues.values()) - min([*dues.values(), rate_micros // days]) <= 1
    assert all(0 <= (one - TODAY).days < days for one in dues)


@given(
    runs=st.lists(
        st.tuples(st.sets(st.integers(0, 9)), st.integers(0, 150_000)), min_size=1, max_size=6
    )
)
def test_in_whatever_order_days_become_known_each_is_paid_once(
    runs: list[tuple[set[int], int]],
) -> None:
    entered: dict[date, int] = {}
    served: set[int] = set()
    for more, room_micros in runs:
        served |= more
        booking = a_flat_booking(served, ends_at=NOON + 9 * DAY, entered_micros=entered)
        dues = booking.dues(room_micros)
        assert not dues.keys() & entered.keys()
        assert sum(dues.values()) <= room_micros
        entered |= dues
        assert sum(entered.values()) <= 10_000 * len(served)
    booking = a_flat_booking(served, ends_at=NOON + 9 * DAY, entered_micros=entered)
    entered |= booking.dues(10**9)
    assert set(entered) == {day(number) for number in served}


def test_a_day_that_served_nothing_is_not_owed() -> None:
    assert a_flat_booking([0, 2]).dues(10**9) == {day(0): 25_000, day(2): 25_000}


def test_a_day_told_of_late_is_entered_beside_those_after_it() -> None:
    entered = {day(0): 25_000, day(2): 25_000}
    assert a_flat_booking([0, 1, 2], entered_micros=entered).dues(10**9) == {day(1): 25_000}


def test_what_a_budget_could_not_pay_is_due_with_the_next_day() -> None:
    entered = {day(0): 10_000}
    assert a_flat_booking([0, 1], entered_micros=entered).dues(10**9) == {day(1): 40_000}
    assert a_flat_booking([0, 1], entered_micros=entered).dues(30_000) == {day(1): 30_000}
    assert a_flat_booking([0, 1], entered_micros=entered).dues(-1) == {}


def test_a_rate_that_was_changed_is_never_exceeded() -> None:
    entered = {day(0): 100_000}
    assert a_flat_booking([0, 1, 2], entered_micros=entered).dues(10**9) == {}
    longer = a_flat_booking([0, 1, 2, 3], entered_micros=entered, rate_micros=101_000)
    assert longer.dues(10**9) == {day(3): 1_000}


@pytest.mark.parametrize(("number", "share"), [(-1, 0), (0, 50), (1, 50), (2, 0)])
def test_a_flight_that_ends_at_midnight_has_no_day_more(number: int, share: int) -> None:
    midnight = NOON.replace(hour=0) + 2 * DAY
    found = flat_share_micros(100, starts_at=NOON, ends_at=midnight, day=day(number))
    assert found == share
