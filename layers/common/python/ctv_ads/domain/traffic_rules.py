"""Which tracking calls cannot have happened, beside what else is known of ad and session.

Pure: what is stored comes in as arguments. Time is the proof, never order alone: players are
known to send `complete` before `firstQuartile`, and stitchers send what a viewer sees next when
the player fetches it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ctv_ads.domain.beacon import BeaconEvent
from ctv_ads.domain.ids import DecisionId

SESSION_WINDOW = timedelta(minutes=10)
FEWEST_VIEWS = 8
"""Fewer views in a window are never too many, however long their films."""
_QUARTERS: Mapping[BeaconEvent, int] = {
    BeaconEvent.FIRST_QUARTILE: 1,
    BeaconEvent.MIDPOINT: 2,
    BeaconEvent.THIRD_QUARTILE: 3,
    BeaconEvent.COMPLETE: 4,
}
PARTS = frozenset(_QUARTERS)
"""The events that tell how far a film was played."""
_MS = timedelta(milliseconds=1)
_NOW = timedelta(0)


@dataclass(frozen=True, slots=True)
class TrafficRules:
    """How generous the rules are.

    `early_ms` is how long before its time a part of a film may be reported: what a player has
    buffered when a stitcher reports segments as they are fetched. `session_surplus_ms` is how
    much longer than the window itself the films of one session's window may be.
    """

    early_ms: int = 10_000
    session_surplus_ms: int = 300_000


@dataclass(frozen=True, slots=True, order=True)
class View:
    """One ad that a session reports to have seen; `film_ms` is 0 when its length is not known."""

    at: datetime
    decision_id: DecisionId
    slot: int
    film_ms: int


def is_too_early(event: BeaconEvent, elapsed: timedelta, film_ms: int, rules: TrafficRules) -> bool:
    """Tell whether the part of the film that `event` reports takes longer than has elapsed.

    `elapsed` is the time from the decision to the call. Below zero a clock is wrong, which
    proves nothing; of a film of unknown length (0) nothing is early.
    """
    quarters = _QUARTERS.get(event)
    if quarters is None or elapsed < _NOW:
        return False
    return elapsed // _MS + rules.early_ms < film_ms * quarters // 4


def too_many_views(
    arrived: Sequence[View], known: Sequence[View], rules: TrafficRules
) -> Sequence[View]:
    """Return those of `arrived` for which their session had no time.

    Each is held against those that counted in the window before it: `known` ones, and arrived
    ones that there was time for. Whatever was refused once is refused again.
    """
    counted = list(known)
    allowed_ms = SESSION_WINDOW // _MS + rules.session_surplus_ms
    refused = []
    for view in sorted(arrived):
        ages = [(view.at - one.at, one.film_ms) for one in counted]
        before = [film_ms for age, film_ms in ages if _NOW <= age < SESSION_WINDOW]
        is_many = len(before) + 1 >= FEWEST_VIEWS
        if view.film_ms and is_many and sum(before) + view.film_ms > allowed_ms:
            refused.append(view)
        else:
            counted.append(view)
    return refused


def is_replay(first_network: str | None, network: str | None) -> bool:
    """Tell whether a repeat comes from elsewhere than what it repeats; unknown proves nothing."""
    return first_network is not None and network is not None and first_network != network
