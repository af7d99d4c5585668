"""Why line items were not offered: for every one, the first question whose answer removed it."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from ctv_ads.decisioning.segments.creatives import eligible_creatives
from ctv_ads.decisioning.segments.layers import Layer
from ctv_ads.decisioning.segments.query import Query
from ctv_ads.decisioning.segments.search import NEAR, Found
from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.inventory import ServableLineItem
from ctv_ads.domain.reasons import Reason

_NONE: frozenset[LineItemId] = frozenset()


def explain(
    layers: Sequence[Layer],
    query: Query,
    found: Found,
    *,
    per_advertiser: int = NEAR.per_advertiser,
    skip: frozenset[LineItemId] = _NONE,
) -> Mapping[Reason, tuple[LineItemId, ...]]:
    """Return by its reason every line item that `found`, a search for the same, did not offer.

    Dimensions are asked in the order of their reasons' numbers, and each line item is told once.
    It looks at everything: for people who ask, not for decisions.
    """
    told: dict[Reason, list[LineItemId]] = defaultdict(list)
    offered = {item.line_item.line_item_id for item in (*found.line_items, *found.house)}
    served = Counter(item.line_item.advertiser_id for item in found.line_items)
    for layer in layers:
        plan = layer.segment.plan(query)
        for block in layer.blocks:
            present = layer.present(block)
            for reason, kept in block.verdicts(plan):
                told[reason] += map(layer.segment.line_item_id, block.ranks(present & ~kept))
                present &= kept
            for rank in block.ranks(present):
                item = layer.segment.line_item(rank)
                creatives = eligible_creatives(item, query)
                if isinstance(creatives, Reason):
                    told[creatives].append(item.line_item_id)
                elif item.line_item_id in skip:
                    told[Reason.NO_TOKENS].append(item.line_item_id)
                elif item.line_item_id not in offered:
                    is_full = served[item.advertiser_id] >= per_advertiser
                    told[_beyond(item, is_full=is_full)].append(item.line_item_id)
    return {reason: tuple(told[reason]) for reason in sorted(told) if told[reason]}


def _beyond(item: ServableLineItem, *, is_full: bool) -> Reason:
    if is_full and item.type is not LineItemType.HOUSE:
        return Reason.TOO_MANY_OF_ADVERTISER
    return Reason.BEYOND_CANDIDATES
