"""The books of an advertiser: entries that only ever follow one another, chained by hashes.

Each entry moves an amount between two accounts: what is delivered, or a day of a flat rate, from
`receivable` (debit) to `revenue` (credit); a credit the other way. An entry's hash is SHA-256 over
the hash before it and the entry's line. The first entry of a day follows the last one of the day of
this advertiser that was opened before it; the very first, and those of days that were opened before
days were chained, follow 32 zero bytes.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from ctv_ads.domain.ids import AdvertiserId, CampaignId, DecisionId, LineItemId

START = bytes(32)


class EntryKind(StrEnum):
    """What an entry is about."""

    DELIVERY = "delivery"
    FLAT = "flat"
    CREDIT = "credit"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One entry. Amounts are micros of the organization's currency; days are UTC."""

    entry_id: str
    advertiser_id: AdvertiserId
    day: date
    sequence: int
    """Its place in the advertiser's day, from 1."""
    kind: EntryKind
    campaign_id: CampaignId
    line_item_id: LineItemId
    rate_type: str
    bucket: int
    batch: int
    """With day, line item and bucket it names the events that were summed; 0 before batches."""
    debit_account: str
    credit_account: str
    amount_micros: int
    events: int
    events_sha256: str
    """Hexadecimal; empty of a flat rate, which sums no events."""
    recorded_at: str
    """UTC, ISO 8601 with milliseconds and Z."""
    reason: str
    previous_hash: str
    entry_hash: str

    @property
    def line(self) -> str:
        """What is hashed, after the hash before it."""
        return "|".join(
            str(value)
            for value in (
                "v1",
                self.advertiser_id,
                self.day.isoformat(),
                self.sequence,
                self.kind.value,
                self.campaign_id,
                self.line_item_id,
                self.rate_type,
                self.bucket,
                self.batch,
                self.debit_account,
                self.credit_account,
                self.amount_micros,
                self.events,
                self.events_sha256,
                self.recorded_at,
                self.reason,
            )
        )

    @property
    def signed_micros(self) -> int:
        """What the advertiser owes by it; below zero of a credit."""
        return -self.amount_micros if self.kind is EntryKind.CREDIT else self.amount_micros


def flat_share_micros(
    rate_micros: int, *, starts_at: datetime, ends_at: datetime, day: date
) -> int:
    """Return the part of a flat rate that is for `day`; outside the flight nothing.

    The rate is for the whole flight and spread evenly over its days (UTC), so that the days add
    up to it exactly.
    """
    first, last = starts_at.date(), (ends_at - timedelta(microseconds=1)).date()
    if not first <= day <= last:
        return 0
    through, days = (day - first).days + 1, (last - first).days + 1
    return rate_micros * through // days - rate_micros * (through - 1) // days


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainedDay:
    """What is told of an entry's day, and of the days asked for, to whoever checks them."""

    day_entries: int
    day_head_hash: str
    """The hash of the day's last entry."""
    follows_day: date | None
    """The day that this one builds on; None of a day that builds on nothing."""
    first_day: date
    """Of the days asked for, the first that has entries."""
    last_day: date
    days: int
    """How many of the days asked for have entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatBooking:
    """A flat rate, the days it is owed for, and what is entered of it."""

    rate_micros: int
    starts_at: datetime
    ends_at: datetime
    served_days: Sequence[date]
    """Days that are over and have an impression."""
    entered_micros: Mapping[date, int]

    def dues(self, room_micros: int) -> dict[date, int]:
        """Return what is to be entered now, by day, of days that have no entry.

        What a day could not be paid for, because a budget had no room, is due with the next one.
        The entries are never more than the rate, however it or the flight was changed meanwhile.
        """
        entered = sum(self.entered_micros.values())
        left = min(room_micros, self.rate_micros - entered)
        shares = {
            day: flat_share_micros(
                self.rate_micros, starts_at=self.starts_at, ends_at=self.ends_at, day=day
            )
            for day in sorted({*self.served_days, *self.entered_micros})
        }
        missing = sum(shares[day] for day in self.entered_micros) - entered
        dues: dict[date, int] = {}
        for day, share in shares.items():
            if day in self.entered_micros:
                continue
            missing += share
            if (due := min(missing, left)) > 0:
                dues[day] = due
                missing -= due
                left -= due
        return dues


BilledEvent = tuple[DecisionId, int, str, int]
"""What an entry proves of an event: decision, slot, event, and the micros that it was billed."""


def events_sha256(events: Iterable[BilledEvent]) -> bytes:
    """Return the digest of the events that an entry sums, in whatever order they are given.

    An event's line is the 16 bytes of its decision, the slot in 2, its name and the micros in 8, as
    the function `event_line` of the database has it (migration 0018), numbers big-endian.
    """
    digest = hashlib.sha256()
    for decision_id, slot, event, micros in sorted(events):
        digest.update(bytes.fromhex(decision_id.replace("-", "")))
        digest.update(slot.to_bytes(2) + event.encode() + micros.to_bytes(8))
    return digest.digest()


Chain = tuple[AdvertiserId, date]


def faults_of_chain(
    entries: Iterable[LedgerEntry], starts: Mapping[Chain, bytes] | None = None
) -> list[str]:
    """Return what is wrong with the chains of whole days, given in their order; empty if nothing.

    Entries come by advertiser, day and sequence; `starts` tells what days begin with that build
    on another.
    """
    faults: list[str] = []
    chain: Chain | None = None
    last, before = 0, START
    for entry in entries:
        if chain != (entry.advertiser_id, entry.day):
            chain = (entry.advertiser_id, entry.day)
            last, before = 0, (starts or {}).get(chain, START)
        name = f"advertiser {entry.advertiser_id}, {entry.day}, entry {entry.sequence}"
        if entry.sequence != last + 1:
            faults.append(f"{name}: entry {last + 1} should come here")
        if entry.previous_hash != before.hex():
            faults.append(f"{name}: does not follow the entry before it")
        computed = hashlib.sha256(bytes.fromhex(entry.previous_hash) + entry.line.encode()).digest()
        if entry.entry_hash != computed.hex():
            faults.append(f"{name}: was changed, its hash does not fit")
        last, before = entry.sequence, bytes.fromhex(entry.entry_hash)
    return faults
