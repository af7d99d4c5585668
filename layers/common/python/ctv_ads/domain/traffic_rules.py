"""Which tracking calls cannot have happened, beside what else is known of ad and session.

Pure: what is stored comes in as arguments. Time is the proof, never order alone: players are
known to send `complete` before `firstQuartile`, and stitchers send what a viewer sees next when
the player fetches it.
"""

from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ctv_ads.domain.beacon import Beacon, BeaconEvent
from ctv_ads.domain.ids import DecisionId
from ctv_ads.domain.line_item import RateType

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
BEGINNINGS = frozenset({BeaconEvent.IMPRESSION, BeaconEvent.START})
"""One of these there must be, before or after, of an ad whose end is paid for."""
_MS = timedelta(milliseconds=1)
_NOW = timedelta(0)


@dataclass(frozen=True, slots=True)
class TrafficRules:
    """How generous the rules are.

    `early_ms` is how long before its time a part of a film may be reported: what a player has
    buffered when a stitcher reports segments as they are fetched. `session_surplus_ms` is how far
    a session may be ahead of the films that it has reported: about as long as the largest pod.
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

    Films play one after the other. A view cannot have begun while the films of other breaks that
    its session reported before, `known` ones and arrived ones that there was time for, still play
    for longer than the surplus. Ads of one break may be told at once: a stitcher may report them
    as it inserts them, and no break has more than a player can be given. Whatever was refused once
    is refused again.
    """
    counted = sorted(known)
    refused = []
    for view in sorted(arrived):
        before = [one for one in counted if _NOW <= view.at - one.at < SESSION_WINDOW]
        is_many = len(before) + 1 >= FEWEST_VIEWS
        if view.film_ms and is_many and _still_playing_ms(before, view) > rules.session_surplus_ms:
            refused.append(view)
        else:
            insort(counted, view)
    return refused


def _still_playing_ms(before: Sequence[View], view: View) -> int:
    """Return how long the films of other breaks still play when `view` begins, by their order."""
    playing_ms, last_at = 0, before[0].at
    for one in before:
        if one.decision_id != view.decision_id:
            playing_ms = max(0, playing_ms - (one.at - last_at) // _MS) + one.film_ms
            last_at = one.at
    return playing_ms - (view.at - last_at) // _MS


def pays_for_complete(beacon: Beacon) -> bool:
    """Tell whether the call begins or ends an ad whose end is paid for."""
    if beacon.claims.rate_type is not RateType.CPCV:
        return False
    return beacon.event is BeaconEvent.COMPLETE or beacon.event in BEGINNINGS


def is_replay(first_network: str | None, network: str | None) -> bool:
    """Tell whether a repeat comes from elsewhere than what it repeats; unknown proves nothing."""
    return first_network is not None and network is not None and first_network != network
