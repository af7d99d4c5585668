"""Choose the ad for a break: the first line item in rank order that may serve.

Pure: inventory, request, time and chance come in, the choice and its reason go out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from ctv_ads.domain.ad_break import AdBreak, DecisionContext, NoFillReason
from ctv_ads.domain.ids import LineItemId, PlacementId
from ctv_ads.domain.inventory import Inventory, ServableCreative, ServableLineItem


@dataclass(frozen=True, slots=True)
class ChosenAd:
    """The ad that plays."""

    line_item: ServableLineItem
    creative: ServableCreative
    placement_id: PlacementId


@dataclass(frozen=True, slots=True)
class Choice:
    """The outcome of one decision: an ad, or the reason why there is none.

    `rejections` names every line item that was looked at and passed over, in rank order.
    """

    ad: ChosenAd | None
    no_fill_reason: NoFillReason | None
    rejections: tuple[tuple[LineItemId, NoFillReason], ...] = ()


def choose_ad(inventory: Inventory, ad_break: AdBreak, context: DecisionContext) -> Choice:
    """Return the best eligible ad for `ad_break`, or why there is none.

    Line items of equal priority and price take turns by the decision's seed.
    """
    placement = inventory.placements.get(ad_break.placement)
    if placement is None:
        return Choice(None, NoFillReason.UNKNOWN_PLACEMENT)
    rejections: list[tuple[LineItemId, NoFillReason]] = []
    ranked = inventory.line_items.get(placement.organization_id, ())
    for line_item, rest in _take_turns(ranked, context.seed):
        creatives = [c for c in line_item.creatives if _fits(c, ad_break)]
        reason = _reject(line_item, now=context.now)
        if reason is None and not creatives:
            reason = NoFillReason.NO_CREATIVE_FITS
        if reason is None:
            creative = creatives[rest % len(creatives)]
            ad = ChosenAd(line_item, creative, placement.placement_id)
            return Choice(ad, None, tuple(rejections))
        rejections.append((line_item.line_item_id, reason))
    last = rejections[-1][1] if rejections else NoFillReason.NO_LINE_ITEM
    return Choice(None, last, tuple(rejections))


def _take_turns(
    ranked: Sequence[ServableLineItem], seed: int
) -> Iterator[tuple[ServableLineItem, int]]:
    """Yield line items in rank order, each group of equals rotated by `seed`.

    With each comes what that rotation leaves of the seed, to choose a creative by: the seed
    itself would tie each line item to the same creatives for ever.
    """
    for _, group in groupby(ranked, key=lambda item: (item.priority, item.price_micros)):
        equals = list(group)
        rest, first = divmod(seed, len(equals))
        for line_item in equals[first:] + equals[:first]:
            yield line_item, rest


def _reject(line_item: ServableLineItem, *, now: datetime) -> NoFillReason | None:
    if not line_item.starts_at <= now < line_item.ends_at:
        return NoFillReason.NOT_IN_FLIGHT
    if line_item.remaining_micros < line_item.price_micros:
        return NoFillReason.BUDGET_EXHAUSTED
    return None


def _fits(creative: ServableCreative, ad_break: AdBreak) -> bool:
    return ad_break.max_ad_ms is None or creative.duration_ms <= ad_break.max_ad_ms
