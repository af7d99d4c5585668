"""Mark a checked third-party tag ready or rejected."""

from dataclasses import dataclass

from ctv_ads.domain.creative import CreativeStatus
from ctv_ads.domain.ids import made_at_ms
from ctv_ads.errors import NotFoundError
from ctv_ads.ports.base import Clock
from ctv_ads.ports.pipeline import InventoryChanges
from ctv_ads.ports.uploads import CreativeValidation
from ctv_ads.ports.vast_tags import TagVerdict

_REGISTERED_WITHIN_MS = 60_000
"""Far above what a request may take: what is not there by then will never be."""


@dataclass(frozen=True, slots=True)
class SettleTag:
    """Works on one verdict at a time; repeats and latecomers change nothing."""

    validation: CreativeValidation
    inventory_changes: InventoryChanges
    clock: Clock

    def __call__(self, verdict: TagVerdict) -> CreativeStatus | None:
        """Return what the tag became, or None when it no longer waited.

        Raises:
            NotFoundError: its registration has not ended; ask again.
        """
        # A check is asked for inside the transaction that makes the tag wait: it may come back
        # before that has ended.
        if not self.validation.is_known(verdict.creative_id):
            age_ms = self.clock().timestamp() * 1000 - made_at_ms(verdict.creative_id)
            if age_ms < _REGISTERED_WITHIN_MS:
                raise NotFoundError("the tag is not registered yet")
            return None
        if verdict.facts is None:
            rejected = self.validation.reject(
                verdict.creative_id, verdict.rejections, now=self.clock()
            )
            return CreativeStatus.REJECTED if rejected else None
        if not self.validation.accept_tag(verdict.creative_id, verdict.facts, now=self.clock()):
            return None
        self.inventory_changes.announce(f"tag {verdict.creative_id} is ready")
        return CreativeStatus.READY
