"""The targeting index finds what the slow reference finds, in the same order."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctv_ads.decisioning.segments.compile import compile_segment
from ctv_ads.decisioning.segments.explain import explain
from ctv_ads.decisioning.segments.index import LineItemIndex
from ctv_ads.decisioning.segments.layers import Layer
from ctv_ads.decisioning.segments.query import Query, query_of
from ctv_ads.decisioning.segments.ranking import LARGE_GROUP, rank_key
from ctv_ads.decisioning.segments.search import Found, Reach, search
from ctv_ads.decisioning.segments.segment import Segment
from ctv_ads.domain.ad_request import AdRequest, Viewer
from ctv_ads.domain.ids import AdvertiserId, LineItemId, OrganizationId, PlacementId
from ctv_ads.domain.inventory import PublishedPlacement, ServableLineItem
from ctv_ads.domain.pod import Candidate
from ctv_ads.domain.reasons import Reason
from ctv_ads.domain.targeting import Rule
from tests.builders import NOON, a_servable_line_item
from tests.unit.decisioning.random_inventory import random_asked, random_line_items
from tests.unit.decisioning.reference import Asked, first_eligible, verdict

AUSTRIAN = {"country": Rule(("AT",))}
PLACEMENT = PublishedPlacement(PlacementId("p"), OrganizationId("o"))


def query(asked: Asked) -> Query:
    return query_of(
        asked.request,
        asked.placement,
        now=asked.now,
        seed=asked.seed,
        min_ad_ms=asked.min_ad_ms,
        max_ad_ms=asked.max_ad_ms,
    )


def layer(items: Sequence[ServableLineItem]) -> Layer:
    return Layer(Segment(compile_segment(items)))


def areas(
    items: Sequence[ServableLineItem],
) -> tuple[list[ServableLineItem], list[ServableLineItem]]:
    house = [item for item in items if item.type == "house"]
    return [item for item in items if item.type != "house"], house


def ids_of(found: Sequence[Candidate]) -> list[LineItemId]:
    return [item.line_item.line_item_id for item in found]


def reasons_of(told: Mapping[Reason, Sequence[LineItemId]]) -> dict[LineItemId, Reason]:
    """Return the reason by line item, each of which is told once."""
    reasons = {line_item_id: reason for reason, ids in told.items() for line_item_id in ids}
    assert len(reasons) == sum(map(len, told.values()))
    return reasons


def why_not_offered(
    item: ServableLineItem, asked: Asked, found: Found, *, per_advertiser: int
) -> Reason:
    reason = verdict(item, asked)
    if reason is not Reason.CHOSEN:
        return reason
    served = [one for one in found.line_items if one.line_item.advertiser_id == item.advertiser_id]
    if len(served) >= per_advertiser and item.type != "house":
        return Reason.TOO_MANY_OF_ADVERTISER
    return Reason.BEYOND_CANDIDATES


@settings(max_examples=100, deadline=None)
@given(size=st.sampled_from([0, 1, 5, 60]), seed=st.integers(0, 2**32))
def test_a_search_finds_what_the_reference_finds(size: int, seed: int) -> None:
    assert_found_as_by_reference(size, seed)


@pytest.mark.parametrize(("size", "seed"), [(700, 1), (700, 2), (700, 3), (700, 4), (3000, 5)])
def test_a_search_of_many_finds_what_the_reference_finds(size: int, seed: int) -> None:
    assert_found_as_by_reference(size, seed)


def assert_found_as_by_reference(size: int, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - chance to be repeated, not to be secret
    items = random_line_items(random, size)
    index = layer(items)
    paid, house = areas(items)
    for _ in range(5):
        asked = random_asked(random)
        limit, per_advertiser, house_limit = (
            random.choice(numbers) for numbers in ((0, 1, 5, 24), (1, 2, 99), (0, 1, 4))
        )
        found = search(
            [index],
            query(asked),
            reach=Reach(limit, per_advertiser),
            house_limit=house_limit,
        )
        assert ids_of(found.line_items) == first_eligible(
            paid, asked, limit=limit, per_advertiser=per_advertiser
        )
        assert ids_of(found.house) == first_eligible(
            house, asked, limit=house_limit, per_advertiser=house_limit, first_rank=len(paid)
        )
        everything = first_eligible(paid, asked, limit=size, per_advertiser=size)
        assert found.has_more or not limit or ids_of(found.line_items) == everything
        by_id = {item.line_item_id: item for item in items}
        told = explain([index], query(asked), found, per_advertiser=per_advertiser)
        assert reasons_of(told) == {
            item.line_item_id: why_not_offered(item, asked, found, per_advertiser=per_advertiser)
            for item in items
            if item.line_item_id not in ids_of(found.line_items + found.house)
        }
        for line_item_id, reason in found.passed_over:
            assert verdict(by_id[line_item_id], asked) is reason


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_what_is_skipped_is_not_found_as_if_it_were_not_there(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - chance to be repeated
    items = random_line_items(random, 200)
    index, asked = layer(items), random_asked(random)
    skip = frozenset(item.line_item_id for item in items if random.random() < 0.5)
    paid, _ = areas(items)
    for _ in range(2):
        found = search([index], query(asked), skip=skip)
        assert ids_of(found.line_items) == first_eligible(
            paid, asked, limit=24, per_advertiser=2, skip=skip
        )
    told = reasons_of(explain([index], query(asked), found, skip=skip))
    for line_item_id in skip:
        item = next(item for item in items if item.line_item_id == line_item_id)
        reason = verdict(item, asked)
        assert told[line_item_id] is (Reason.NO_TOKENS if reason is Reason.CHOSEN else reason)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_an_overlay_is_searched_as_if_all_had_been_compiled_together(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - chance to be repeated
    items = random_line_items(random, random.choice((30, 700)))
    changed = [item for item in items if random.random() < 0.2]
    before = [replace(item, priority=random.choice((4, 8))) for item in changed]
    gone = random_line_items(random, 10)
    kept = [item for item in items if item not in changed]
    removed = [item.line_item_id for item in (*changed, *gone)]
    layers = [
        layer(changed),
        Layer(Segment(compile_segment([*kept, *before, *gone])), removed),
    ]
    asked = random_asked(random)
    found = search(layers, query(asked), reach=Reach(99, 99), house_limit=99)
    whole = search([layer(items)], query(asked), reach=Reach(99, 99), house_limit=99)
    for one, other in ((found.line_items, whole.line_items), (found.house, whole.house)):
        assert [rank_key(item.line_item) for item in one] == [
            rank_key(item.line_item) for item in other
        ]
        if len(one) < 99:
            assert set(ids_of(one)) == set(ids_of(other))
    told = reasons_of(explain(layers, query(asked), found))
    offered = {*ids_of(found.line_items), *ids_of(found.house)}
    assert told.keys() == {item.line_item_id for item in items} - offered


def test_equals_take_turns_evenly_though_others_stand_between_them() -> None:
    mine = [a_servable_line_item(targeting=AUSTRIAN) for _ in range(4)]
    others = [a_servable_line_item(targeting={"country": Rule(("DE",))}) for _ in range(40)]
    index = layer([*mine, *others])
    firsts = Counter(first_of(index, seed) for seed in range(4000))
    assert firsts.keys() == {item.line_item_id for item in mine}
    assert all(850 < count < 1150 for count in firsts.values())


def test_a_large_group_takes_turns_too_and_nobody_starves() -> None:
    items = [a_servable_line_item(targeting=AUSTRIAN) for _ in range(1500)]
    index = layer(items)
    firsts = Counter(first_of(index, seed) for seed in range(15_000))
    assert len(firsts) > 1490
    assert max(firsts.values()) < 40


def first_of(index: Layer, seed: int) -> LineItemId:
    asked = Asked(AdRequest("p", viewer=Viewer(country="AT")), PLACEMENT, NOON, seed)
    (first,) = search([index], query(asked), reach=Reach(1, 2)).line_items
    return first.line_item.line_item_id


def test_of_many_equals_of_one_advertiser_only_its_share_is_offered() -> None:
    rich = AdvertiserId("rich")
    items = [a_servable_line_item(advertiser_id=rich) for _ in range(1200)]
    items += [a_servable_line_item() for _ in range(3)]
    asked = Asked(AdRequest("p"), PLACEMENT, NOON, 5)
    found = search([layer(items)], query(asked))
    assert ids_of(found.line_items) == first_eligible(items, asked, limit=24, per_advertiser=2)
    assert len(found.line_items) == 5


def test_one_advertiser_with_more_equals_than_take_turns_gets_its_share_only() -> None:
    rich = AdvertiserId("rich")
    items = [a_servable_line_item(advertiser_id=rich) for _ in range(50)]
    asked = Asked(AdRequest("p"), PLACEMENT, NOON, 5)
    found = search([layer(items)], query(asked))
    assert ids_of(found.line_items) == first_eligible(items, asked, limit=24, per_advertiser=2)


def test_the_only_match_of_a_large_group_is_found_from_wherever_it_is_entered() -> None:
    wanted = a_servable_line_item(targeting=AUSTRIAN)
    german = {"country": Rule(("DE",))}
    index = layer([wanted, *(a_servable_line_item(targeting=german) for _ in range(4200))])
    assert {first_of(index, seed) for seed in range(30)} == {wanted.line_item_id}


def test_equals_that_stand_alone_in_their_layers_take_turns() -> None:
    first, second = a_servable_line_item(), a_servable_line_item()
    layers = [layer([first]), layer([second])]
    asked = [Asked(AdRequest("p"), PLACEMENT, NOON, seed) for seed in range(20)]
    found = {ids_of(search(layers, query(one), reach=Reach(1, 2)).line_items)[0] for one in asked}
    assert found == {first.line_item_id, second.line_item_id}
    index = LineItemIndex(layers)
    told = index.explain(query(asked[0]), skip=frozenset({first.line_item_id}))
    assert told == {Reason.NO_TOKENS: (first.line_item_id,)}


def test_a_decision_on_the_same_seed_finds_the_same() -> None:
    index = layer([a_servable_line_item(targeting=AUSTRIAN) for _ in range(600)])
    assert first_of(index, 7) == first_of(index, 7)


@pytest.mark.parametrize("size", [1, 511, 512, 513, 5000])
def test_blocks_cut_no_group_but_a_large_one(size: int) -> None:
    prices = [1_000] * size + [2_000] * size + list(range(3_000, 6_000))
    items = [a_servable_line_item(value_micros=price * 15) for price in prices]
    segment = Segment(compile_segment(items))
    covered: list[int] = []
    for span in segment.paid:
        for block in span.blocks:
            covered += range(block.low, block.high)
            starts = block.group_starts()
            assert span.is_large_group or (starts[0], starts[-1]) == (block.low, block.high)
    assert covered == list(range(len(items)))
    assert sum(span.is_large_group for span in segment.paid) == (2 if size >= LARGE_GROUP else 0)
