"""Take one tracking call: verify its token and hand it to the queue."""

from dataclasses import dataclass
from enum import StrEnum

from ctv_ads.domain.beacon import Beacon, BeaconEvent
from ctv_ads.domain.beacon_token import BadTokenError, TokenKeys, read_token
from ctv_ads.ports.base import Clock
from ctv_ads.ports.decision_plane import BeaconQueue

_KNOWN_EVENTS = frozenset(event.value for event in BeaconEvent)


class BeaconOutcome(StrEnum):
    """What became of a call. Players are told the same in every case."""

    QUEUED = "queued"
    BAD_TOKEN = "bad_token"  # noqa: S105 - an outcome, not a secret
    EXPIRED = "expired"
    UNKNOWN_EVENT = "unknown_event"


@dataclass(frozen=True, slots=True)
class BeaconCall:
    """A tracking call as it came in. `client_network` is truncated already."""

    event: str
    token: str
    client_network: str | None
    user_agent_class: str
    vast_error_code: int | None = None


@dataclass(frozen=True, slots=True)
class CollectBeacon:
    """The collector's one job."""

    queue: BeaconQueue
    keys: TokenKeys
    clock: Clock

    def __call__(self, call: BeaconCall) -> BeaconOutcome:
        """Queue the beacon if it is genuine and in time.

        Raises:
            DependencyUnavailableError: the queue did not take it; the player should retry.
        """
        if call.event not in _KNOWN_EVENTS:
            return BeaconOutcome.UNKNOWN_EVENT
        try:
            claims = read_token(call.token, self.keys)
        except BadTokenError:
            return BeaconOutcome.BAD_TOKEN
        now = self.clock()
        if now > claims.expires_at:
            return BeaconOutcome.EXPIRED
        self.queue.send(
            Beacon(
                event=BeaconEvent(call.event),
                claims=claims,
                received_at=now,
                client_network=call.client_network,
                user_agent_class=call.user_agent_class,
                vast_error_code=call.vast_error_code,
            )
        )
        return BeaconOutcome.QUEUED
