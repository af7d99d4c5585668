"""Answer an ad request: find candidates, have them fill the break, sign what was chosen."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from ctv_ads.decisioning.no_fill import no_fill_reason
from ctv_ads.decisioning.prepare_pod import PreparedPod, prepare_pod
from ctv_ads.decisioning.segments.search import REACHES
from ctv_ads.decisioning.segments.snapshot import Snapshot
from ctv_ads.decisioning.without_valkey import fill_without_valkey
from ctv_ads.domain.ad_request import AdRequest
from ctv_ads.domain.decision_record import AnswerForm, DecisionNote
from ctv_ads.domain.ids import DecisionId
from ctv_ads.domain.inventory import PublishedPlacement
from ctv_ads.domain.placement import SERVED_VAST_VERSION, VastVersion
from ctv_ads.domain.pod import FilledPod, PodSpec, ViewerKeys
from ctv_ads.domain.reasons import NoFillReason, Reason
from ctv_ads.errors import DependencyUnavailableError, SnapshotCorruptError
from ctv_ads.ports.base import Clock, NewId
from ctv_ads.ports.decision_plane import HeldDecisions, PodFiller, SnapshotReader
from ctv_ads.use_cases.exhausted import Exhausted
from ctv_ads.use_cases.sign_ads import Decided, SignAds
from ctv_ads.vast.document import PodAd

NewSeed = Callable[[], int]
"""Returns a non-negative random number."""
_MOST_OF_WHY = 200
_NOTHING = PreparedPod(PodSpec(None, 1), (), ())


class Question(NamedTuple):
    """A request as it came to the door.

    `read` makes it typed once its placement is known: whose word counts, and within which
    organization viewers are told apart, are the placement's to say.
    """

    placement: str
    read: Callable[[PublishedPlacement], AdRequest]
    form: AnswerForm
    base_url: str


class PodDecision(NamedTuple):
    """The answer: ads in play order, or the reason why there is none.

    `decided` is None when the placement is unknown. `degraded` tells why the answer is less
    than it could be.
    """

    decision_id: DecisionId
    ads: tuple[PodAd, ...] = ()
    no_fill_reason: NoFillReason | None = None
    vast_version: VastVersion = SERVED_VAST_VERSION
    decided: Decided | None = None
    optimality_gap_bp: int = 0
    degraded: str | None = None


class Planned(NamedTuple):
    """A break that is decided later: what its own beacons say, and the version of its answer."""

    decided: Decided
    vast_version: VastVersion


def vast_version_of(request: AdRequest, placement: PublishedPlacement) -> VastVersion:
    """Return the version to answer in: as asked for, else the placement's."""
    asked = request.vast_version
    return placement.vast_version if asked is None else VastVersion(asked)


class _Case(NamedTuple):
    """One decision under way. `now` has whole milliseconds, as records and tokens have."""

    decision_id: DecisionId
    seed: int
    began_at: datetime
    now: datetime
    question: Question


@dataclass(frozen=True, slots=True)
class ServePod:
    """Decides breaks, each in one round trip.

    It takes another one if the inventory has just changed, or if the candidates leave room in the
    break and more exist: at most two more, each going farther.
    """

    inventory: SnapshotReader
    filler: PodFiller
    encode_note: Callable[[DecisionNote], bytes]
    sign: SignAds
    clock: Clock
    new_id: NewId
    new_seed: NewSeed
    held: HeldDecisions | None = None
    """Keeps what Valkey did not take. None: such decisions leave no record."""
    _exhausted: Exhausted = field(default_factory=Exhausted)

    def __call__(self, question: Question) -> PodDecision:
        """Return the pod for the break, or the reason why it is empty; never fails."""
        case = self._case(question)
        try:
            return self._in_force(case)
        except (DependencyUnavailableError, SnapshotCorruptError) as error:
            reason = NoFillReason.INVENTORY_UNAVAILABLE
            return PodDecision(case.decision_id, no_fill_reason=reason, degraded=str(error))

    def plan(self, question: Question) -> Planned | None:
        """Return what is known of a break that is decided later; None: unknown placement.

        Raises:
            DependencyUnavailableError, SnapshotCorruptError: there is no inventory at hand.
        """
        case = self._case(question)
        placement = self.inventory.current().placements.get(question.placement)
        if placement is None:
            return None
        request = question.read(placement)
        decided = Decided(case.decision_id, case.now, placement.placement_id, request)
        return Planned(decided, vast_version_of(request, placement))

    def _case(self, question: Question) -> _Case:
        began_at = self.clock()
        now = began_at.replace(microsecond=began_at.microsecond // 1000 * 1000)
        return _Case(DecisionId(self.new_id()), self.new_seed(), began_at, now, question)

    def _in_force(self, case: _Case) -> PodDecision:
        """Return the decision on the inventory in force.

        Raises:
            DependencyUnavailableError, SnapshotCorruptError: there is no inventory at hand.
        """
        snapshot = self.inventory.current()
        outcome = self._decide(case, snapshot, version=self.inventory.known_version())
        if isinstance(outcome, PodDecision):
            return outcome
        # Decided on what is no longer in force, so nothing was reserved or counted: once more,
        # on what can be had now, whatever is in force by then.
        self._exhausted.forget()
        again = self._decide(case, self.inventory.refresh(outcome.version), version=None)
        if isinstance(again, PodDecision):
            return again
        raise DependencyUnavailableError("valkey", "it calls every inventory stale")

    def _decide(
        self, case: _Case, snapshot: Snapshot, *, version: str | None, reach: int = 0
    ) -> PodDecision | FilledPod:
        """Return the decision, or the stale pod when `snapshot` is not in force any more."""
        placement = snapshot.placements.get(case.question.placement)
        if placement is None:
            filled, degraded = self._fill(case, _NOTHING, ViewerKeys(), version, b"", 0)
            reason = NoFillReason.UNKNOWN_PLACEMENT
            decision = PodDecision(case.decision_id, no_fill_reason=reason, degraded=degraded)
            return filled if filled.is_stale else decision
        request = case.question.read(placement)
        prepared = self._prepare(case, placement, request, reach)
        viewer = request.viewer
        keys = ViewerKeys(viewer.session_key, viewer.device_key, viewer.household_key)
        note = self._note(case, snapshot.version, placement, request, prepared, reach)
        least_more_ms = prepared.least_more_ms if reach + 1 < len(REACHES) else 0
        record = self.encode_note(note)
        filled, degraded = self._fill(case, prepared, keys, version, record, least_more_ms)
        if filled.is_stale:
            return filled
        if degraded is None:
            self._learn(prepared, filled, case.now)
            if self.held is not None:
                self.held.hand_over()
        elif self.held is not None:
            why, latency_us = degraded[:_MOST_OF_WHY], self._latency_us(case)
            told = note._replace(degraded=why, latency_us=latency_us)
            self.held.keep(case.decision_id, self.encode_note(told), filled)
        if filled.is_short:
            return self._decide(case, snapshot, version=version, reach=reach + 1)
        decided = Decided(case.decision_id, case.now, placement.placement_id, request)
        passed_over = prepared.passed_over
        empty_for = None if filled.picks else no_fill_reason(filled.verdicts, passed_over)
        return PodDecision(
            case.decision_id,
            self.sign.ads(decided, prepared.candidates, filled.picks),
            empty_for,
            vast_version_of(request, placement),
            decided,
            filled.optimality_gap_bp,
            degraded,
        )

    def _prepare(
        self, case: _Case, placement: PublishedPlacement, request: AdRequest, reach: int
    ) -> PreparedPod:
        """Return the candidates, without those known to be out of tokens if others are there.

        If nobody else is, that is what keeps the break empty, and what its record has to say.
        """
        index = self.inventory.line_items(placement.organization_id)
        exhausted = self._exhausted.at(case.now)
        prepare = partial(
            prepare_pod,
            index,
            request,
            placement,
            now=case.now,
            seed=case.seed,
            reach=REACHES[reach],
        )
        prepared = prepare(skip=exhausted)
        return prepare() if exhausted and not prepared.candidates else prepared

    def _fill(
        self,
        case: _Case,
        prepared: PreparedPod,
        viewer: ViewerKeys,
        version: str | None,
        record: bytes,
        least_more_ms: int,
    ) -> tuple[FilledPod, str | None]:
        try:
            filled = self.filler.fill(
                prepared.spec,
                prepared.candidates,
                viewer,
                seed=case.seed,
                now=case.now,
                version=version,
                record=record,
                least_more_ms=least_more_ms,
            )
        except DependencyUnavailableError as error:
            return fill_without_valkey(prepared, now=case.now), str(error)
        return filled, None

    def _learn(self, prepared: PreparedPod, filled: FilledPod, now: datetime) -> None:
        if Reason.NO_TOKENS not in filled.verdicts:
            return
        pairs = zip(prepared.candidates, filled.verdicts, strict=True)
        self._exhausted.learn(
            [one.line_item.line_item_id for one, verdict in pairs if verdict is Reason.NO_TOKENS],
            now,
        )

    def _latency_us(self, case: _Case) -> int:
        took = self.clock() - case.began_at
        return 0 if took.days < 0 else took.seconds * 1_000_000 + took.microseconds

    def _note(
        self,
        case: _Case,
        version: str,
        placement: PublishedPlacement,
        request: AdRequest,
        prepared: PreparedPod,
        reach: int,
    ) -> DecisionNote:
        return DecisionNote(
            decision_id=case.decision_id,
            decided_at=case.now,
            seed=case.seed,
            snapshot_version=version,
            organization_id=placement.organization_id,
            placement_id=placement.placement_id,
            request=request,
            form=case.question.form,
            vast_version=vast_version_of(request, placement),
            base_url=case.question.base_url,
            key_id=self.sign.keys.current,
            beacon_lifetime_s=self.sign.beacon_lifetime // timedelta(seconds=1),
            expires_s=self.sign.reservation // timedelta(seconds=1),
            candidates=tuple([one.line_item.line_item_id for one in prepared.candidates]),
            reach=reach,
            latency_us=self._latency_us(case),
        )
