"""Publish what may serve now."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from ctv_ads.errors import OperatorError
from ctv_ads.ports.base import Clock
from ctv_ads.ports.pipeline import InventorySource, InventoryStore

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PublishInventory:
    """Reads what has changed in the source of truth and makes it what decisions see."""

    source: InventorySource
    store: InventoryStore
    clock: Clock
    overlay_limit: int = 1000
    """How many line items may have changed before an organization is compiled anew."""
    keep: Callable[[str], None] | None = None
    """Keeps a version in the history, from which decisions are explained later."""

    def __call__(self) -> str:
        """Publish the inventory as it is now and return the version in force.

        It is kept after it is in force, for a pause must not wait for the history; what could
        not be kept is tried again with the next publication.

        Raises:
            DependencyUnavailableError: PostgreSQL or Valkey does not answer; the inventory
                published before stays in force.
        """
        bases = self.store.bases()
        reading = self.source.read(bases, now=self.clock(), overlay_limit=self.overlay_limit)
        version = self.store.publish_changes(reading)
        if self.keep:
            try:
                self.keep(version)
            except OperatorError:
                _LOG.exception("inventory %s is in force, but not in the history", version)
        return version
