"""Which creatives of a line item fit a break."""

from collections.abc import Sequence
from operator import is_
from zlib import crc32

from ctv_ads.decisioning.segments.files import fitted
from ctv_ads.decisioning.segments.query import Query
from ctv_ads.decisioning.segments.ranking import turn_of
from ctv_ads.domain.inventory import ServableCreative, ServableLineItem
from ctv_ads.domain.reasons import Reason

_ENDLESS = 1 << 63


def eligible_creatives(
    line_item: ServableLineItem, query: Query
) -> tuple[ServableCreative, ...] | Reason:
    """Return the line item's creatives that may play, or why it takes no part in this break.

    A goal in percent is a share of the breaks: the decision's seed says which ones.
    """
    share = line_item.share_percent
    if share is not None:
        drawn = turn_of(query.seed, crc32(line_item.line_item_id.encode())) >> 32
        if drawn % 100 >= share:
            return Reason.OUTSIDE_SHARE
    return fitting_creatives(line_item.creatives, query)


def fitting_creatives(
    creatives: Sequence[ServableCreative], query: Query
) -> tuple[ServableCreative, ...] | Reason:
    """Return those that may play, each with the files that do, or why none may.

    That is what the one that came farthest lacks.
    """
    now, shortest_ms, limits = query.now, query.min_ad_ms, query.files
    longest_ms = _ENDLESS if query.max_ad_ms is None else query.max_ad_ms
    # One expression, for it runs for every creative of every candidate.
    fitting = [
        one
        for one in creatives
        if shortest_ms <= one.duration_ms <= longest_ms
        and (one.starts_at is None or one.starts_at <= now)
        and (one.ends_at is None or now < one.ends_at)
    ]
    is_whole = len(fitting) == len(creatives)
    if limits is not None:
        found = [fitted(one, limits) for one in fitting]
        is_whole = is_whole and all(map(is_, found, creatives))
        fitting = [one for one in found if not isinstance(one, Reason)]
    if fitting:
        # All of them are the very tuple that came in: who packs candidates knows it again.
        return tuple(creatives if is_whole else fitting)
    lacks = (_lack_of(creative, query) for creative in creatives)
    return max(lacks, default=Reason.NO_CREATIVE_IN_FLIGHT)


def _lack_of(creative: ServableCreative, query: Query) -> Reason:
    """Return the first reason why a creative that does not fit does not."""
    if (creative.starts_at is not None and query.now < creative.starts_at) or (
        creative.ends_at is not None and query.now >= creative.ends_at
    ):
        return Reason.NO_CREATIVE_IN_FLIGHT
    if query.max_ad_ms is not None and creative.duration_ms > query.max_ad_ms:
        return Reason.CREATIVE_TOO_LONG
    if query.files is None or creative.duration_ms < query.min_ad_ms:
        return Reason.CREATIVE_TOO_SHORT
    lack = fitted(creative, query.files)
    assert isinstance(lack, Reason), "it fits in all"  # noqa: S101 - only what does not fit comes here
    return lack
