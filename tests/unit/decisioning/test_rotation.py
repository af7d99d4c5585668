"""In which order creatives are tried, over many decisions with fixed seeds."""

from collections import Counter
from collections.abc import Sequence

import pytest

from ctv_ads.decisioning.rotation import rotated
from ctv_ads.domain.inventory import ServableCreative
from ctv_ads.domain.line_item import CreativeRotation
from tests.builders import a_servable_creative, a_servable_line_item
from tests.pod_worlds import an_id

DECISIONS = 6_000


def some_creatives(count: int) -> list[ServableCreative]:
    return [a_servable_creative(creative_id=an_id(1, number)) for number in range(count)]


def orders(
    rotation: CreativeRotation, creatives: Sequence[ServableCreative], *, line_item: int = 1
) -> list[tuple[int, ...]]:
    """Return the order of each of many decisions, as positions in `creatives`."""
    one = a_servable_line_item(line_item_id=an_id(2, line_item), creative_rotation=rotation)
    return [
        tuple(creatives.index(creative) for creative in rotated(one, creatives, seed=seed * 7919))
        for seed in range(DECISIONS)
    ]


def shares_of_first(found: Sequence[tuple[int, ...]]) -> list[float]:
    first = Counter(order[0] for order in found)
    return [first[position] / len(found) for position in range(len(found[0]))]


@pytest.mark.parametrize("rotation", CreativeRotation)
def test_the_same_seed_tries_the_same_order_and_every_creative(rotation: CreativeRotation) -> None:
    creatives = some_creatives(4)
    found = orders(rotation, creatives)
    assert found == orders(rotation, creatives)
    assert {tuple(sorted(order)) for order in found} == {(0, 1, 2, 3)}


@pytest.mark.parametrize("rotation", CreativeRotation)
def test_one_or_none_needs_no_order(rotation: CreativeRotation) -> None:
    (only,) = some_creatives(1)
    line_item = a_servable_line_item(creative_rotation=rotation)
    assert rotated(line_item, [only], seed=1) == (only,)
    assert rotated(line_item, [], seed=1) == ()


@pytest.mark.parametrize("count", [2, 3, 5])
def test_even_has_each_first_equally_often(count: int) -> None:
    shares = shares_of_first(orders(CreativeRotation.EVEN, some_creatives(count)))
    assert shares == pytest.approx([1 / count] * count, abs=0.02)


def test_two_line_items_of_one_decision_draw_their_own_lots() -> None:
    creatives = some_creatives(2)
    one = orders(CreativeRotation.EVEN, creatives, line_item=1)
    other = orders(CreativeRotation.EVEN, creatives, line_item=2)
    same = sum(a == b for a, b in zip(one, other, strict=True))
    assert same / DECISIONS == pytest.approx(0.5, abs=0.02)


def test_weights_are_the_shares_of_coming_first() -> None:
    creatives = [
        a_servable_creative(creative_id=an_id(1, weight), weight=weight) for weight in (1, 3, 6)
    ]
    shares = shares_of_first(orders(CreativeRotation.WEIGHTED, creatives))
    assert shares == pytest.approx([0.1, 0.3, 0.6], abs=0.02)


def test_a_sequence_goes_by_its_numbers_those_without_one_last() -> None:
    numbers = (None, 20, 10, None)
    creatives = [
        a_servable_creative(creative_id=an_id(1, at), sequence=number)
        for at, number in enumerate(numbers)
    ]
    assert set(orders(CreativeRotation.SEQUENTIAL, creatives)) == {(2, 1, 0, 3)}


def measured(number: int, completes: int, impressions: int) -> ServableCreative:
    return a_servable_creative(
        creative_id=an_id(1, number), completes=completes, impressions=impressions
    )


def test_what_is_completed_more_often_comes_first_nearly_always() -> None:
    creatives = [measured(0, 700, 1_000), measured(1, 900, 1_000)]
    shares = shares_of_first(orders(CreativeRotation.OPTIMIZED, creatives))
    assert shares[1] > 0.99


def test_a_new_creative_is_tried_at_times() -> None:
    creatives = [measured(0, 900, 1_000), measured(1, 0, 0)]
    shares = shares_of_first(orders(CreativeRotation.OPTIMIZED, creatives))
    # A rate of which nothing is known lies above 0.9 in one case of ten.
    assert shares[1] == pytest.approx(0.1, abs=0.02)


def test_before_anything_is_measured_each_comes_first_equally_often() -> None:
    shares = shares_of_first(orders(CreativeRotation.OPTIMIZED, some_creatives(3)))
    assert shares == pytest.approx([1 / 3] * 3, abs=0.02)


def test_completes_that_outrun_their_impressions_do_no_harm() -> None:
    creatives = [measured(0, 12, 10), measured(1, 5, 10)]
    shares = shares_of_first(orders(CreativeRotation.OPTIMIZED, creatives))
    assert shares[0] > 0.9
