"""Every implementation of `PodFiller` finds and proves what is worth most where slots run out."""

from typing import Any

from ctv_ads.domain.inventory import ServableLineItem
from ctv_ads.domain.line_item import Separation, SeparationBy, SeparationExtent
from ctv_ads.domain.pod import PodSpec
from ctv_ads.domain.reasons import Reason
from tests.builders import a_servable_creative, a_servable_line_item
from tests.pod_shelves import Shelf, an_ad, apart, capped, played

TWO = PodSpec(60_000, 2)
POD = SeparationExtent.POD


def short_ads() -> tuple[ServableLineItem, ServableLineItem]:
    """Two that are worth most by the second, and so are offered first."""
    return an_ad(10_000, 20), an_ad(10_000, 19)


def long_ad(value: int, **others: Any) -> ServableLineItem:
    return an_ad(30_000, value, **others)


def test_the_greatest_values_displace_what_is_only_short(shelf: Shelf) -> None:
    pod = shelf.fill(*short_ads(), long_ad(40), long_ad(50), spec=TWO)
    assert played(pod) == [2, 3]
    assert pod.verdicts == (Reason.OUTRANKED, Reason.OUTRANKED, Reason.CHOSEN, Reason.CHOSEN)


def test_two_additions_are_enough_to_prove_it(shelf: Shelf) -> None:
    shelf.limit(2)
    pod = shelf.fill(*short_ads(), long_ad(40), long_ad(50), spec=TWO)
    assert (played(pod), pod.optimality_gap_bp) == ([2, 3], 0)
    shelf.limit(1)
    pod = shelf.fill(*short_ads(), long_ad(40), long_ad(50), spec=TWO)
    assert (played(pod), pod.optimality_gap_bp) == ([3, 0], 2223)  # 70 of at most 90


def test_who_may_not_run_leaves_the_slot_to_the_next(shelf: Shelf) -> None:
    reached = long_ad(50, frequency_caps=capped(1))
    shelf.fill(reached)
    pod = shelf.fill(*short_ads(), reached, long_ad(40), spec=TWO)
    assert (played(pod), pod.optimality_gap_bp) == ([0, 3], 0)


def test_many_who_may_not_run_are_passed_over(shelf: Shelf) -> None:
    shelf.limit(2)
    reached = [long_ad(50 + n, frequency_caps=capped(1)) for n in range(12)]
    shelf.fill(*reached, spec=PodSpec(None, 12))
    pod = shelf.fill(*short_ads(), *reached, long_ad(40), long_ad(30), spec=TWO)
    assert (played(pod), pod.optimality_gap_bp) == ([14, 15], 0)


def test_rivals_give_way_to_one_that_is_worth_more(shelf: Shelf) -> None:
    shelf.limit(4)
    cars = [long_ad(value, category="cars", separation=apart(POD)) for value in (48, 50, 49)]
    pod = shelf.fill(*short_ads(), *cars, long_ad(40), spec=TWO)
    assert (played(pod), pod.optimality_gap_bp) == ([3, 5], 0)


def test_rivals_give_way_to_whomever_they_meet(shelf: Shelf) -> None:
    shelf.limit(4)
    cars = [long_ad(value, category="cars", separation=apart(POD)) for value in (50, 49)]
    ads = *short_ads(), an_ad(10_000, 18), long_ad(60), *cars, long_ad(40)
    pod = shelf.fill(*ads, spec=PodSpec(90_000, 3))
    assert (played(pod), pod.optimality_gap_bp) == ([3, 4, 6], 0)


def test_one_that_comes_in_for_a_rival_may_be_too_long(shelf: Shelf) -> None:
    cars = [
        an_ad(ms, value, category="cars", separation=apart(POD))
        for ms, value in ((30_000, 50), (20_000, 40))
    ]
    ads = *short_ads(), *cars, long_ad(39), an_ad(20_000, 30)
    pod = shelf.fill(*ads, spec=PodSpec(50_000, 2))
    assert played(pod) == [2, 5]


def test_one_does_not_stand_for_two_that_are_no_rivals_of_each_other(shelf: Shelf) -> None:
    both = apart(POD) + apart(POD, SeparationBy.ADVERTISER_DOMAIN)
    first = long_ad(10, category="cars", advertiser_domain="acme.example", separation=both)
    one = long_ad(9, category="cars", advertiser_domain="other.example")
    other = long_ad(9, category="beer", advertiser_domain="acme.example")
    pod = shelf.fill(first, long_ad(1, category=None), one, other, spec=TWO)
    assert (played(pod), pod.optimality_gap_bp) == ([2, 3], 0)


def test_rivals_of_a_higher_tier_cost_nothing(shelf: Shelf) -> None:
    shelf.limit(5)
    rule: tuple[Separation, ...] = apart(POD)
    above = long_ad(1, priority=4, category="cars", separation=rule)
    cars = [long_ad(value, category="cars", advertiser_domain=None) for value in (50, 49)]
    pod = shelf.fill(above, *short_ads(), *cars, long_ad(40), spec=PodSpec(90_000, 3))
    assert (played(pod), pod.optimality_gap_bp) == ([0, 1, 5], 0)


def test_the_longest_creative_fills_time_that_nobody_needs(shelf: Shelf) -> None:
    shelf.limit(1)
    both = [a_servable_creative(duration_ms=ms) for ms in (15_000, 30_000)]
    pod = shelf.fill(an_ad(creatives=both), spec=PodSpec(60_000, 1))
    assert [pick.creative for pick in pod.picks] == [1]
    assert pod.optimality_gap_bp == 0


def test_a_film_that_is_there_already_leaves_a_shorter_one_and_proves_nothing(
    shelf: Shelf,
) -> None:
    first, same = (a_servable_creative(duration_ms=30_000, media_sha256="a") for _ in range(2))
    either = an_ad(value=40, creatives=[same, a_servable_creative(duration_ms=10_000)])
    ads = an_ad(value=50, creatives=[first]), either, an_ad(20_000, 40)
    assert played(shelf.fill(*ads, spec=TWO)) == [0, 2]


def test_with_too_little_time_for_them_who_may_not_run_does_not_count(shelf: Shelf) -> None:
    reached = long_ad(60, frequency_caps=capped(1))
    shelf.fill(reached)
    shelf.limit(1)
    pod = shelf.fill(*short_ads(), reached, spec=PodSpec(30_000, 2))
    assert (played(pod), pod.optimality_gap_bp) == ([0, 1], 0)


SLOTS = PodSpec(None, 2)


def test_without_a_length_seconds_cost_nothing(shelf: Shelf) -> None:
    ads = [an_ad(10_000, 1_000), an_ad(30_000, 2_900), an_ad(60_000, 3_000)]
    pod = shelf.fill(*ads, spec=PodSpec(None, 2))
    assert (played(pod), pod.optimality_gap_bp) == ([1, 2], 0)
    assert pod.verdicts == (Reason.POD_HAS_NO_SLOT_LEFT, Reason.CHOSEN, Reason.CHOSEN)


def test_one_slot_alone_goes_to_the_first_in_rank_that_may_run(shelf: Shelf) -> None:
    capped_out = a_servable_line_item()  # without tokens
    pod = shelf.fill(capped_out, an_ad(10_000, 1_000), an_ad(30_000, 2_900), spec=PodSpec(None, 1))
    assert (played(pod), pod.optimality_gap_bp) == ([1], 0)


def test_without_a_length_equals_take_turns_whatever_their_length(shelf: Shelf) -> None:
    assert played(shelf.fill(an_ad(10_000), an_ad(30_000), spec=PodSpec(None, 1))) == [0]
    assert played(shelf.fill(an_ad(30_000), an_ad(10_000), spec=PodSpec(None, 1))) == [0]


def test_without_a_length_the_rotation_stands(shelf: Shelf) -> None:
    both = [a_servable_creative(duration_ms=ms) for ms in (15_000, 30_000)]
    pod = shelf.fill(an_ad(creatives=both), spec=PodSpec(None, 1))
    assert [pick.creative for pick in pod.picks] == [0]


def test_without_a_length_the_greatest_values_play_in_rank_order(shelf: Shelf) -> None:
    pod = shelf.fill(*short_ads(), long_ad(40), long_ad(50), spec=SLOTS)
    assert (played(pod), pod.optimality_gap_bp) == ([2, 3], 0)
    assert pod.verdicts[:2] == (Reason.POD_HAS_NO_SLOT_LEFT,) * 2


def test_without_a_length_who_may_not_run_leaves_the_slot_to_the_next(shelf: Shelf) -> None:
    reached = [long_ad(50 + n, frequency_caps=capped(1)) for n in range(12)]
    shelf.fill(*reached, spec=PodSpec(None, 12))
    shelf.limit(0)
    pod = shelf.fill(
        *short_ads(), *reached, an_ad(creatives=[]), long_ad(40), long_ad(30), spec=SLOTS
    )
    assert (played(pod), pod.optimality_gap_bp) == ([15, 16], 0)
    assert pod.verdicts[:3] == (
        Reason.POD_HAS_NO_SLOT_LEFT,
        Reason.POD_HAS_NO_SLOT_LEFT,
        Reason.CAP_LINE_ITEM,
    )


def one_against_two() -> list[ServableLineItem]:
    """One that is worth most, and two that are more together, each a rival of it."""
    both = apart(POD) + apart(POD, SeparationBy.ADVERTISER_DOMAIN)
    first = an_ad(value=1_100, category="cars", advertiser_domain="a.example", separation=both)
    one = an_ad(value=1_000, category="cars", advertiser_domain="b.example")
    other = an_ad(value=1_000, category="beer", advertiser_domain="a.example")
    return [first, one, other]


def test_without_a_length_a_search_finds_what_rivals_are_worth_together(shelf: Shelf) -> None:
    pod = shelf.fill(*one_against_two(), spec=SLOTS)
    assert (played(pod), pod.optimality_gap_bp) == ([1, 2], 0)
    assert pod.verdicts == (Reason.OUTRANKED, Reason.CHOSEN, Reason.CHOSEN)


def test_without_a_length_the_gap_bounds_what_was_not_tried(shelf: Shelf) -> None:
    shelf.limit(0)
    pod = shelf.fill(*one_against_two(), spec=SLOTS)
    assert (played(pod), pod.optimality_gap_bp) == ([0], 4762)  # 1100 of at most 2100
    pod = shelf.fill(*one_against_two(), spec=PodSpec(None, 1))
    assert (played(pod), pod.optimality_gap_bp) == ([0], 0)


def test_without_a_length_a_lower_tier_costs_a_higher_one_nothing(shelf: Shelf) -> None:
    above = an_ad(10_000, 1, priority=4)
    pod = shelf.fill(above, *one_against_two(), spec=PodSpec(None, 3))
    assert (played(pod), pod.optimality_gap_bp) == ([0, 2, 3], 0)


def test_without_a_length_an_order_that_parts_rivals_is_kept_as_it_was_found(
    shelf: Shelf,
) -> None:
    rule = apart(SeparationExtent.ADJACENT)
    rivals = [an_ad(value=value, category="cars", separation=rule) for value in (10, 30)]
    pod = shelf.fill(*rivals, an_ad(value=20))
    assert (sorted(played(pod)), pod.optimality_gap_bp) == ([0, 1, 2], 0)
    assert played(pod)[1] == 2


def by_seconds(*lengths_and_values: tuple[int, int]) -> list[ServableLineItem]:
    return [an_ad(1_000 * length, value) for length, value in lengths_and_values]


def test_who_can_be_in_no_better_choice_is_not_tried(shelf: Shelf) -> None:
    ads = by_seconds((10, 33), (10, 31), (10, 26), (15, 30), (20, 37), (30, 37), (20, 24))
    shelf.limit(3)
    pod = shelf.fill(*ads, spec=PodSpec(45_000, 3))
    assert (played(pod), pod.optimality_gap_bp) == ([0, 1, 4], 0)


def test_who_may_still_be_in_a_better_choice_is_tried(shelf: Shelf) -> None:
    ads = by_seconds((10, 39), (20, 35), (20, 28), (30, 36), (10, 11), (15, 13))
    pod = shelf.fill(*ads, spec=PodSpec(45_000, 3))
    assert (played(pod), pod.optimality_gap_bp) == ([0, 1, 5], 0)
