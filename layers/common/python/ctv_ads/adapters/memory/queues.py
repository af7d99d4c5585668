"""Queues in memory: what was sent stays to be looked at."""

from collections.abc import Sequence

from ctv_ads.domain.beacon import Beacon, ForgedBeacon
from ctv_ads.ports.vast_tags import TagCheck, TagVerdict


class MemoryBeaconQueue:
    """Implements `ports.BeaconQueue`; `messages` holds what was sent, in order."""

    def __init__(self) -> None:
        self.messages: list[Sequence[Beacon | ForgedBeacon]] = []

    @property
    def beacons(self) -> list[Beacon]:
        """The genuine beacons of all messages."""
        return [one for message in self.messages for one in message if isinstance(one, Beacon)]

    @property
    def forged(self) -> list[ForgedBeacon]:
        """The forged beacons of all messages."""
        return [
            one for message in self.messages for one in message if isinstance(one, ForgedBeacon)
        ]

    def send(self, beacons: Sequence[Beacon | ForgedBeacon]) -> None:
        """Keep the beacons."""
        self.messages.append(tuple(beacons))


class MemoryInventoryChanges:
    """Implements `ports.InventoryChanges`; `reasons` holds what was announced, in order."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def announce(self, reason: str) -> None:
        """Keep the reason."""
        self.reasons.append(reason)


class MemoryTagChecks:
    """Implements `ports.TagChecks`; `checks` holds what was asked for, in order."""

    def __init__(self) -> None:
        self.checks: list[TagCheck] = []

    def ask(self, check: TagCheck) -> None:
        """Keep the check."""
        self.checks.append(check)


class MemoryTagVerdicts:
    """Implements `ports.TagVerdicts`; `verdicts` holds what was told, in order."""

    def __init__(self) -> None:
        self.verdicts: list[TagVerdict] = []

    def tell(self, verdict: TagVerdict) -> None:
        """Keep the verdict."""
        self.verdicts.append(verdict)
