"""Which ad plays: rank first, equals in turn, and a reason for every one passed over."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctv_ads.decisioning.choose_ad import Choice, choose_ad
from ctv_ads.domain.ad_break import AdBreak, NoFillReason
from ctv_ads.domain.ids import OrganizationId, PlacementId
from ctv_ads.domain.inventory import (
    Inventory,
    PublishedPlacement,
    ServableLineItem,
    rank_key,
)
from tests.builders import (
    DAY,
    NOON,
    PRICE_MICROS,
    a_context,
    a_servable_creative,
    a_servable_line_item,
    an_inventory,
)

BREAK = AdBreak("preroll")


def choose(*line_items: ServableLineItem, seed: int = 0, max_ad_ms: int | None = None) -> Choice:
    ranked = sorted(line_items, key=rank_key)
    ad_break = AdBreak("preroll", max_ad_ms)
    return choose_ad(an_inventory(*ranked), ad_break, a_context(seed=seed))


def chosen(choice: Choice) -> str:
    assert choice.ad is not None
    return choice.ad.line_item.line_item_id


def test_the_lower_priority_number_serves_first_whatever_it_pays() -> None:
    important = a_servable_line_item(priority=4, price_micros=1)
    dear = a_servable_line_item(priority=8, price_micros=90_000)
    assert chosen(choose(dear, important)) == important.line_item_id


def test_within_a_priority_the_dearer_serves_first() -> None:
    cheap = a_servable_line_item(price_micros=10_000)
    dear = a_servable_line_item(price_micros=10_001)
    assert chosen(choose(cheap, dear)) == dear.line_item_id


def test_equals_take_turns_evenly() -> None:
    equals = [a_servable_line_item() for _ in range(3)]
    turns = Counter(chosen(choose(*equals, seed=seed)) for seed in range(300))
    assert set(turns.values()) == {100}


def test_creatives_of_a_line_item_take_turns_evenly() -> None:
    line_item = a_servable_line_item(creatives=[a_servable_creative() for _ in range(3)])
    choices = [choose(line_item, seed=seed).ad for seed in range(300)]
    turns = Counter(ad.creative.creative_id for ad in choices if ad)
    assert list(turns.values()) == [100, 100, 100]


@pytest.mark.parametrize(("line_items", "creatives"), [(2, 2), (2, 4), (3, 3), (4, 2), (2, 3)])
def test_every_creative_of_every_equal_gets_its_turn(line_items: int, creatives: int) -> None:
    equals = [
        a_servable_line_item(creatives=[a_servable_creative() for _ in range(creatives)])
        for _ in range(line_items)
    ]
    rounds = line_items * creatives * 10
    ads = [choose(*equals, seed=seed).ad for seed in range(rounds)]
    turns = Counter(ad.creative.creative_id for ad in ads if ad)
    assert list(turns.values()) == [10] * (line_items * creatives)


def test_the_same_seed_makes_the_same_choice() -> None:
    equals = [a_servable_line_item() for _ in range(5)]
    inventory = an_inventory(*sorted(equals, key=rank_key))
    context = a_context(seed=123_456_789)
    assert choose_ad(inventory, BREAK, context) == choose_ad(inventory, BREAK, context)


@pytest.mark.parametrize(
    ("starts_in", "ends_in", "serves"),
    [
        (timedelta(0), DAY, True),
        (timedelta.resolution, DAY, False),
        (-DAY, timedelta(0), False),
        (-DAY, timedelta.resolution, True),
    ],
)
def test_a_flight_runs_from_its_start_to_just_before_its_end(
    starts_in: timedelta, ends_in: timedelta, *, serves: bool
) -> None:
    line_item = a_servable_line_item(starts_at=NOON + starts_in, ends_at=NOON + ends_in)
    choice = choose(line_item)
    assert (choice.ad is not None) is serves
    assert choice.no_fill_reason is (None if serves else NoFillReason.NOT_IN_FLIGHT)


@pytest.mark.parametrize(("left", "serves"), [(PRICE_MICROS, True), (PRICE_MICROS - 1, False)])
def test_the_last_affordable_impression_serves(left: int, *, serves: bool) -> None:
    choice = choose(a_servable_line_item(remaining_micros=left))
    assert (choice.ad is not None) is serves
    assert choice.no_fill_reason is (None if serves else NoFillReason.BUDGET_EXHAUSTED)


def test_only_creatives_that_fit_the_break_take_turns() -> None:
    short, long = a_servable_creative(duration_ms=6_000), a_servable_creative(duration_ms=30_000)
    line_item = a_servable_line_item(creatives=[long, short])
    for seed in range(4):
        ad = choose(line_item, seed=seed, max_ad_ms=6_000).ad
        assert ad is not None
        assert ad.creative == short
    assert choose(line_item, max_ad_ms=5_999).no_fill_reason is NoFillReason.NO_CREATIVE_FITS


def test_without_line_items_there_is_no_line_item() -> None:
    assert choose() == Choice(None, NoFillReason.NO_LINE_ITEM)


def test_an_unknown_placement_says_so() -> None:
    choice = choose_ad(an_inventory(a_servable_line_item()), AdBreak("midroll"), a_context())
    assert choice == Choice(None, NoFillReason.UNKNOWN_PLACEMENT)


def test_every_line_item_that_was_passed_over_has_its_reason_in_rank_order() -> None:
    late = a_servable_line_item(priority=1, starts_at=NOON + DAY, ends_at=NOON + 2 * DAY)
    broke = a_servable_line_item(priority=2, remaining_micros=0)
    long = a_servable_line_item(priority=3, creatives=[a_servable_creative(duration_ms=60_000)])
    good = a_servable_line_item(priority=4)
    never_seen = a_servable_line_item(priority=5, remaining_micros=0)
    choice = choose(good, long, never_seen, broke, late, max_ad_ms=15_000)
    assert chosen(choice) == good.line_item_id
    assert choice.rejections == (
        (late.line_item_id, NoFillReason.NOT_IN_FLIGHT),
        (broke.line_item_id, NoFillReason.BUDGET_EXHAUSTED),
        (long.line_item_id, NoFillReason.NO_CREATIVE_FITS),
    )


def test_a_placement_serves_its_own_tenant_only() -> None:
    mine, other = OrganizationId("mine"), OrganizationId("other")
    theirs = a_servable_line_item(priority=1, price_micros=10**9, remaining_micros=10**12)
    own = a_servable_line_item(priority=16)
    placements = {
        "mine": PublishedPlacement(PlacementId("1"), mine),
        "other": PublishedPlacement(PlacementId("2"), other),
        "nobody": PublishedPlacement(PlacementId("3"), OrganizationId("nobody")),
    }
    inventory = Inventory("v", NOON, placements, {mine: (own,), other: (theirs,)})
    assert chosen(choose_ad(inventory, AdBreak("mine"), a_context())) == own.line_item_id
    assert chosen(choose_ad(inventory, AdBreak("other"), a_context())) == theirs.line_item_id
    assert choose_ad(inventory, AdBreak("nobody"), a_context()).ad is None


_LINE_ITEMS = st.lists(
    st.builds(
        a_servable_line_item,
        priority=st.integers(1, 3),
        price_micros=st.integers(1, 3),
        remaining_micros=st.integers(0, 3),
        ends_at=st.sampled_from([NOON, NOON + DAY]),
        creatives=st.lists(
            st.builds(a_servable_creative, duration_ms=st.sampled_from([6_000, 30_000])), max_size=2
        ),
    ),
    max_size=6,
)


@given(_LINE_ITEMS, st.integers(0, 2**32 - 1), st.none() | st.just(15_000))
def test_a_choice_is_always_the_best_that_may_serve(
    line_items: list[ServableLineItem], seed: int, max_ad_ms: int | None
) -> None:
    choice = choose(*line_items, seed=seed, max_ad_ms=max_ad_ms)
    may_serve = [
        item
        for item in line_items
        if item.starts_at <= NOON < item.ends_at
        and item.remaining_micros >= item.price_micros
        and any(c.duration_ms <= (max_ad_ms or c.duration_ms) for c in item.creatives)
    ]
    if not may_serve:
        assert choice.ad is None
        assert {line_item_id for line_item_id, _ in choice.rejections} == {
            item.line_item_id for item in line_items
        }
        return
    assert choice.ad is not None
    assert choice.no_fill_reason is None
    best = min(rank_key(item)[:2] for item in may_serve)
    assert rank_key(choice.ad.line_item)[:2] == best
    assert choice.ad.line_item in may_serve
    assert choice.ad.creative in choice.ad.line_item.creatives
