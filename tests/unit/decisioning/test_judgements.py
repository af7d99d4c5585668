"""What is kept of a line item between breaks may never differ from judging it anew."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ctv_ads.decisioning.segments.candidates import (
    _MOST_KEPT,
    _MOST_KINDS,
    Judgement,
    Judgements,
    judge,
    judge_and_keep,
)
from ctv_ads.decisioning.segments.files import FileLimits
from ctv_ads.decisioning.segments.query import Query
from ctv_ads.domain.ids import OrganizationId, PlacementId
from ctv_ads.domain.inventory import PublishedPlacement, ServableLineItem
from ctv_ads.domain.line_item import CreativeRotation
from ctv_ads.domain.pod import Candidate
from ctv_ads.domain.reasons import Reason
from tests.builders import NOON, a_servable_creative, a_servable_line_item

QUERY = Query({}, PublishedPlacement(PlacementId("p"), OrganizationId("o")), NOON, seed=7)
SHORT, LONG = a_servable_creative(duration_ms=10_000), a_servable_creative(duration_ms=30_000)
LATER = a_servable_line_item(creatives=(replace(SHORT, starts_at=NOON + timedelta(hours=1)),))
PARTLY = a_servable_line_item(share_percent=50)
ROTATING = a_servable_line_item(creatives=(SHORT, LONG))
IN_SEQUENCE = replace(ROTATING, creative_rotation=CreativeRotation.SEQUENTIAL)


def kept(line_item: ServableLineItem, query: Query = QUERY) -> dict[int, Judgement]:
    known: dict[int, Judgement] = {}
    assert judge_and_keep(known, 3, line_item, query) == judge(line_item, query)
    return known


@pytest.mark.parametrize("line_item", [a_servable_line_item(), IN_SEQUENCE])
def test_what_neither_time_nor_chance_changes_is_kept(line_item: ServableLineItem) -> None:
    assert kept(line_item) == {3: judge(line_item, QUERY)}


@pytest.mark.parametrize("line_item", [LATER, PARTLY, ROTATING])
def test_what_time_or_chance_changes_is_judged_each_time(line_item: ServableLineItem) -> None:
    assert kept(line_item) == {}


def test_a_refusal_is_kept_as_well() -> None:
    line_item = a_servable_line_item(creatives=(LONG,))
    assert kept(line_item, QUERY._replace(max_ad_ms=20_000)) == {3: Reason.CREATIVE_TOO_LONG}


@pytest.mark.parametrize(
    "other",
    [
        QUERY._replace(min_ad_ms=1),
        QUERY._replace(max_ad_ms=20_000),
        QUERY._replace(files=FileLimits(mimes=("video/webm",))),
        QUERY._replace(files=FileLimits(max_bitrate_kbps=1_000)),
    ],
)
def test_breaks_that_take_other_creatives_have_judgements_of_their_own(other: Query) -> None:
    judgements = Judgements()
    judge_and_keep(judgements.of(QUERY), 3, IN_SEQUENCE, QUERY)
    assert judgements.of(other) == {}
    assert judgements.of(QUERY._replace(seed=8, now=NOON + timedelta(days=1))).keys() == {3}


def test_of_many_kinds_of_breaks_the_oldest_are_forgotten() -> None:
    judgements = Judgements()
    for longest_ms in range(_MOST_KINDS + 1):
        query = QUERY._replace(max_ad_ms=longest_ms)
        judge_and_keep(judgements.of(query), 3, IN_SEQUENCE, query)
    assert judgements.of(QUERY._replace(max_ad_ms=1)).keys() == {3}
    assert judgements.of(QUERY._replace(max_ad_ms=0)) == {}


def test_of_many_line_items_the_oldest_are_forgotten() -> None:
    candidate = Candidate(IN_SEQUENCE, IN_SEQUENCE.creatives, 0)
    known: dict[int, Judgement] = dict.fromkeys(range(_MOST_KEPT), candidate)
    judge_and_keep(known, _MOST_KEPT, IN_SEQUENCE, QUERY)
    assert len(known) <= _MOST_KEPT
    assert 0 not in known
    assert _MOST_KEPT in known
