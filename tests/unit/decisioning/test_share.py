"""A goal in percent is a share of the breaks, drawn by the decision's seed."""

import pytest

from ctv_ads.decisioning.prepare_pod import prepare_pod
from ctv_ads.decisioning.segments.compile import compile_segment
from ctv_ads.decisioning.segments.index import LineItemIndex
from ctv_ads.decisioning.segments.layers import Layer
from ctv_ads.decisioning.segments.query import query_of
from ctv_ads.decisioning.segments.segment import Segment
from ctv_ads.domain.ad_request import AdRequest
from ctv_ads.domain.ids import OrganizationId, PlacementId
from ctv_ads.domain.inventory import PublishedPlacement, ServableLineItem
from ctv_ads.domain.reasons import Reason
from tests.builders import NOON, a_servable_line_item

PLACEMENT = PublishedPlacement(PlacementId("p"), OrganizationId("o"))
REQUEST = AdRequest("p")
SEEDS = range(2_000)


def index_of(*line_items: ServableLineItem) -> LineItemIndex:
    return LineItemIndex([Layer(Segment(compile_segment(line_items)))])


def takes_part(index: LineItemIndex, seed: int) -> int:
    return len(prepare_pod(index, REQUEST, PLACEMENT, now=NOON, seed=seed).candidates)


@pytest.mark.parametrize(
    ("percent", "least", "most"), [(1, 5, 40), (30, 540, 660), (100, 2000, 2000)]
)
def test_it_takes_part_in_its_share_of_the_breaks(percent: int, least: int, most: int) -> None:
    index = index_of(a_servable_line_item(share_percent=percent))
    assert least <= sum(takes_part(index, seed) for seed in SEEDS) <= most


def test_shares_of_two_are_drawn_apart() -> None:
    index = index_of(*(a_servable_line_item(share_percent=50) for _ in range(2)))
    together = [takes_part(index, seed) for seed in SEEDS]
    assert {0, 1, 2} == set(together)
    assert 400 <= together.count(2) <= 600


def test_outside_its_share_it_says_so() -> None:
    line_item = a_servable_line_item(share_percent=1)
    index = index_of(line_item)
    seed = next(seed for seed in SEEDS if not takes_part(index, seed))
    prepared = prepare_pod(index, REQUEST, PLACEMENT, now=NOON, seed=seed)
    assert prepared.passed_over == ((line_item.line_item_id, Reason.OUTSIDE_SHARE),)
    query = query_of(REQUEST, PLACEMENT, now=NOON, seed=seed)
    assert index.explain(query) == {Reason.OUTSIDE_SHARE: (line_item.line_item_id,)}
