"""Ports of the decision plane: the inventory it reads, the queue it feeds."""

from typing import Protocol

from ctv_ads.domain.beacon import Beacon
from ctv_ads.domain.inventory import Inventory


class InventoryReader(Protocol):
    """Hands out the inventory in force."""

    def current(self) -> Inventory:
        """Return the newest inventory this process can get.

        Raises:
            DependencyUnavailableError: there is none, not even an old one.
        """


class BeaconQueue(Protocol):
    """Takes verified beacons."""

    def send(self, beacon: Beacon) -> None:
        """Hand the beacon over for good.

        Raises:
            DependencyUnavailableError: the queue did not take it; nothing is recorded.
        """
