"""Ports of the pipeline: publishing the inventory, recording beacons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, Self

from ctv_ads.decisioning.segments.changes import Changes, Marks
from ctv_ads.domain.beacon import Beacon, ForgedBeacon
from ctv_ads.domain.delivery import DecidedCounts
from ctv_ads.domain.ids import CampaignId, OrganizationId
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.domain.inventory import Inventory, PublishedPlacement, ServableLineItem


class CampaignCompletion(Protocol):
    """Ends campaigns that can deliver nothing more, across organizations."""

    def complete(self, *, now: datetime) -> Sequence[CampaignId]:
        """Complete the active campaigns whose flight or budget is over, and return them.

        Those that are being billed at this moment are left to the next call.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer.
        """


@dataclass(frozen=True, slots=True)
class OrganizationReading:
    """What of an organization has to be published.

    `line_items` are all of them when `changes` is None, else those that it calls changed.
    """

    marks: Marks
    changes: Changes | None
    line_items: Sequence[ServableLineItem]


@dataclass(frozen=True, slots=True)
class InventoryReading:
    """What may serve, as far as it is not published yet. Of two readings the later saw more."""

    built_at: datetime
    placements: Mapping[str, PublishedPlacement]
    organizations: Mapping[OrganizationId, OrganizationReading]

    @classmethod
    def of(cls, inventory: Inventory) -> Self:
        """Return the reading of a whole inventory."""
        organizations = {
            key: OrganizationReading({}, None, items) for key, items in inventory.line_items.items()
        }
        return cls(inventory.built_at, inventory.placements, organizations)


class InventorySource(Protocol):
    """Reads what may serve from the source of truth, across organizations."""

    def load(self, *, now: datetime) -> Inventory:
        """Return the inventory as of `now`, ranked, with an empty version."""

    def read(
        self, bases: Mapping[OrganizationId, Marks], *, now: datetime, overlay_limit: int
    ) -> InventoryReading:
        """Return what has changed since these bases, as of `now`, to be published.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer.
        """


class CompletionLearning(Protocol):
    """Learns from the statistics how often films are seen to their end, across organizations."""

    def learn(self, *, now: datetime) -> int:
        """Measure the line items that learn, as of `now`; return of how many films that told else.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer; what was known stays.
        """


class InventoryStore(Protocol):
    """Publishes inventory to where the decision plane reads it."""

    def bases(self) -> Mapping[OrganizationId, Marks]:
        """Return what changes may be told against: the marks of what is compiled and there.

        Raises:
            DependencyUnavailableError: the store does not answer.
        """

    def publish(self, inventory: Inventory) -> str:
        """Store all of the inventory and make it current; return the version in force.

        Raises:
            DependencyUnavailableError: the store does not answer; what was published stays.
        """

    def publish_changes(self, reading: InventoryReading) -> str:
        """Store what has changed since `bases` and make it current; return the version in force.

        Raises:
            DependencyUnavailableError: the store does not answer; what was published stays.
        """


class SnapshotDocuments(Protocol):
    """Hands out what was published, as it was published.

    Both raise DependencyUnavailableError when they get no answer, and SnapshotCorruptError when
    it is not there any more.
    """

    def root(self, version: str) -> bytes:
        """Return that version's root."""

    def segment(self, name: str) -> bytes:
        """Return the compiled segment of that name."""


class PublicationHistory(Protocol):
    """Keeps what was published, for longer than it is in force."""

    def keep(self, version: str, documents: SnapshotDocuments, *, now: datetime) -> None:
        """Keep that version whole; a repeat changes nothing.

        Raises:
            DependencyUnavailableError: it is not kept.
        """


@dataclass(frozen=True, slots=True)
class RecordedBatch:
    """What became of a batch of beacons.

    `unknown` holds positions in the batch whose line item does not exist, `gone` those of days that
    are archived and dropped: without their events nobody would know a repeat.
    """

    recorded: int
    duplicates: int
    billed_impressions: int
    unbilled_impressions: int
    unknown: tuple[int, ...]
    a_budget_has_ended: bool = False
    """A campaign that paid for this batch can no longer pay for another impression like it."""
    gone: tuple[int, ...] = ()
    held: int = 0
    """Completes of ads that have not begun, as far as is known; they are recorded when they have."""
    invalid: Mapping[InvalidTraffic, int] = field(default_factory=dict)
    """How many were kept apart by each rule; those replayed or repeated are among the duplicates."""


class BeaconLedger(Protocol):
    """Records beacons and bills impressions, in one transaction."""

    def record(self, beacons: Sequence[Beacon]) -> RecordedBatch:
        """Store each beacon once, bill its impression within the budget, count it.

        What cannot have happened beside what is stored is kept apart under its rule instead.
        Calling it again with the same beacons changes nothing.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer; nothing was recorded.
        """


class BreakEvents(Protocol):
    """Keeps what players tell of whole ad breaks: beacons of slot 0."""

    def record(self, beacons: Sequence[Beacon]) -> None:
        """Keep each event of each break once; calling it again changes nothing.

        Those of an unknown placement are dropped: nobody could see them.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer; nothing was kept.
        """


class InvalidTrafficLog(Protocol):
    """Keeps what does not count."""

    def record(
        self, invalid: Sequence[Beacon], forged: Sequence[tuple[str, int, ForgedBeacon]]
    ) -> tuple[int, ...]:
        """Keep each invalid call once under its rule, each forged one by its message and place.

        Calling it again with the same changes nothing. Return the positions in `invalid` of those
        whose line item, or placement of a whole break, does not exist: they are not kept.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer; nothing was kept.
        """


class DecisionCounts(Protocol):
    """Counts what was decided, from messages."""

    def add(self, messages: Sequence[DecidedCounts]) -> int:
        """Add the counts of messages that were not added before; return how many those were.

        Rows of placements or line items that do not exist count for nobody.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer; nothing was added.
        """


class RefusedMessages(Protocol):
    """Keeps why messages were refused, until they are long gone."""

    def note(self, queue: str, reasons: Mapping[str, str], *, now: datetime) -> None:
        """Keep why each message, by its id, was refused.

        Raises:
            DependencyUnavailableError: PostgreSQL does not answer.
        """

    def reasons(self, message_ids: Sequence[str]) -> Mapping[str, str]:
        """Return why each of these was refused, as far as it is known."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that is given up."""

    first_message_id: str
    """Its id when it was sent first: it gets others on its ways."""
    body: str
    reason: str


class DeadLetters(Protocol):
    """Keeps messages that were given up, until somebody looks at them."""

    def bury(self, letter: DeadLetter) -> None:
        """Keep the message with its reason.

        Raises:
            DependencyUnavailableError: the queue does not answer.
        """


class InventoryChanges(Protocol):
    """Tells the inventory function that something it publishes may have changed."""

    def announce(self, reason: str) -> None:
        """Ask for publication, after the commit of what changed.

        Never fails its caller, whose change stands: an announcement that is lost is told in the
        log, and only delays the change to the next scheduled publication.
        """
