"""Caps of siblings: for which counters a line item's views count though it has no such cap.

A cap of an advertiser, a campaign or a creative counts the views of all their line items, but
only a few of these may have one. So that the others' views are written down, each is told at
publishing which caps of its siblings count them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from ctv_ads.domain.frequency import CapKey, CapScope, FrequencyCap
from ctv_ads.domain.ids import AdvertiserId, CampaignId
from ctv_ads.domain.inventory import ServableLineItem

_SHARED = (CapScope.CREATIVE, CapScope.CAMPAIGN, CapScope.ADVERTISER)


class Sibling(NamedTuple):
    """A line item that has caps, and whose it is."""

    advertiser_id: AdvertiserId
    campaign_id: CampaignId
    caps: Sequence[FrequencyCap]


_Shared = dict[tuple[CapScope, str, CapKey, bool], FrequencyCap]
"""The widest cap by scope, what it is of, key, and whether it is the session's."""


def with_counted_caps(
    line_items: Iterable[ServableLineItem], siblings: Iterable[Sibling]
) -> list[ServableLineItem]:
    """Return the line items with their `counted_caps`, made of what their siblings have.

    One cap stands for all that are counted together: the greatest limit, the longest window.
    """
    shared: _Shared = {}
    for sibling in siblings:
        for cap in sibling.caps:
            if cap.scope in _SHARED:
                owner = _owner(cap.scope, sibling.advertiser_id, sibling.campaign_id)
                place = (cap.scope, owner, cap.key, cap.window_ms is None)
                shared[place] = _wider(shared.get(place, cap), cap)
    return [_told(line_item, shared) if shared else line_item for line_item in line_items]


def _told(line_item: ServableLineItem, shared: _Shared) -> ServableLineItem:
    caps = {
        cap
        for scope in _SHARED
        for key in CapKey
        for is_session in (False, True)
        if (cap := shared.get((scope, _owner_of(scope, line_item), key, is_session))) is not None
    }
    counted = sorted(caps.difference(line_item.frequency_caps), key=_order)
    return replace(line_item, counted_caps=tuple(counted)) if counted else line_item


def _owner_of(scope: CapScope, line_item: ServableLineItem) -> str:
    return _owner(scope, line_item.advertiser_id, line_item.campaign_id)


def _owner(scope: CapScope, advertiser_id: AdvertiserId, campaign_id: CampaignId) -> str:
    # A creative is its campaign's: whoever of the campaign plays it counts.
    return advertiser_id if scope is CapScope.ADVERTISER else campaign_id


def _wider(one: FrequencyCap, other: FrequencyCap) -> FrequencyCap:
    windows = [cap.window_ms for cap in (one, other) if cap.window_ms is not None]
    return replace(
        one, limit=max(one.limit, other.limit), window_ms=max(windows) if windows else None
    )


def _order(cap: FrequencyCap) -> tuple[str, str, int, int]:
    return cap.scope, cap.key, cap.limit, cap.window_ms or 0
