"""What the books' API gives. Money is integer micros, days are UTC."""

from collections.abc import Sequence
from datetime import date as Day  # noqa: N812 - a field below is called day, as the API says

from pydantic import BaseModel

from ctv_ads.domain.ledger import ChainedDay, EntryKind, LedgerEntry
from ctv_ads.ports.ledger import BilledEvent


class LedgerEntryView(BaseModel):
    """One entry: `amount_micros` moves from the debit to the credit account.

    `day`, `line_item_id`, `bucket` and `batch` name the events that it sums, and `events_sha256`
    is the digest of what they say; `entry_hash` covers the entry and `previous_hash`.
    """

    id: str
    advertiser_id: str
    day: Day
    sequence: int
    kind: EntryKind
    campaign_id: str
    line_item_id: str
    rate_type: str
    bucket: int
    batch: int
    debit_account: str
    credit_account: str
    amount_micros: int
    events: int
    events_sha256: str
    recorded_at: str
    reason: str
    previous_hash: str
    entry_hash: str

    @classmethod
    def of(cls, entry: LedgerEntry) -> "LedgerEntryView":
        """Return what the API tells of an entry."""
        return cls(id=entry.entry_id, **{name: getattr(entry, name) for name in _OF_ENTRY})


class LedgerPage(BaseModel):
    """A page of entries; `count` and `owed_micros` (less credits) are of all let through."""

    items: list[LedgerEntryView]
    next_cursor: str | None
    count: int
    owed_micros: int


_OF_ENTRY = tuple(name for name in LedgerEntryView.model_fields if name != "id")
_OF_DAY = tuple(ChainedDay.__dataclass_fields__)
EXPORTED = (*_OF_ENTRY, *_OF_DAY)


def exported(entry: LedgerEntry, day: ChainedDay) -> Sequence[object]:
    """Return an entry's row in the exported file.

    It is everything that the entry's hash covers, and what shows that nothing is missing.
    """
    told = [getattr(entry, name) for name in _OF_ENTRY]
    return [*told, *(getattr(day, name) for name in _OF_DAY)]


EVENT_COLUMNS = tuple(BilledEvent.__dataclass_fields__)


def exported_event(event: BilledEvent) -> Sequence[object]:
    """Return an event's row in the exported file: what the digest of its entry covers, and when."""
    return [getattr(event, name) for name in EVENT_COLUMNS]
