"""Mark a checked third-party tag ready or rejected."""

from dataclasses import dataclass

from ctv_ads.domain.creative import CreativeStatus
from ctv_ads.ports.base import Clock
from ctv_ads.ports.pipeline import InventoryChanges
from ctv_ads.ports.uploads import CreativeValidation
from ctv_ads.ports.vast_tags import TagVerdict


@dataclass(frozen=True, slots=True)
class SettleTag:
    """Works on one verdict at a time; repeats and latecomers change nothing."""

    validation: CreativeValidation
    inventory_changes: InventoryChanges
    clock: Clock

    def __call__(self, verdict: TagVerdict) -> CreativeStatus | None:
        """Return what the tag became, or None when it no longer waited."""
        if verdict.facts is None:
            rejected = self.validation.reject(
                verdict.creative_id, verdict.rejections, now=self.clock()
            )
            return CreativeStatus.REJECTED if rejected else None
        if not self.validation.accept_tag(verdict.creative_id, verdict.facts, now=self.clock()):
            return None
        self.inventory_changes.announce(f"tag {verdict.creative_id} is ready")
        return CreativeStatus.READY
