"""Take tracking calls: verify their tokens, judge where they come from, hand them to the queue."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from ctv_ads.domain.beacon import Beacon, BeaconEvent, ForgedBeacon
from ctv_ads.domain.beacon_token import BadTokenError, TokenKeys, read_token
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.ports.base import Clock
from ctv_ads.ports.decision_plane import BeaconQueue

_TICK = timedelta(microseconds=1)
_KNOWN_EVENTS = frozenset(event.value for event in BeaconEvent)


class BeaconOutcome(StrEnum):
    """What became of a call. Callers are told the same in every case."""

    QUEUED = "queued"
    INVALID = "invalid"
    UNKNOWN_EVENT = "unknown_event"


class Lists(Protocol):
    """Whose traffic never counts."""

    def is_data_centre(self, address: str) -> bool:
        """Tell whether nobody can watch at this address."""

    def is_crawler(self, user_agent: str) -> bool:
        """Tell whether this is no player."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who made the calls. `address` and `user_agent` are judged here and go no further."""

    address: str
    user_agent: str
    client_network: str | None
    """The address, truncated."""
    user_agent_class: str


@dataclass(frozen=True, slots=True)
class BeaconCall:
    """A tracking call as it came in."""

    event: str
    token: str
    vast_error_code: int | None = None


@dataclass(frozen=True, slots=True)
class CollectBeacon:
    """The collector's one job."""

    queue: BeaconQueue
    keys: TokenKeys
    lists: Lists
    clock: Clock

    def __call__(self, calls: Iterable[BeaconCall], caller: Caller) -> list[BeaconOutcome]:
        """Queue what may be recorded, all of it or nothing; return each call's outcome.

        Raises:
            DependencyUnavailableError: the queue did not take it; the caller should retry.
        """
        now = self.clock()
        listed = self._listed(caller)
        outcomes: list[BeaconOutcome] = []
        beacons: list[Beacon | ForgedBeacon] = []
        times: Counter[tuple[str, str]] = Counter()
        for call in calls:
            if call.event not in _KNOWN_EVENTS:
                outcomes.append(BeaconOutcome.UNKNOWN_EVENT)
                continue
            # Repeats are told by when they came: those of one call a microsecond after one another.
            received_at = now + times[call.event, call.token] * _TICK
            times[call.event, call.token] += 1
            beacon = self._beacon(call, caller, received_at, listed)
            is_valid = isinstance(beacon, Beacon) and beacon.invalid is None
            outcomes.append(BeaconOutcome.QUEUED if is_valid else BeaconOutcome.INVALID)
            beacons.append(beacon)
        if beacons:
            self.queue.send(beacons)
        return outcomes

    def _listed(self, caller: Caller) -> InvalidTraffic | None:
        if self.lists.is_crawler(caller.user_agent):
            return InvalidTraffic.CRAWLER
        if self.lists.is_data_centre(caller.address):
            return InvalidTraffic.DATA_CENTRE
        return None

    def _beacon(
        self, call: BeaconCall, caller: Caller, now: datetime, listed: InvalidTraffic | None
    ) -> Beacon | ForgedBeacon:
        try:
            claims = read_token(call.token, self.keys)
        except BadTokenError:
            return ForgedBeacon(now, caller.client_network, caller.user_agent_class)
        return Beacon(
            event=BeaconEvent(call.event),
            claims=claims,
            received_at=now,
            client_network=caller.client_network,
            user_agent_class=caller.user_agent_class,
            vast_error_code=call.vast_error_code,
            invalid=InvalidTraffic.EXPIRED if now > claims.expires_at else listed,
        )
