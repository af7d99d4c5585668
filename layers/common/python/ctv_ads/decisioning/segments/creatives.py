"""Which creatives of a line item fit a break."""

from collections.abc import Sequence
from zlib import crc32

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
    """Return those that may play, or why none may: what the one that came farthest lacks."""
    now, shortest_ms, mimes = query.now, query.min_ad_ms, query.accepted_mimes
    longest_ms = _ENDLESS if query.max_ad_ms is None else query.max_ad_ms
    most_kbps = _ENDLESS if query.max_bitrate_kbps is None else query.max_bitrate_kbps
    # One expression, for it runs for every creative of every candidate.
    fitting = [
        one
        for one in creatives
        if shortest_ms <= one.duration_ms <= longest_ms
        and one.bitrate_kbps <= most_kbps
        and (one.starts_at is None or one.starts_at <= now)
        and (one.ends_at is None or now < one.ends_at)
        and (not mimes or one.mime_type in mimes)
    ]
    if fitting:
        # All of them are the very tuple that came in: who packs candidates knows it again.
        return tuple(creatives if len(fitting) == len(creatives) else fitting)
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
    if creative.duration_ms < query.min_ad_ms:
        return Reason.CREATIVE_TOO_SHORT
    return Reason.CREATIVE_FORMAT
