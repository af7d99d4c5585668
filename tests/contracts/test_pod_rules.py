"""Every implementation of `PodFiller` keeps these promises to viewers and advertisers."""

from datetime import timedelta
from typing import Any

import pytest

from ctv_ads.domain.frequency import CapKey, CapScope
from ctv_ads.domain.line_item import (
    PodPosition,
    SeparationBy,
    SeparationExtent,
)
from ctv_ads.domain.pod import PodSpec, ViewerKeys
from ctv_ads.domain.reasons import Reason
from tests.builders import NOON, a_servable_creative
from tests.pod_shelves import HOUR_MS, MINUTE, Shelf, an_ad, apart, capped, chosen, played


class TestCaps:
    def test_a_view_counts_for_the_whole_window_and_no_second_longer(self, shelf: Shelf) -> None:
        ad = an_ad(frequency_caps=capped(1, window_ms=60_000))
        assert chosen(shelf.fill(ad))
        assert shelf.fill(ad, now=NOON + MINUTE).verdicts == (Reason.CAP_LINE_ITEM,)
        assert chosen(shelf.fill(ad, now=NOON + MINUTE + timedelta(seconds=1)))

    def test_the_window_slides(self, shelf: Shelf) -> None:
        ad = an_ad(frequency_caps=capped(2, window_ms=600_000))
        minutes = [m for m in range(30) if chosen(shelf.fill(ad, now=NOON + m * MINUTE))]
        assert minutes == [0, 1, 11, 12, 22, 23]

    def test_every_cap_of_several_has_to_hold(self, shelf: Shelf) -> None:
        caps = capped(1, window_ms=60_000) + capped(2, window_ms=HOUR_MS)
        ad = an_ad(frequency_caps=caps)
        minutes = [m for m in range(0, 70, 2) if chosen(shelf.fill(ad, now=NOON + m * MINUTE))]
        assert minutes == [0, 2, 62, 64]

    def test_thirty_days_are_remembered(self, shelf: Shelf) -> None:
        ad = an_ad(frequency_caps=capped(1, window_ms=30 * 24 * HOUR_MS))
        shelf.fill(ad)
        assert not chosen(shelf.fill(ad, now=NOON + timedelta(days=30)))
        assert chosen(shelf.fill(ad, now=NOON + timedelta(days=30, seconds=1)))

    def test_hundreds_of_views_are_counted(self, shelf: Shelf) -> None:
        ad = an_ad(frequency_caps=capped(300, window_ms=30 * 24 * HOUR_MS))
        shown = [chosen(shelf.fill(ad, now=NOON + n * MINUTE)) for n in range(302)]
        assert shown == [True] * 300 + [False] * 2

    @pytest.mark.parametrize(
        ("scope", "same", "reason"),
        [
            (CapScope.CAMPAIGN, "campaign_id", Reason.CAP_CAMPAIGN),
            (CapScope.ADVERTISER, "advertiser_id", Reason.CAP_ADVERTISER),
        ],
    )
    def test_siblings_count_together_within_a_pod_too(
        self, shelf: Shelf, scope: CapScope, same: str, reason: Reason
    ) -> None:
        caps = capped(2, scope=scope)
        parent: dict[str, Any] = {same: "the same"}
        ads = [an_ad(frequency_caps=caps, **parent) for _ in range(3)]
        assert shelf.fill(*ads).verdicts == (Reason.CHOSEN, Reason.CHOSEN, reason)
        assert shelf.fill(ads[2]).verdicts == (reason,)

    def test_views_of_an_uncapped_sibling_count(self, shelf: Shelf) -> None:
        caps = capped(2, scope=CapScope.CAMPAIGN)
        free = an_ad(campaign_id="c", counted_caps=caps)
        ad = an_ad(campaign_id="c", frequency_caps=caps)
        assert chosen(shelf.fill(ad))
        assert chosen(shelf.fill(free))
        assert shelf.fill(ad).verdicts == (Reason.CAP_CAMPAIGN,)
        assert chosen(shelf.fill(free))

    def test_a_capped_creative_leaves_the_turn_to_the_next(self, shelf: Shelf) -> None:
        ad = an_ad(
            creatives=[a_servable_creative(), a_servable_creative()],
            frequency_caps=capped(1, scope=CapScope.CREATIVE),
        )
        pods = [shelf.fill(ad) for _ in range(3)]
        assert [[pick.creative for pick in pod.picks] for pod in pods] == [[0], [1], []]
        assert pods[2].verdicts == (Reason.CAP_CREATIVE,)

    def test_a_shared_creative_is_capped_within_a_pod_too(self, shelf: Shelf) -> None:
        shared = a_servable_creative()
        caps = capped(1, scope=CapScope.CREATIVE)
        ads = [an_ad(creatives=[shared], frequency_caps=caps) for _ in range(2)]
        assert shelf.fill(*ads).verdicts == (Reason.CHOSEN, Reason.CAP_CREATIVE)

    def test_a_shared_creative_may_run_as_often_as_its_cap_says(self, shelf: Shelf) -> None:
        shared = a_servable_creative()
        caps = capped(2, scope=CapScope.CREATIVE)
        ads = [an_ad(creatives=[shared], frequency_caps=caps) for _ in range(3)]
        assert played(shelf.fill(*ads)) == [0, 1]

    def test_each_key_counts_for_itself(self, shelf: Shelf) -> None:
        ad = an_ad(frequency_caps=capped(1, key=CapKey.HOUSEHOLD))
        assert chosen(shelf.fill(ad, viewer=ViewerKeys("s1", "d1", "h1")))
        assert not chosen(shelf.fill(ad, viewer=ViewerKeys("s2", "d2", "h1")))
        assert chosen(shelf.fill(ad, viewer=ViewerKeys("s1", "d1", "h2")))

    @pytest.mark.parametrize("key", [CapKey.DEVICE, CapKey.HOUSEHOLD])
    def test_the_session_stands_in_for_a_key_that_is_not_known(
        self, shelf: Shelf, key: CapKey
    ) -> None:
        ad = an_ad(frequency_caps=capped(1, key=key))
        assert chosen(shelf.fill(ad, viewer=ViewerKeys("s1")))
        assert shelf.fill(ad, viewer=ViewerKeys("s1")).verdicts == (Reason.CAP_LINE_ITEM,)
        assert chosen(shelf.fill(ad, viewer=ViewerKeys("s2")))

    def test_without_any_key_a_capped_line_item_is_refused(self, shelf: Shelf) -> None:
        ad = an_ad(frequency_caps=capped(1), counted_caps=capped(1, scope=CapScope.CAMPAIGN))
        assert shelf.fill(ad, viewer=ViewerKeys()).verdicts == (Reason.CAP_WITHOUT_VIEWER,)
        free = an_ad(counted_caps=capped(1, scope=CapScope.CAMPAIGN), category="cars")
        assert chosen(shelf.fill(free, viewer=ViewerKeys()))

    def test_a_cap_of_the_session_never_counts_by_the_device(self, shelf: Shelf) -> None:
        ad = an_ad(frequency_caps=capped(1, window_ms=None, key=CapKey.DEVICE))
        assert chosen(shelf.fill(ad, viewer=ViewerKeys("s1", "d1")))
        assert not chosen(shelf.fill(ad, viewer=ViewerKeys("s1", "d1"), now=NOON + 600 * MINUTE))
        assert chosen(shelf.fill(ad, viewer=ViewerKeys("s2", "d1")))
        assert not chosen(shelf.fill(ad, viewer=ViewerKeys(None, "d1")))

    def test_a_clock_that_is_behind_still_sees_the_view(self, shelf: Shelf) -> None:
        ad = an_ad(frequency_caps=capped(1, window_ms=60_000))
        shelf.fill(ad)
        assert not chosen(shelf.fill(ad, now=NOON - MINUTE))

    def test_views_of_disagreeing_clocks_are_kept_in_order(self, shelf: Shelf) -> None:
        ad = an_ad(frequency_caps=capped(2, window_ms=60_000))
        assert chosen(shelf.fill(ad, now=NOON + MINUTE))
        assert chosen(shelf.fill(ad, now=NOON))
        assert not chosen(shelf.fill(ad, now=NOON + MINUTE))
        assert chosen(shelf.fill(ad, now=NOON + MINUTE + timedelta(seconds=1)))


class TestSeparation:
    @pytest.mark.parametrize("strict", [0, 1])
    def test_a_rule_of_either_rival_counts(self, shelf: Shelf, strict: int) -> None:
        rule = apart(SeparationExtent.POD)
        ads = [an_ad(category="cars", separation=rule if n == strict else ()) for n in range(2)]
        assert shelf.fill(*ads).verdicts == (Reason.CHOSEN, Reason.SEPARATED_BY_CATEGORY)

    def test_without_a_rule_or_a_category_there_are_no_rivals(self, shelf: Shelf) -> None:
        rule = apart(SeparationExtent.POD)
        assert played(shelf.fill(an_ad(category="cars"), an_ad(category="cars"))) == [0, 1]
        assert played(shelf.fill(an_ad(separation=rule), an_ad(separation=rule))) == [0, 1]
        strangers = [an_ad(category=name, separation=rule) for name in ("cars", "beer")]
        assert played(shelf.fill(*strangers)) == [0, 1]

    def test_ads_of_one_domain_are_kept_apart(self, shelf: Shelf) -> None:
        rule = apart(SeparationExtent.POD, SeparationBy.ADVERTISER_DOMAIN)
        ads = [an_ad(advertiser_domain="acme.example", separation=rule) for _ in range(2)]
        assert shelf.fill(*ads).verdicts == (Reason.CHOSEN, Reason.SEPARATED_BY_DOMAIN)

    def test_neighbours_are_parted_by_who_comes_later(self, shelf: Shelf) -> None:
        rule = apart(SeparationExtent.ADJACENT)
        one, two = (an_ad(category="cars", separation=rule) for _ in range(2))
        assert played(shelf.fill(one, two, an_ad())) == [0, 2, 1]
        assert shelf.fill(one, two).verdicts == (Reason.CHOSEN, Reason.SEPARATED_BY_CATEGORY)

    def test_a_rival_goes_before_who_is_between(self, shelf: Shelf) -> None:
        rule = apart(SeparationExtent.ADJACENT)
        one, two = (an_ad(category="cars", separation=rule) for _ in range(2))
        assert played(shelf.fill(an_ad(), one, two)) == [2, 0, 1]

    @pytest.mark.parametrize("by", SeparationBy)
    def test_earlier_breaks_of_the_session_count(self, shelf: Shelf, by: SeparationBy) -> None:
        kind: dict[str, Any] = {by.value: "cars.example"}
        strict = an_ad(separation=apart(SeparationExtent.STREAM, by), **kind)
        loose = an_ad(**kind)
        reason = {
            SeparationBy.CATEGORY: Reason.SEPARATED_BY_CATEGORY,
            SeparationBy.ADVERTISER_DOMAIN: Reason.SEPARATED_BY_DOMAIN,
        }[by]
        for first, second in ((strict, loose), (loose, strict)):
            viewer = ViewerKeys(first.line_item_id)
            assert chosen(shelf.fill(first, viewer=viewer))
            assert shelf.fill(second, viewer=viewer).verdicts == (reason,)
        assert chosen(shelf.fill(strict, viewer=ViewerKeys("another", "device")))
        viewer = ViewerKeys("loose")
        assert [chosen(shelf.fill(loose, viewer=viewer)) for _ in range(2)] == [True, True]

    def test_many_categories_of_a_session_are_remembered_and_then_the_oldest_goes(
        self, shelf: Shelf
    ) -> None:
        rule = apart(SeparationExtent.STREAM)
        ads = [an_ad(category=f"c{n}", separation=rule) for n in range(1_025)]
        for first in range(0, len(ads), 205):
            some = ads[first : first + 205]
            assert len(shelf.fill(*some, spec=PodSpec(None, 205)).picks) == 205
        assert chosen(shelf.fill(ads[0]))
        assert not chosen(shelf.fill(ads[2]))

    def test_a_session_of_a_hundred_breaks_never_shows_a_category_twice(self, shelf: Shelf) -> None:
        rule = apart(SeparationExtent.STREAM)
        ads = [
            an_ad(category=f"c{n}", advertiser_domain=f"{n}.example", separation=rule)
            for n in range(500)
        ]
        seen: list[str | None] = []
        for number in range(100):
            # Those of the earliest breaks come first again, and new ones behind them.
            offered = ads[: 5 * (number % 4)] + ads[5 * number : 5 * number + 5]
            pod = shelf.fill(*offered, spec=PodSpec(None, 5), now=NOON + 10 * number * MINUTE)
            seen += [offered[pick.candidate].category for pick in pod.picks]
        assert sorted(map(str, seen)) == sorted(f"c{n}" for n in range(500))

    def test_what_is_shown_again_is_remembered_from_then_on(self, shelf: Shelf) -> None:
        again = an_ad(category="again")
        shelf.fill(again)
        others = [an_ad(category=f"c{n}") for n in range(1_023)]
        for first in range(0, len(others), 93):
            shelf.fill(*others[first : first + 93], spec=PodSpec(None, 93))
        shelf.fill(again)
        shelf.fill(an_ad(category="one more"))
        strict = an_ad(category="again", separation=apart(SeparationExtent.STREAM))
        assert not chosen(shelf.fill(strict))
        assert chosen(shelf.fill(an_ad(category="c0", separation=apart(SeparationExtent.STREAM))))


class TestPositions:
    def test_wishes_are_kept(self, shelf: Shelf) -> None:
        last, middle, first = (
            an_ad(pod_position=wish)
            for wish in (PodPosition.LAST, PodPosition.ANY, PodPosition.FIRST)
        )
        assert played(shelf.fill(last, middle, first)) == [2, 1, 0]

    @pytest.mark.parametrize("wish", [PodPosition.FIRST, PodPosition.LAST])
    def test_a_taken_place_is_not_shared(self, shelf: Shelf, wish: PodPosition) -> None:
        ads = [an_ad(pod_position=wish) for _ in range(2)]
        assert shelf.fill(*ads, an_ad()).verdicts == (
            Reason.CHOSEN,
            Reason.POSITION_TAKEN,
            Reason.CHOSEN,
        )

    def test_either_end_will_do_for_some(self, shelf: Shelf) -> None:
        ads = [an_ad(pod_position=PodPosition.FIRST_OR_LAST) for _ in range(3)]
        pod = shelf.fill(*ads, an_ad())
        assert played(pod) == [0, 3, 1]
        assert pod.verdicts[2] is Reason.POSITION_TAKEN

    def test_a_wish_beside_a_rival_is_refused_for_the_rival(self, shelf: Shelf) -> None:
        rule = apart(SeparationExtent.ADJACENT)
        plain = an_ad(category="cars", separation=rule)
        first = an_ad(category="cars", pod_position=PodPosition.FIRST)
        assert shelf.fill(plain, first).verdicts[1] is Reason.SEPARATED_BY_CATEGORY
