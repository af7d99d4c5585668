"""In which order a line item's creatives are tried for one break.

Pure: chance comes from the decision's seed, mixed with the line item, so that a replay tries
the same order and two line items of one pod do not draw the same lot.
"""

from collections.abc import Sequence
from random import Random
from zlib import crc32

from ctv_ads.domain.inventory import ServableCreative, ServableLineItem
from ctv_ads.domain.line_item import CreativeRotation

Creatives = tuple[ServableCreative, ...]

_PRIOR_COMPLETES = 1
_PRIOR_ABANDONED = 1
"""Before anything is measured every completion rate is as likely as any other."""
_GOLDEN = 0x9E3779B97F4A7C15


def rotated(
    line_item: ServableLineItem, creatives: Sequence[ServableCreative], *, seed: int
) -> Creatives:
    """Return `creatives`, those of `line_item` that fit, in the order to be tried.

    - even: each is first equally often, the others follow in turn
    - weighted: each is first as often as its weight says, then each of the rest likewise
    - sequential: by sequence, those without one last; where a viewer begins is known only
      where the viewer's count is, so it is not decided here
    - optimized: by Thompson sampling of the completion rate, so that the better ones come
      first mostly, and those little is known of come first at times
    """
    if len(creatives) < 2:
        return tuple(creatives)
    lot = _lot(line_item.line_item_id, seed)
    rotation = line_item.creative_rotation
    if rotation is CreativeRotation.EVEN:
        first = lot % len(creatives)
        return (*creatives[first:], *creatives[:first])
    if rotation is CreativeRotation.SEQUENTIAL:
        return tuple(sorted(creatives, key=place_in_sequence))
    if rotation is CreativeRotation.WEIGHTED:
        return _weighted(creatives, lot)
    return _optimized(creatives, lot)


def _lot(line_item_id: str, seed: int) -> int:
    """Return 32 bits; the product keeps lots of two line items from going hand in hand."""
    mixed = crc32(line_item_id.encode(), seed & 0xFFFFFFFF)
    return (mixed * mixed + mixed * _GOLDEN >> 32) & 0xFFFFFFFF


def place_in_sequence(creative: ServableCreative) -> tuple[bool, int, str]:
    """Sort by sequence, those without one last."""
    return creative.sequence is None, creative.sequence or 0, creative.creative_id


def _weighted(creatives: Sequence[ServableCreative], lot: int) -> Creatives:
    # Whichever of several processes that run at the rate of their weights arrives first.
    chance = Random(lot)  # noqa: S311 - it has to be repeatable
    arrivals = [(chance.expovariate(one.weight), one) for one in creatives]
    return tuple(one for _, one in sorted(arrivals, key=lambda arrival: arrival[0]))


def _optimized(creatives: Sequence[ServableCreative], lot: int) -> Creatives:
    chance = Random(lot)  # noqa: S311 - it has to be repeatable
    drawn = [(_likely_rate(one, chance), one) for one in creatives]
    return tuple(one for _, one in sorted(drawn, key=lambda draw: -draw[0]))


def _likely_rate(creative: ServableCreative, chance: Random) -> float:
    """Draw a completion rate from what the measurements leave likely (a Beta distribution)."""
    completes = min(creative.completes, creative.impressions)
    abandoned = creative.impressions - completes
    return chance.betavariate(_PRIOR_COMPLETES + completes, _PRIOR_ABANDONED + abandoned)
