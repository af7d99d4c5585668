"""Which caps of its siblings a line item's views count for."""

from collections.abc import Sequence
from typing import Any

from ctv_ads.decisioning.sibling_caps import Sibling, with_counted_caps
from ctv_ads.domain.frequency import CapKey, CapScope, FrequencyCap
from ctv_ads.domain.inventory import ServableLineItem
from tests.builders import a_servable_line_item

HOUR_MS = 3_600_000


def cap(
    scope: CapScope, limit: int = 3, window_ms: int | None = HOUR_MS, key: CapKey = CapKey.DEVICE
) -> FrequencyCap:
    return FrequencyCap(limit, window_ms, scope, key)


def with_caps(*caps: FrequencyCap, **others: Any) -> ServableLineItem:
    return a_servable_line_item(frequency_caps=caps, **others)


def counted(*line_items: ServableLineItem) -> list[tuple[FrequencyCap, ...]]:
    return [line_item.counted_caps for line_item in told(line_items)]


def told(line_items: Sequence[ServableLineItem]) -> list[ServableLineItem]:
    siblings = [
        Sibling(one.advertiser_id, one.campaign_id, one.frequency_caps) for one in line_items
    ]
    return with_counted_caps(line_items, siblings)


def test_without_shared_caps_nothing_changes() -> None:
    alone = with_caps(cap(CapScope.LINE_ITEM)), with_caps()
    assert told(alone) == list(alone)


def test_siblings_of_a_campaign_and_of_an_advertiser_count_and_strangers_do_not() -> None:
    for scope, same in ((CapScope.CAMPAIGN, "campaign_id"), (CapScope.ADVERTISER, "advertiser_id")):
        family: dict[str, Any] = {same: "the same"}
        strict = with_caps(cap(scope), **family)
        assert counted(strict, with_caps(**family), with_caps()) == [(), (cap(scope),), ()]


def test_whoever_may_play_a_capped_creative_counts() -> None:
    family: dict[str, Any] = {"campaign_id": "the same"}
    strict = with_caps(cap(CapScope.CREATIVE), **family)
    assert counted(strict, with_caps(**family), with_caps()) == [(), (cap(CapScope.CREATIVE),), ()]


def test_the_widest_stands_for_all_that_count_together() -> None:
    scope = CapScope.CAMPAIGN
    family: dict[str, Any] = {"campaign_id": "the same"}
    short = cap(scope, 9, HOUR_MS)
    long = cap(scope, 2, 24 * HOUR_MS)
    widest = cap(scope, 9, 24 * HOUR_MS)
    assert counted(with_caps(short, **family), with_caps(long, **family), with_caps(**family)) == [
        (widest,),
        (widest,),
        (widest,),
    ]


def test_other_keys_and_the_session_count_for_themselves() -> None:
    scope = CapScope.CAMPAIGN
    family: dict[str, Any] = {"campaign_id": "the same"}
    caps = (
        cap(scope, key=CapKey.DEVICE),
        cap(scope, key=CapKey.HOUSEHOLD),
        cap(scope, window_ms=None, key=CapKey.SESSION),
        cap(scope, 5, window_ms=None, key=CapKey.SESSION),
    )
    found = counted(*(with_caps(one, **family) for one in caps), with_caps(**family))
    assert set(found[-1]) == {caps[0], caps[1], caps[3]}
