"""Answer an ad request: decide, and sign the beacons of what was decided."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ctv_ads.decisioning.choose_ad import Choice, ChosenAd, choose_ad
from ctv_ads.domain.ad_break import AdBreak, DecisionContext, NoFillReason
from ctv_ads.domain.beacon import BeaconClaims
from ctv_ads.domain.beacon_token import TokenKeys, issue_token
from ctv_ads.domain.ids import DecisionId
from ctv_ads.errors import DependencyUnavailableError, SnapshotCorruptError
from ctv_ads.ports.base import Clock, NewId
from ctv_ads.ports.decision_plane import InventoryReader

NewSeed = Callable[[], int]
"""Returns a non-negative random number."""


@dataclass(frozen=True, slots=True)
class ServedAd:
    """An ad with the token that its beacons carry."""

    chosen: ChosenAd
    token: str
    ad_serving_id: str
    """Unique per ad and decision (VAST 4.2 §3.4.3)."""


@dataclass(frozen=True, slots=True)
class AdDecision:
    """The answer to one ad request. `degraded` tells why the inventory could not be read."""

    decision_id: DecisionId
    ads: tuple[ServedAd, ...]
    no_fill_reason: NoFillReason | None
    degraded: str | None = None


@dataclass(frozen=True, slots=True)
class ServeAd:
    """Decides one break."""

    inventory: InventoryReader
    keys: TokenKeys
    beacon_lifetime: timedelta
    clock: Clock
    new_id: NewId
    new_seed: NewSeed

    def __call__(self, ad_break: AdBreak) -> AdDecision:
        """Return the ad for `ad_break`, or the reason why there is none; never fails."""
        decision_id = DecisionId(self.new_id())
        now = self.clock()
        try:
            inventory = self.inventory.current()
        except (DependencyUnavailableError, SnapshotCorruptError) as error:
            return AdDecision(decision_id, (), NoFillReason.INVENTORY_UNAVAILABLE, str(error))
        context = DecisionContext(decision_id, seed=self.new_seed(), now=now)
        choice: Choice = choose_ad(inventory, ad_break, context)
        ads = (self._served(choice.ad, decision_id, now),) if choice.ad else ()
        return AdDecision(decision_id, ads, choice.no_fill_reason)

    def _served(self, chosen: ChosenAd, decision_id: DecisionId, now: datetime) -> ServedAd:
        slot = 1
        decided_at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        claims = BeaconClaims(
            decision_id=decision_id,
            slot=slot,
            decided_at=decided_at,
            expires_at=decided_at + self.beacon_lifetime,
            line_item_id=chosen.line_item.line_item_id,
            creative_id=chosen.creative.creative_id,
            placement_id=chosen.placement_id,
            price_micros=chosen.line_item.price_micros,
        )
        return ServedAd(chosen, issue_token(claims, self.keys), f"{decision_id}-{slot}")
