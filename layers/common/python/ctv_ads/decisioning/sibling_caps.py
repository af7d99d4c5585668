"""Caps of siblings: for which counters a line item's views count though it has no such cap.

A cap of an advertiser, a campaign or a creative counts the views of all their line items, but
only a few of these may have one. So that the others' views are written down, each is told at
publishing which caps of its siblings count them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ctv_ads.domain.frequency import CapKey, CapScope, FrequencyCap
from ctv_ads.domain.inventory import ServableLineItem

_Shared = dict[tuple[CapScope, str, CapKey, bool], FrequencyCap]
"""The widest cap by scope, what it is of, key, and whether it is the session's."""


def with_sibling_caps(line_items: Sequence[ServableLineItem]) -> list[ServableLineItem]:
    """Return all line items of one organization with their `counted_caps`.

    One cap stands for all that are counted together: the greatest limit, the longest window.
    """
    shared: _Shared = {}
    for line_item in line_items:
        for cap in line_item.frequency_caps:
            for owner in _owners(line_item, cap.scope):
                place = (cap.scope, owner, cap.key, cap.window_ms is None)
                shared[place] = _wider(shared.get(place, cap), cap)
    if not shared:
        return list(line_items)
    return [_told(line_item, shared) for line_item in line_items]


def _told(line_item: ServableLineItem, shared: _Shared) -> ServableLineItem:
    caps = {
        cap
        for scope in (CapScope.CREATIVE, CapScope.CAMPAIGN, CapScope.ADVERTISER)
        for owner in _owners(line_item, scope)
        for key in CapKey
        for is_session in (False, True)
        if (cap := shared.get((scope, owner, key, is_session))) is not None
    }
    counted = sorted(caps.difference(line_item.frequency_caps), key=_order)
    return replace(line_item, counted_caps=tuple(counted)) if counted else line_item


def _owners(line_item: ServableLineItem, scope: CapScope) -> Iterable[str]:
    if scope is CapScope.CREATIVE:
        return [creative.creative_id for creative in line_item.creatives]
    if scope is CapScope.CAMPAIGN:
        return [line_item.campaign_id]
    return [line_item.advertiser_id] if scope is CapScope.ADVERTISER else []


def _wider(one: FrequencyCap, other: FrequencyCap) -> FrequencyCap:
    windows = [cap.window_ms for cap in (one, other) if cap.window_ms is not None]
    return replace(
        one, limit=max(one.limit, other.limit), window_ms=max(windows) if windows else None
    )


def _order(cap: FrequencyCap) -> tuple[str, str, int, int]:
    return cap.scope, cap.key, cap.limit, cap.window_ms or 0
