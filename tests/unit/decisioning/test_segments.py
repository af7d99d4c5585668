"""The targeting index finds what the slow reference finds, in the same order."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctv_ads.decisioning.segments.compile import compile_segment
from ctv_ads.decisioning.segments.layers import Layer
from ctv_ads.decisioning.segments.query import Query, query_of
from ctv_ads.decisioning.segments.search import search
from ctv_ads.decisioning.segments.segment import Segment
from ctv_ads.domain.inventory import ServableLineItem
from tests.unit.decisioning.random_inventory import random_asked, random_line_items
from tests.unit.decisioning.reference import Asked, first_eligible, verdict


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


@pytest.mark.parametrize("size", [0, 1, 5, 60, 700, 3000])
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_search_finds_what_the_reference_finds(size: int, seed: int) -> None:
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
            limit=limit,
            per_advertiser=per_advertiser,
            house_limit=house_limit,
        )
        assert [item.line_item.line_item_id for item in found.line_items] == first_eligible(
            paid, asked, limit=limit, per_advertiser=per_advertiser
        )
        assert [item.line_item.line_item_id for item in found.house] == first_eligible(
            house, asked, limit=house_limit, per_advertiser=house_limit, first_rank=len(paid)
        )
        by_id = {item.line_item_id: item for item in items}
        for line_item_id, reason in found.passed_over:
            assert verdict(by_id[line_item_id], asked) is reason
