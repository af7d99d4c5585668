"""In which order a line item's creatives are tried for one break.

Pure: chance comes from the decision's seed, mixed with the line item, so that a replay tries
the same order and two line items of one pod do not draw the same lot.
"""

from collections.abc import Callable, Sequence
from random import Random

from ctv_ads.domain.inventory import ServableCreative, ServableLineItem
from ctv_ads.domain.line_item import CreativeRotation

Creatives = tuple[ServableCreative, ...]

_PRIOR_COMPLETES = 1
_PRIOR_ABANDONED = 1
"""Before anything is measured every completion rate is as likely as any other."""


def rotated(
    line_item: ServableLineItem, creatives: Sequence[ServableCreative], *, seed: int
) -> Creatives:
    """Return `creatives`, those of `line_item` that fit, in the order to be tried.

    - even: each is first equally often
    - weighted: each is first as often as its weight says, then each of the rest likewise
    - sequential: by sequence, those without one last; where a viewer begins is known only
      where the viewer's count is, so it is not decided here
    - optimized: by Thompson sampling of the completion rate, so that the better ones come
      first mostly, and those little is known of come first at times
    """
    if len(creatives) < 2:
        return tuple(creatives)
    order = _ORDERS[line_item.creative_rotation]
    return order(creatives, Random(f"{seed} {line_item.line_item_id}"))  # noqa: S311 - repeatable


def _even(creatives: Sequence[ServableCreative], chance: Random) -> Creatives:
    return tuple(chance.sample(creatives, len(creatives)))


def _weighted(creatives: Sequence[ServableCreative], chance: Random) -> Creatives:
    # The first arrival of processes that run at the rate of their weights.
    arrivals = [(chance.expovariate(max(one.weight, 0) or 1e-9), one) for one in creatives]
    return tuple(one for _, one in sorted(arrivals, key=lambda arrival: arrival[0]))


def _sequential(creatives: Sequence[ServableCreative], chance: Random) -> Creatives:  # noqa: ARG001
    return tuple(sorted(creatives, key=_place))


def _place(creative: ServableCreative) -> tuple[bool, int, str]:
    return creative.sequence is None, creative.sequence or 0, creative.creative_id


def _optimized(creatives: Sequence[ServableCreative], chance: Random) -> Creatives:
    drawn = [(_likely_rate(one, chance), one) for one in creatives]
    return tuple(one for _, one in sorted(drawn, key=lambda draw: -draw[0]))


def _likely_rate(creative: ServableCreative, chance: Random) -> float:
    """Draw a completion rate from what the measurements leave likely (a Beta distribution)."""
    completes = min(creative.completes, creative.impressions)
    abandoned = creative.impressions - completes
    return chance.betavariate(_PRIOR_COMPLETES + completes, _PRIOR_ABANDONED + abandoned)


_ORDERS: dict[CreativeRotation, Callable[[Sequence[ServableCreative], Random], Creatives]] = {
    CreativeRotation.EVEN: _even,
    CreativeRotation.WEIGHTED: _weighted,
    CreativeRotation.SEQUENTIAL: _sequential,
    CreativeRotation.OPTIMIZED: _optimized,
}
