"""A compiled segment: its bytes, what is read back of them, and what is refused."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from ctv_ads.decisioning.segments.columns import MAGIC
from ctv_ads.decisioning.segments.compile import compile_segment
from ctv_ads.decisioning.segments.index import LineItemIndex
from ctv_ads.decisioning.segments.layers import Layer
from ctv_ads.decisioning.segments.query import Query, query_of
from ctv_ads.decisioning.segments.search import search
from ctv_ads.decisioning.segments.segment import Segment
from ctv_ads.domain.ad_request import AdRequest, Viewer
from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.companions import Tracker, TrackerEvent, UniversalAdId, Verification
from ctv_ads.domain.frequency import CapKey, CapScope, FrequencyCap
from ctv_ads.domain.ids import LineItemId, OrganizationId, PlacementId
from ctv_ads.domain.inventory import PublishedPlacement, Rendition, ServableLineItem
from ctv_ads.domain.line_item import (
    CreativeRotation,
    Daypart,
    PodPosition,
    RateType,
    Separation,
    SeparationBy,
    SeparationExtent,
    Weekday,
)
from ctv_ads.domain.pace import Pacing
from ctv_ads.domain.targeting import Rule
from tests.builders import DAY, NOON, a_servable_creative, a_servable_line_item
from tests.unit.decisioning.random_inventory import random_line_items
from tests.unit.decisioning.reference import Asked

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


def test_the_same_line_items_compile_to_the_same_bytes_in_any_order() -> None:
    items = random_line_items(Random(1), 50)  # noqa: S311 - chance to be repeated
    assert compile_segment(items) == compile_segment(list(reversed(items)))


def test_what_is_compiled_is_read_back_but_for_what_is_left_of_budgets() -> None:
    creative = a_servable_creative(
        name='\U0001f600 "]]>',
        universal_ad_id=UniversalAdId("ad-id.org", "ABCD0001000H"),
        trackers=(Tracker(TrackerEvent.START, "https://t.example/\n"),),
        verifications=(Verification("v", "https://v.example/x.js", None),),
        renditions=(
            Rendition("https://m.example/a", "video/mp4", 640, 360, 800, "avc1.4d401e", 9),
        ),
        starts_at=NOON,
        ends_at=NOON + DAY,
        weight=3,
        sequence=2,
    )
    item = a_servable_line_item(
        creatives=[creative],
        type=LineItemType.SPONSORSHIP,
        rate_type=RateType.CPCV,
        dayparts=(Daypart((Weekday.MONDAY,), 0, 60),),
        targeting={"country": Rule(("AT",), ("DE",)), "kv.a": Rule((), ("b",))},
        frequency_caps=(FrequencyCap(1, None, CapScope.CREATIVE, CapKey.SESSION),),
        separation=(Separation(SeparationBy.CATEGORY, SeparationExtent.POD),),
        creative_rotation=CreativeRotation.SEQUENTIAL,
        pacing=Pacing.ASAP,
        pod_position=PodPosition.LAST,
    )
    index = LineItemIndex([layer([item])])
    assert index.line_items() == [replace(item, remaining_micros=item.price_micros)]
    assert index.line_item(item.line_item_id) == index.line_items()[0]
    assert index.line_item(LineItemId("another")) is None


def test_line_items_that_share_a_film_each_have_it() -> None:
    heard = Tracker(TrackerEvent.START, "https://t.example/")
    shared, own = a_servable_creative(trackers=(heard,)), a_servable_creative()
    items = [a_servable_line_item(creatives=films) for films in ([shared], [own, shared])]
    found = {
        item.line_item_id: item.creatives for item in LineItemIndex([layer(items)]).line_items()
    }
    assert found == {item.line_item_id: item.creatives for item in items}


def test_a_line_item_that_has_gone_is_not_found_by_its_id() -> None:
    gone, kept = a_servable_line_item(), a_servable_line_item()
    base = Segment(compile_segment([gone, kept]))
    index = LineItemIndex([Layer(base, [gone.line_item_id, LineItemId("never there")])])
    assert index.line_item(gone.line_item_id) is None
    assert [item.line_item_id for item in index.line_items()] == [kept.line_item_id]


def test_line_items_beyond_what_is_kept_are_unpacked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ctv_ads.decisioning.segments.segment._MOST_KEPT", 2)
    items = [a_servable_line_item() for _ in range(5)]
    index = LineItemIndex([layer(items)])
    for _ in range(2):
        assert len(index.line_items()) == 5


def test_rows_beyond_what_is_kept_are_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctv_ads.decisioning.segments.block._MOST_KEPT", 2)
    german = a_servable_line_item(targeting={"country": Rule(("DE",))}, starts_at=NOON + DAY)
    index = layer([a_servable_line_item(targeting=AUSTRIAN), german])
    for country in ("AT", "DE", "AT", "DE"):
        viewer = Viewer(country=country, os="roku")
        asked = Asked(AdRequest("p", viewer=viewer), PLACEMENT, NOON, 0, 15_000, 15_000)
        assert len(search([index], query(asked)).line_items) == (country == "AT")


def test_an_index_over_nothing_finds_nothing() -> None:
    asked = Asked(AdRequest("p"), PLACEMENT, NOON, 0)
    found = LineItemIndex().search(query(asked))
    assert (found.line_items, found.house, found.passed_over) == ((), (), ())


@pytest.mark.parametrize("data", [b"", MAGIC, MAGIC + bytes(8), b"something else entirely"])
def test_bytes_that_are_no_segment_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"segment|JSON|Expecting"):
        Segment(data)


def test_a_segment_of_another_format_is_refused() -> None:
    data = compile_segment([]).replace(b'"format":3', b'"format":9')
    with pytest.raises(ValueError, match="format 9"):
        Segment(data)
