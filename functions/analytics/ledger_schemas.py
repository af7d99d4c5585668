"""What the books' API gives. Money is integer micros, days are UTC."""

from collections.abc import Sequence
from datetime import date as Day  # noqa: N812 - a field below is called day, as the API says

from pydantic import BaseModel

from ctv_ads.domain.ledger import EntryKind, LedgerEntry


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
        return cls(id=entry.entry_id, **{name: getattr(entry, name) for name in EXPORTED})


class LedgerPage(BaseModel):
    """A page of entries; `count` and `owed_micros` (less credits) are of all let through."""

    items: list[LedgerEntryView]
    next_cursor: str | None
    count: int
    owed_micros: int


EXPORTED = tuple(name for name in LedgerEntryView.model_fields if name != "id")


def exported(entry: LedgerEntry) -> Sequence[object]:
    """Return an entry's row in the exported file: everything that its hash covers."""
    return [getattr(entry, name) for name in EXPORTED]
