"""Queues in memory: what was sent stays to be looked at."""

from ctv_ads.domain.beacon import Beacon


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
