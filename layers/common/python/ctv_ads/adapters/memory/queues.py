"""Queues in memory: what was sent stays to be looked at."""

from ctv_ads.domain.beacon import Beacon
from ctv_ads.ports.vast_tags import TagCheck, TagVerdict


class MemoryBeaconQueue:
    """Implements `ports.BeaconQueue`; `beacons` holds what was sent, in order."""

    def __init__(self) -> None:
        self.beacons: list[Beacon] = []

    def send(self, beacon: Beacon) -> None:
        """Keep the beacon."""
        self.beacons.append(beacon)


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
