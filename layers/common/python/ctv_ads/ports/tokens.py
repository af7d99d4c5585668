"""Ports of the pacing controller: the ledger of granted tokens, and where decisions spend them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ctv_ads.domain.granting import Account, Decision
from ctv_ads.domain.ids import CampaignId, LineItemId


@dataclass(frozen=True, slots=True)
class OpenBucket:
    """A grant that decisions may still spend from, as the ledger knows it."""

    bucket: int
    shard: int
    granted: int
    outstanding: int
    """What of it is neither billed nor came back."""
    opened_at: datetime
    is_outdated: bool
    """Its day is over and the day has a budget, or it counts in another unit than now."""


@dataclass(frozen=True, slots=True)
class Look:
    """A line item that may spend now, or has buckets although it may not."""

    line_item_id: LineItemId
    campaign_id: CampaignId
    may_spend: bool
    buckets: tuple[OpenBucket, ...]
    is_due: bool = True
    """False while its pace would grant it nothing, as was told by the decision before."""
    observed_at: datetime | None = None
    """When it was last decided on, if it may spend and ever was."""


@dataclass(frozen=True, slots=True)
class NewBucket:
    """A grant that is reserved in the ledger and not yet handed out."""

    line_item_id: LineItemId
    bucket: int
    shard: int
    amount: int


@dataclass(frozen=True, slots=True)
class Closed:
    """A bucket that decisions can no longer spend from, and what of it came back for certain."""

    line_item_id: LineItemId
    bucket: int
    returned: int


@dataclass(frozen=True, slots=True)
class Held:
    """What the decisions' store holds for a line item: a bucket and what is left of it."""

    bucket: int
    remaining: int


Decide = Callable[[Sequence[Account]], Sequence[Decision]]


class TokenLedger(Protocol):
    """Reserves before anything is handed out; the truth of what is outstanding.

    All raise `DependencyUnavailableError` when PostgreSQL does not answer.
    """

    def release(self, *, now: datetime) -> int:
        """Free what is left of expired buckets, and return of how many."""

    def looks(self, *, now: datetime) -> Sequence[Look]:
        """Return what may spend now or still has open buckets."""

    def reserve(
        self, line_items: Sequence[LineItemId], decide: Decide, *, now: datetime
    ) -> tuple[Sequence[Decision], Sequence[NewBucket]]:
        """Decide on accounts that nobody changes meanwhile, and open buckets; commits."""

    def settle(self, closed: Sequence[Closed], *, now: datetime) -> None:
        """Close buckets, and free what came back of them."""


class TokenStore(Protocol):
    """Where decisions spend tokens, by shard.

    All raise `DependencyUnavailableError` when there is no answer; what was asked may then have
    been done all the same, or may be done later.
    """

    def held(self, shard: int, line_items: Sequence[LineItemId]) -> Mapping[LineItemId, Held]:
        """Return what each line item can spend; those that hold nothing are left out."""

    def grant(self, shard: int, grants: Sequence[NewBucket]) -> Sequence[Closed]:
        """Replace what line items hold, and return the buckets that ended by it.

        Those that were refused because a newer one is held are returned whole.
        """

    def take_back(self, shard: int, newest: Sequence[tuple[LineItemId, int]]) -> Sequence[Closed]:
        """Leave line items nothing, and refuse them buckets up to the one given from now on."""
