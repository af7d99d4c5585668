"""House ads when Valkey does not answer; decisions that their inventory cannot repeat."""

from datetime import timedelta

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.decisioning.no_fill import no_fill_reason
from ctv_ads.decisioning.prepare_pod import prepare_pod
from ctv_ads.decisioning.repeat_pod import NotRepeatableError, candidates_again, no_fill_again
from ctv_ads.decisioning.segments.compile import compile_segment
from ctv_ads.decisioning.segments.index import LineItemIndex
from ctv_ads.decisioning.segments.layers import Layer
from ctv_ads.decisioning.segments.search import MOST_CANDIDATES, REACHES
from ctv_ads.decisioning.segments.segment import Segment
from ctv_ads.decisioning.without_valkey import fill_without_valkey
from ctv_ads.domain.ad_request import AdBreak, AdRequest
from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.decision_record import AnswerForm, DecisionNote, DecisionRecord
from ctv_ads.domain.ids import AdvertiserId, DecisionId, LineItemId, OrganizationId, PlacementId
from ctv_ads.domain.inventory import PublishedPlacement, ServableLineItem
from ctv_ads.domain.placement import VastVersion
from ctv_ads.domain.pod import FilledPod, Pick
from ctv_ads.domain.reasons import NoFillReason, Reason
from tests.builders import NOON, a_servable_creative, a_servable_line_item

PLACEMENT = PublishedPlacement(PlacementId("p"), OrganizationId("o"))
REQUEST = AdRequest("p", ad_break=AdBreak(max_ads=2, max_ad_ms=20_000))


def index_of(*line_items: ServableLineItem) -> LineItemIndex:
    return LineItemIndex([Layer(Segment(compile_segment(line_items)))])


def test_without_valkey_house_ads_run_and_everybody_else_waits() -> None:
    paid = a_servable_line_item()
    house = a_servable_line_item(
        type=LineItemType.HOUSE, priority=16, price_micros=0, needs_tokens=False
    )
    prepared = prepare_pod(index_of(paid, house), REQUEST, PLACEMENT, now=NOON, seed=1)
    filled = fill_without_valkey(prepared, now=NOON)
    (pick,) = filled.picks
    assert prepared.candidates[pick.candidate].line_item.line_item_id == house.line_item_id
    assert pick.bucket == 0
    assert filled.verdicts == (Reason.NO_TOKENS, Reason.CHOSEN)


def house_ads(number: int) -> list[ServableLineItem]:
    ours = AdvertiserId(new_id())
    return [
        a_servable_line_item(
            advertiser_id=ours, type=LineItemType.HOUSE, priority=16, needs_tokens=False
        )
        for _ in range(number)
    ]


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        (AdBreak(), 4),
        (AdBreak(max_ads=6), 9),
        (AdBreak(duration_ms=30_000), 5),
        (AdBreak(duration_ms=180_000), 15),
        (AdBreak(duration_ms=180_000, max_ads=2), 5),
        (AdBreak(duration_ms=86_400_000), 103),
        (AdBreak(max_ads=100), 103),
    ],
    ids=str,
)
def test_house_ads_are_offered_for_the_whole_break(asked: AdBreak, offered: int) -> None:
    request = AdRequest("p", ad_break=asked)
    prepared = prepare_pod(index_of(*house_ads(110)), request, PLACEMENT, now=NOON, seed=1)
    assert len(prepared.candidates) == offered


def test_while_buyers_may_still_come_house_ads_are_few() -> None:
    index = index_of(*house_ads(20), *(a_servable_line_item() for _ in range(260)))
    request = AdRequest("p", ad_break=AdBreak(duration_ms=600_000))
    offered = [
        len(prepare_pod(index, request, PLACEMENT, now=NOON, seed=1, reach=reach).candidates)
        for reach in REACHES
    ]
    assert offered == [24 + 4, 72 + 4, MOST_CANDIDATES]


def test_a_break_of_no_time_looks_for_nobody() -> None:
    request = AdRequest("p", ad_break=AdBreak(duration_ms=0, max_ads=4))
    prepared = prepare_pod(index_of(a_servable_line_item()), request, PLACEMENT, now=NOON, seed=1)
    assert prepared.candidates == ()
    assert no_fill_reason((), prepared.passed_over) is NoFillReason.NO_TIME


def note_of(*names: LineItemId) -> DecisionNote:
    return DecisionNote(
        DecisionId("d"), NOON, 1, "v", OrganizationId("o"), PlacementId("p"), REQUEST,
        AnswerForm.VAST, VastVersion.V4_2, "https://x", "k1", 60, 60, names,
    )  # fmt: skip


def test_why_a_break_stayed_empty_is_told_from_its_record_and_its_inventory() -> None:
    film = a_servable_creative(ends_at=NOON)
    index = index_of(a_servable_line_item(creatives=[film]))

    def reason(index: LineItemIndex | None, *verdicts: Reason) -> NoFillReason | None:
        record = DecisionRecord(
            note_of(*map(LineItemId, map(str, verdicts))), FilledPod((), verdicts)
        )
        return no_fill_again(index, record, PLACEMENT)

    assert reason(index) is NoFillReason.NO_CREATIVE_FITS
    assert reason(None) is NoFillReason.NO_LINE_ITEM
    assert reason(index, Reason.NO_TOKENS, Reason.CAP_CREATIVE) is NoFillReason.NO_TOKENS


def test_a_break_with_an_ad_did_not_stay_empty() -> None:
    pod = FilledPod((Pick(0, 0, 0),), (Reason.CHOSEN,))
    record = DecisionRecord(note_of(LineItemId("l")), pod)
    assert no_fill_again(None, record, None) is None


def test_another_inventory_cannot_repeat_a_decision() -> None:
    gone, film = a_servable_line_item(), a_servable_creative(duration_ms=60_000)
    too_long = a_servable_line_item(creatives=[film], ends_at=NOON + timedelta(days=2))
    index = index_of(too_long)
    with pytest.raises(NotRepeatableError, match="is not in this inventory"):
        candidates_again(index, note_of(gone.line_item_id), PLACEMENT)
    with pytest.raises(NotRepeatableError, match="creative_too_long"):
        candidates_again(index, note_of(too_long.line_item_id), PLACEMENT)
