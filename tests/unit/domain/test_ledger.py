"""The books: what follows what, and what a day of a flat rate costs."""

import hashlib
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.ids import AdvertiserId, CampaignId, LineItemId
from ctv_ads.domain.ledger import (
    START,
    EntryKind,
    LedgerEntry,
    faults_of_chain,
    flat_due_micros,
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


@given(st.integers(1, 10**12), st.integers(1, 400))
def test_the_days_of_a_flat_rate_add_up_to_it(rate_micros: int, days: int) -> None:
    entered = 0
    dues = []
    for number in range(days):
        due = flat_due_micros(
            rate_micros,
            starts_at=NOON,
            ends_at=NOON + (days - 1) * DAY + timedelta(microseconds=1),
            day=TODAY + timedelta(days=number),
            entered_micros=entered,
        )
        dues.append(due)
        entered += due
    assert entered == rate_micros
    assert max(dues) - min(dues) <= 1


def test_a_day_makes_up_for_those_that_were_missed() -> None:
    third = TODAY + timedelta(days=2)
    due = flat_due_micros(
        400, starts_at=NOON, ends_at=NOON + 3 * DAY, day=third, entered_micros=100
    )
    assert due == 200


@pytest.mark.parametrize(
    ("day", "due"),
    [
        (TODAY - timedelta(days=1), 0),
        (TODAY, 50),
        (TODAY + timedelta(days=1), 100),
        (TODAY + timedelta(days=2), 0),
    ],
)
def test_nothing_is_due_outside_the_flight(day: date, due: int) -> None:
    midnight = NOON + timedelta(hours=36)
    found = flat_due_micros(100, starts_at=NOON, ends_at=midnight, day=day, entered_micros=0)
    assert found == due


def test_what_was_entered_of_a_flight_made_longer_is_not_taken_back() -> None:
    due = flat_due_micros(
        100, starts_at=NOON, ends_at=NOON + 9 * DAY, day=TODAY, entered_micros=100
    )
    assert due == 0
