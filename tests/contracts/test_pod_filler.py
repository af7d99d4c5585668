"""Every implementation of `PodFiller` keeps these promises of breaks, tokens and versions."""

from collections.abc import Sequence

from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.inventory import ServableLineItem
from ctv_ads.domain.line_item import SeparationExtent
from ctv_ads.domain.pod import FilledPod, PodSpec
from ctv_ads.domain.reasons import Reason
from tests.builders import PRICE_MICROS, a_servable_creative, a_servable_line_item
from tests.pod_shelves import BUCKET, Shelf, an_ad, apart, capped, chosen, played


class TestBreak:
    def test_ads_play_in_rank_order_until_the_slots_are_full(self, shelf: Shelf) -> None:
        pod = shelf.fill(an_ad(), an_ad(), an_ad(), spec=PodSpec(None, 2))
        assert played(pod) == [0, 1]
        assert pod.verdicts == (Reason.CHOSEN, Reason.CHOSEN, Reason.POD_HAS_NO_SLOT_LEFT)

    def test_the_break_is_filled_to_the_millisecond_and_not_beyond(self, shelf: Shelf) -> None:
        spec = PodSpec(30_000, 9)
        assert played(shelf.fill(an_ad(15_000), an_ad(15_000), spec=spec)) == [0, 1]
        pod = shelf.fill(an_ad(15_000, value=9), an_ad(15_001, value=1), spec=spec)
        assert pod.verdicts == (Reason.CHOSEN, Reason.POD_HAS_NO_TIME_LEFT)
        pod = shelf.fill(an_ad(30_000, value=9), an_ad(15_000, value=1), spec=spec)
        assert pod.verdicts == (Reason.CHOSEN, Reason.POD_HAS_NO_TIME_LEFT)

    def test_the_first_creative_that_fits_is_played(self, shelf: Shelf) -> None:
        both = [a_servable_creative(duration_ms=ms) for ms in (30_000, 15_000)]
        pod = shelf.fill(an_ad(creatives=both), spec=PodSpec(20_000, 1))
        assert [(pick.candidate, pick.creative) for pick in pod.picks] == [(0, 1)]

    def test_nobody_to_choose_from_is_recorded_too(self, shelf: Shelf) -> None:
        shelf.publish("7")
        pod = shelf.fill(version="7", record=b"nobody")
        assert pod == FilledPod((), (), version="7")
        assert shelf.records() == [(b"nobody", pod)]

    def test_a_line_item_without_a_creative_is_refused(self, shelf: Shelf) -> None:
        pod = shelf.fill(an_ad(creatives=[]), an_ad(), spec=PodSpec(20_000, 2))
        assert pod.verdicts == (Reason.NO_CREATIVE_IN_FLIGHT, Reason.CHOSEN)

    def test_a_line_item_runs_once_in_a_pod(self, shelf: Shelf) -> None:
        ad = an_ad()
        assert shelf.fill(ad, ad).verdicts == (Reason.CHOSEN, Reason.SAME_LINE_ITEM)

    def test_the_same_film_runs_once_in_a_pod_under_whatever_name(self, shelf: Shelf) -> None:
        first, second, third = (
            an_ad(creatives=[a_servable_creative(media_sha256=sha)]) for sha in ("a", "a", "b")
        )
        pod = shelf.fill(first, second, third)
        assert pod.verdicts == (Reason.CHOSEN, Reason.SAME_MEDIA, Reason.CHOSEN)

    def test_films_that_are_not_known_may_differ(self, shelf: Shelf) -> None:
        assert played(shelf.fill(an_ad(), an_ad())) == [0, 1]


class TestBetterThanGreedy:
    def test_a_choice_that_is_worth_more_replaces_the_greedy_one(self, shelf: Shelf) -> None:
        dense, one, two = an_ad(20_000, 30), an_ad(15_000, 20), an_ad(15_000, 20)
        pod = shelf.fill(dense, one, two, spec=PodSpec(30_000, 9))
        assert played(pod) == [1, 2]
        assert pod.verdicts == (Reason.OUTRANKED, Reason.CHOSEN, Reason.CHOSEN)
        assert pod.optimality_gap_bp == 0

    def test_equal_value_prefers_to_fill_more_of_the_break(self, shelf: Shelf) -> None:
        pod = shelf.fill(an_ad(10_000, 0), an_ad(30_000, 0), spec=PodSpec(30_000, 9))
        assert pod.verdicts == (Reason.OUTRANKED, Reason.CHOSEN)

    def test_less_than_a_second_is_no_reason_to_prefer_an_equal(self, shelf: Shelf) -> None:
        pod = shelf.fill(an_ad(29_001), an_ad(30_000), spec=PodSpec(30_000, 1))
        assert played(pod) == [0]
        pod = shelf.fill(an_ad(29_000), an_ad(30_000), spec=PodSpec(30_000, 1))
        assert played(pod) == [1]

    def test_a_lower_tier_never_costs_a_higher_one_anything(self, shelf: Shelf) -> None:
        pod = shelf.fill(
            an_ad(20_000, 1, priority=4),
            an_ad(15_000, 900),
            an_ad(15_000, 900),
            spec=PodSpec(30_000, 9),
        )
        assert pod.verdicts[0] is Reason.CHOSEN
        assert pod.verdicts[1:] == (Reason.POD_HAS_NO_TIME_LEFT,) * 2

    def test_what_was_found_plays_in_rank_order(self, shelf: Shelf) -> None:
        ads = an_ad(20_000, 30), an_ad(15_000, 20), an_ad(15_000, 21)
        assert played(shelf.fill(*ads, spec=PodSpec(30_000, 9))) == [1, 2]

    def test_an_order_that_parts_rivals_is_kept_as_it_was_found(self, shelf: Shelf) -> None:
        rule = apart(SeparationExtent.ADJACENT)
        rivals = [an_ad(value=value, category="cars", separation=rule) for value in (30, 10)]
        pod = shelf.fill(*rivals, an_ad(value=20), spec=PodSpec(60_000, 9))
        assert played(pod) == [0, 2, 1]

    def test_house_ads_fill_only_what_is_left(self, shelf: Shelf) -> None:
        house = an_ad(15_000, 10_000, priority=8, type=LineItemType.HOUSE)
        pod = shelf.fill(an_ad(15_000, 1), house, spec=PodSpec(15_000, 1))
        assert played(pod) == [0]
        pod = shelf.fill(an_ad(15_000, 1), house, spec=PodSpec(30_000, 2))
        assert played(pod) == [0, 1]

    def test_the_gap_bounds_what_was_not_tried(self, shelf: Shelf) -> None:
        shelf.limit(1)
        ads = an_ad(20_000, 30), an_ad(15_000, 20), an_ad(15_000, 20)
        pod = shelf.fill(*ads, spec=PodSpec(30_000, 9))
        assert played(pod) == [0]
        assert pod.optimality_gap_bp == 3024  # 30 of at most 30 + 20 * 10/15

    def test_where_only_the_order_stood_in_the_way_nothing_is_proved(self, shelf: Shelf) -> None:
        rule = apart(SeparationExtent.ADJACENT)
        rivals = [an_ad(value=value, category="cars", separation=rule) for value in (30, 10)]
        pod = shelf.fill(*rivals, spec=PodSpec(60_000, 9))
        assert played(pod) == [0]
        assert pod.optimality_gap_bp == 2500  # 30 of at most 40

    def test_a_creative_that_fits_better_is_chosen_when_it_pays(self, shelf: Shelf) -> None:
        both = [a_servable_creative(duration_ms=ms) for ms in (20_000, 15_000)]
        pod = shelf.fill(an_ad(value=30, creatives=both), an_ad(15_000, 5), spec=PodSpec(30_000, 9))
        assert [(pick.candidate, pick.creative) for pick in pod.picks] == [(0, 1), (1, 0)]


class TestTokens:
    def test_each_ad_spends_what_it_costs_from_the_newest_grant(self, shelf: Shelf) -> None:
        ad = a_servable_line_item()
        shelf.grant(ad, 2 * PRICE_MICROS + 1)
        pods = [shelf.fill(ad) for _ in range(3)]
        assert [pod.verdicts[0] for pod in pods] == [
            Reason.CHOSEN,
            Reason.CHOSEN,
            Reason.NO_TOKENS,
        ]
        assert pods[0].picks[0].bucket == BUCKET
        assert shelf.left(ad) == 1

    def test_the_last_micro_is_spent(self, shelf: Shelf) -> None:
        ad = a_servable_line_item()
        shelf.grant(ad, PRICE_MICROS)
        assert chosen(shelf.fill(ad))
        assert shelf.left(ad) == 0

    def test_without_a_grant_there_are_no_tokens(self, shelf: Shelf) -> None:
        assert shelf.fill(a_servable_line_item()).verdicts == (Reason.NO_TOKENS,)

    def test_who_needs_none_serves_without_a_bucket(self, shelf: Shelf) -> None:
        free = a_servable_line_item(needs_tokens=False)
        flat = a_servable_line_item(price_micros=0)
        pod = shelf.fill(free, flat)
        assert [pick.bucket for pick in pod.picks] == [0, 0]

    def test_who_is_not_picked_spends_nothing(self, shelf: Shelf) -> None:
        ads = [a_servable_line_item(), a_servable_line_item()]
        for ad in ads:
            shelf.grant(ad, PRICE_MICROS)
        shelf.fill(*ads, spec=PodSpec(None, 1))
        assert [shelf.left(ad) for ad in ads] == [0, PRICE_MICROS]


class TestVersions:
    def test_a_stale_caller_is_told_and_nothing_happens(self, shelf: Shelf) -> None:
        ad = a_servable_line_item(frequency_caps=capped(1))
        shelf.grant(ad, PRICE_MICROS)
        shelf.publish("8")
        assert shelf.fill(ad, version="7") == FilledPod((), (), version="8", is_stale=True)
        assert shelf.left(ad) == PRICE_MICROS
        assert shelf.records() == []
        assert chosen(shelf.fill(ad, version="8"))

    def test_who_names_no_version_takes_what_is_in_force(self, shelf: Shelf) -> None:
        shelf.publish("8")
        pod = shelf.fill(an_ad())
        assert (chosen(pod), pod.version) == (True, "8")

    def test_where_no_version_is_known_every_one_is_good(self, shelf: Shelf) -> None:
        pod = shelf.fill(an_ad(), version="7")
        assert (chosen(pod), pod.version, pod.is_stale) == (True, None, False)

    def test_each_answer_is_recorded_with_its_request(self, shelf: Shelf) -> None:
        ads: Sequence[ServableLineItem] = [an_ad(), an_ad()]
        first = shelf.fill(*ads, spec=PodSpec(None, 1), record=bytes(range(256)))
        second = shelf.fill(record=b"second")
        assert shelf.records() == [(bytes(range(256)), first), (b"second", second)]


class TestRoomLeft:
    """Whoever has more to offer is told of room that is left, and nothing is done."""

    def test_nothing_is_spent_counted_or_recorded(self, shelf: Shelf) -> None:
        ad = a_servable_line_item(frequency_caps=capped(1))
        shelf.grant(ad, PRICE_MICROS)
        shelf.publish("8")
        pod = shelf.fill(ad, spec=PodSpec(None, 2), least_more_ms=1)
        assert pod == FilledPod((), (Reason.CHOSEN,), version="8", is_short=True)
        assert shelf.left(ad) == PRICE_MICROS
        assert shelf.records() == []
        assert chosen(shelf.fill(ad, spec=PodSpec(None, 2)))

    def test_a_full_pod_is_done_at_once(self, shelf: Shelf) -> None:
        assert chosen(shelf.fill(an_ad(), spec=PodSpec(60_000, 1), least_more_ms=1))
        assert chosen(shelf.fill(an_ad(), spec=PodSpec(None, 1), least_more_ms=1))
        assert chosen(shelf.fill(an_ad(15_000), spec=PodSpec(15_000, 9), least_more_ms=1))

    def test_time_counts_that_another_ad_could_use(self, shelf: Shelf) -> None:
        spec = PodSpec(25_000, 9)
        assert shelf.fill(an_ad(15_000), spec=spec, least_more_ms=10_000).is_short
        assert chosen(shelf.fill(an_ad(15_000), spec=spec, least_more_ms=10_001))

    def test_house_ads_are_room(self, shelf: Shelf) -> None:
        house = an_ad(type=LineItemType.HOUSE, priority=16)
        assert shelf.fill(house, spec=PodSpec(None, 1), least_more_ms=1).is_short
        assert chosen(shelf.fill(house, spec=PodSpec(None, 1)))

    def test_an_old_version_comes_first(self, shelf: Shelf) -> None:
        shelf.publish("8")
        pod = shelf.fill(version="7", least_more_ms=1)
        assert (pod.is_stale, pod.is_short) == (True, False)
