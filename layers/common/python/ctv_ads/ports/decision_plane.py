"""Ports of the decision plane: the inventory it reads, the queue it feeds."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from ctv_ads.decisioning.segments.index import LineItemIndex
from ctv_ads.decisioning.segments.snapshot import Snapshot
from ctv_ads.domain.beacon import Beacon, ForgedBeacon
from ctv_ads.domain.ids import DecisionId, OrganizationId
from ctv_ads.domain.pod import Candidate, FilledPod, PodSpec, ViewerKeys


class SnapshotReader(Protocol):
    """Hands out the snapshot in force, from memory."""

    def current(self) -> Snapshot:
        """Return the snapshot in memory; the first call loads the one in force.

        Raises:
            DependencyUnavailableError: there is none, not even an old one.
            SnapshotCorruptError: the first one is damaged or missing.
        """

    def refresh(self, version: str | None = None) -> Snapshot:
        """Load that version, or whichever is in force, and return what serves from now on.

        That is the last good snapshot when the new one cannot be loaded; whoever asked for
        `version` sees it by the version of what is returned.

        Raises:
            DependencyUnavailableError: there is none, not even an old one.
            SnapshotCorruptError: the first one is damaged or missing.
        """

    def known_version(self) -> str | None:
        """Return the version that is taken to be in force, None before any is.

        That is the snapshot's, or a newer one for some seconds after it was refused: until then
        there is nothing better to be had.
        """

    def line_items(self, organization_id: OrganizationId) -> LineItemIndex:
        """Return that organization's line items of the current snapshot, loaded on first use.

        Raises:
            DependencyUnavailableError: they were not loaded before, and cannot be now.
            SnapshotCorruptError: they were not loaded before, and are damaged or missing.
        """


class PodFiller(Protocol):
    """Fills one break atomically: caps, tokens, separation and fit, in one round trip."""

    def fill(  # noqa: PLR0913 - all of them are one question
        self,
        spec: PodSpec,
        candidates: Sequence[Candidate],
        viewer: ViewerKeys,
        *,
        seed: int,
        now: datetime,
        version: str | None,
        record: bytes,
        least_more_ms: int = 0,
    ) -> FilledPod:
        """Pick, reserve and count, or do nothing at all when `version` is not in force.

        `version` None takes whatever is in force. `record` is kept with the outcome in the
        list of recent decisions, in the same step. It is different for every decision: a
        repeat after a lost connection is known by it. With `least_more_ms` above 0 nothing is
        done either when what is paid for leaves a slot and at least so much time: the caller
        has more candidates to offer.

        Raises:
            DependencyUnavailableError: no answer in time. Whether something was reserved is
                not known; reservations that nobody claims expire.
        """


class HeldDecisions(Protocol):
    """Keeps records of decisions that were made without Valkey, until it answers again."""

    def keep(self, decision_id: DecisionId, note: bytes, outcome: FilledPod) -> None:
        """Keep a record; of too many the oldest is let go, which is told when they are handed over."""

    def hand_over(self) -> None:
        """Write some of what is kept, if there is any; what cannot be written is kept on."""


class BeaconQueue(Protocol):
    """Takes the beacons of one call."""

    def send(self, beacons: Sequence[Beacon | ForgedBeacon]) -> None:
        """Hand the beacons over for good, all of them or none.

        Raises:
            DependencyUnavailableError: the queue did not take them; nothing is recorded.
        """
