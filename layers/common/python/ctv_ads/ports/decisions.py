"""Ports of explaining: decisions as they were recorded, and the inventory they were made on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ctv_ads.decisioning.segments.index import LineItemIndex
from ctv_ads.decisioning.segments.snapshot import Snapshot
from ctv_ads.domain.access import Caller
from ctv_ads.domain.decision_record import DecisionRecord
from ctv_ads.domain.delivery_health import DeliveryStanding
from ctv_ads.domain.ids import CampaignId, DecisionId, LineItemId, OrganizationId, PlacementId
from ctv_ads.domain.reasons import Reason


@dataclass(frozen=True, slots=True)
class DecisionFilter:
    """Which decisions are wanted; None wants all. `line_item_id` was a candidate or ran."""

    organization_id: OrganizationId
    placement_id: PlacementId | None = None
    line_item_id: LineItemId | None = None
    session_keys: frozenset[str] | None = None
    """Any of them: a session has another key after the secret behind it was rotated."""
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecentDecisions:
    """Some of the decisions that were wanted, the newest first: all back to `looked_back_to`.

    A call looks at so many of all organizations and no more; `next_cursor` goes on from there. None:
    nothing older is kept near.
    """

    records: Sequence[DecisionRecord]
    looked_back_to: datetime | None = None
    """When the last one that was looked at was made, whosoever it is. None: there was none."""
    next_cursor: str | None = None


class DecisionRecords(Protocol):
    """Reads what decisions left behind."""

    def find(
        self, decision_id: DecisionId, organization_id: OrganizationId
    ) -> DecisionRecord | None:
        """Return that decision of that organization, None when it is not kept (any more).

        Raises:
            DependencyUnavailableError: where they are kept does not answer.
        """

    def recent(
        self, wanted: DecisionFilter, *, limit: int, cursor: str | None = None
    ) -> RecentDecisions:
        """Return recent decisions, the newest first, at most `limit`.

        Raises:
            InvalidRequestError: the cursor is none of these.
            DependencyUnavailableError: where they are kept does not answer.
        """


class PastInventory(Protocol):
    """One version of the inventory, in force or not."""

    @property
    def snapshot(self) -> Snapshot:
        """What it says of placements."""

    def line_items(self, organization_id: OrganizationId) -> LineItemIndex:
        """Return that organization's line items.

        Raises:
            DependencyUnavailableError, SnapshotCorruptError: they cannot be read.
        """


class InventoryHistory(Protocol):
    """Keeps the versions of the inventory."""

    def load(self, version: str) -> PastInventory | None:
        """Return that version, None when it is not kept (any more).

        Raises:
            DependencyUnavailableError, SnapshotCorruptError: it cannot be read.
        """


@dataclass(frozen=True, slots=True)
class Unpublished:
    """How many line items are not published for one reason, and the first of them by id."""

    line_items: int
    first: tuple[LineItemId, ...]


class UnpublishedLineItems(Protocol):
    """Tells what never comes into an inventory, as it is booked now, with the rights of who asks."""

    def by_reason(self, caller: Caller) -> Mapping[Reason, Unpublished]:
        """Return those of the caller's organization by the first reason that each has.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer.
        """

    def why(self, caller: Caller, line_item_id: LineItemId) -> Reason:
        """Return why that one is not published; NOT_PUBLISHED if nothing is in its way now.

        Raises:
            NotFoundError: it does not exist here.
            DependencyUnavailableError: PostgreSQL does not answer.
        """


class DeliveryStandings(Protocol):
    """Reads how line items stand, with the rights of who asks."""

    def of_campaign(self, caller: Caller, campaign_id: CampaignId) -> Sequence[DeliveryStanding]:
        """Return the line items of a campaign that the pacing controller has seen, by id.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer.
        """
