"""Ports of the books: reading, posting and auditing them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from ctv_ads.domain.beacon import BeaconEvent
from ctv_ads.domain.ids import AdvertiserId, CampaignId, DecisionId
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.domain.ledger import ChainedDay, LedgerEntry
from ctv_ads.domain.listing import ListQuery, Page
from ctv_ads.ports.event_archive import Lines


class Ledger(Protocol):
    """The books of one organization, to read."""

    def page(self, campaign_id: CampaignId, query: ListQuery) -> Page[LedgerEntry]:
        """Return entries of one campaign, by day and in the order they were made.

        Filters are `first_day` and `last_day`; `totals` has `signed_micros`, what is owed.

        Raises:
            NotFoundError: the campaign does not exist here.
            InvalidRequestError: the cursor is none of this list's.
        """

    def chains(
        self, advertiser_id: AdvertiserId, *, first_day: date, last_day: date, after: int = 0
    ) -> Iterator[tuple[LedgerEntry, ChainedDay]]:
        """Give chains of an advertiser, by day and sequence; of the first day those after one.

        What comes with an entry tells whether entries or days are missing.

        Raises:
            NotFoundError: the advertiser does not exist here.
        """

    def billed_events(
        self,
        advertiser_id: AdvertiserId,
        *,
        first_day: date,
        last_day: date,
        after: tuple[str, int, str],
        most: int,
    ) -> "Sequence[BilledEvent]":
        """Return billed events of an advertiser by day, decision, slot and name, up to so many.

        Of the first day those `after` a decision, slot and name.

        Raises:
            NotFoundError: the advertiser does not exist here.
            ConflictError: the events of a day are in the archive only.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledEvent:
    """An event that an entry sums: that of its batch, and if it was credited, another one, too."""

    day: date
    decision_id: str
    slot: int
    event: str
    line_item_id: str
    rate_type: str
    bucket: int
    price_micros: int
    billed_micros: int
    batch: int
    credited_batch: int | None
    decided_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveredEvent:
    """Names one event that was recorded."""

    day: date
    decision_id: DecisionId
    slot: int
    event: BeaconEvent


@dataclass(frozen=True, slots=True)
class Credited:
    """What a credit came to, and of how many events there was nothing to credit."""

    events: int
    amount_micros: int
    credited_before: int = 0
    never_billed: int = 0
    unknown: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether every event that was named was credited now."""
        return not (self.credited_before or self.never_billed or self.unknown)


class FlatRates(Protocol):
    """Writes the days of flat rates, across organizations."""

    def campaigns_due(self, *, today: date) -> Sequence[CampaignId]:
        """Return whose flat rates may have days before `today` (UTC) that are to be entered.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer.
        """

    def post(self, campaign_id: CampaignId, *, today: date) -> int:
        """Enter the days of a campaign's flat rates that are not entered; return how many.

        A day is owed if an ad of that day's decisions was shown, whatever became of the campaign
        afterwards. It is entered once, and never beyond a budget: what is left of it pays.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer; nothing was entered.
        """


class LedgerPosting(Protocol):
    """Writes what no beacon causes, across organizations."""

    def dropped(self, days: Sequence[date]) -> Sequence[date]:
        """Return which of these days have their events in the archive only.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer.
        """

    def credit(
        self,
        events: Sequence[DeliveredEvent],
        reason: str,
        *,
        rule: InvalidTraffic | None = None,
        archived: Mapping[date, Lines] | None = None,
    ) -> Credited:
        """Credit what was billed for these events, each once, and say what it came to.

        The money is the campaign's again, and reports tell net spend. With a `rule` the events are
        marked as invalid by it, billed or not: reports tell of them beside what was invalid from
        the beginning. `archived` are events of days that were dropped.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer; nothing was credited.
        """


class LedgerAudit(Protocol):
    """Holds the books against the events, across organizations."""

    def days(self) -> Sequence[date]:
        """Return the days that have entries or billed events."""

    def dropped_days(self) -> Sequence[date]:
        """Return the days whose events are in the archive only."""

    def faults_of(self, day: date, archived: Lines | None = None) -> Sequence[str]:
        """Return what is wrong with the books of a day, empty if nothing.

        Of a day that was dropped `archived` are its events; without them its invoice lines are
        not recounted.
        """

    def faults_of_bills(self) -> Sequence[str]:
        """Return which bills and reports are not the sum of their entries, empty if none.

        Bills are those of campaigns, of line items and of their days; reports tell hours and days.
        """
