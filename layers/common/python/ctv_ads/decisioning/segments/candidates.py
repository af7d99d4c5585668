"""What a line item is to one break: a candidate, or the reason why it takes no part.

For most line items that hangs on nothing but what the break takes of creatives. So it is worked
out once for each kind of break and kept: a search then touches one small value for each rank.
"""

from itertools import islice

from ctv_ads.decisioning.rotation import rotated
from ctv_ads.decisioning.segments.creatives import eligible_creatives
from ctv_ads.decisioning.segments.query import Query
from ctv_ads.domain.inventory import ServableLineItem
from ctv_ads.domain.line_item import CreativeRotation
from ctv_ads.domain.pod import Candidate
from ctv_ads.domain.reasons import Reason
from ctv_ads.domain.spending import spends_micros

Judgement = Candidate | Reason

# Placements ask for few kinds of breaks; callers may make up as many as they like.
_MOST_KINDS = 8
_MOST_KEPT = 4096
_DROPPED = 64


def judge(line_item: ServableLineItem, query: Query) -> Judgement:
    """Return the line item with its creatives as they are to be tried, or why it may not serve."""
    creatives = eligible_creatives(line_item, query)
    if isinstance(creatives, Reason):
        return creatives
    if len(creatives) > 1:
        creatives = rotated(line_item, creatives, seed=query.seed)
    return Candidate(line_item, creatives, spends_micros(line_item))


class Judgements:
    """Those of one segment that hold for every break of a kind, by rank."""

    __slots__ = ("_kinds",)

    def __init__(self) -> None:
        self._kinds: dict[tuple[object, ...], dict[int, Judgement]] = {}

    def of(self, query: Query) -> dict[int, Judgement]:
        """Return what is known already for breaks that take the creatives that this one takes."""
        kind = (query.min_ad_ms, query.max_ad_ms, query.files)
        known = self._kinds.get(kind)
        if known is None:
            if len(self._kinds) >= _MOST_KINDS:
                del self._kinds[next(iter(self._kinds))]
            known = self._kinds[kind] = {}
        return known


def judge_and_keep(
    known: dict[int, Judgement], rank: int, line_item: ServableLineItem, query: Query
) -> Judgement:
    """Return the judgement, and keep it under `rank` if neither time nor seed can change it."""
    judgement = judge(line_item, query)
    if _is_lasting(line_item):
        if len(known) >= _MOST_KEPT:
            # A few, the oldest: the one decision that freed thousands would wait for it.
            for old in list(islice(known, _DROPPED)):
                del known[old]
        known[rank] = judgement
    return judgement


def _is_lasting(line_item: ServableLineItem) -> bool:
    creatives = line_item.creatives
    return (
        line_item.share_percent is None
        and (len(creatives) < 2 or line_item.creative_rotation is CreativeRotation.SEQUENTIAL)
        and all(one.starts_at is None and one.ends_at is None for one in creatives)
    )
