from datetime import timedelta

import pytest

from ctv_ads.domain.campaign import (
    DEFAULT_PRIORITY_BY_TYPE,
    NEXT_STATUSES,
    CampaignStatus,
    LineItemType,
    obstacles_to_activation,
)
from tests.builders import NOON, PRICE_MICROS, a_campaign

DRAFT, ACTIVE, PAUSED, COMPLETED, ARCHIVED = CampaignStatus
ALLOWED = {
    (DRAFT, ACTIVE),
    (DRAFT, ARCHIVED),
    (ACTIVE, PAUSED),
    (ACTIVE, COMPLETED),
    (PAUSED, ACTIVE),
    (PAUSED, COMPLETED),
    (PAUSED, ARCHIVED),
    (COMPLETED, ARCHIVED),
}


def test_statuses_follow_one_another_as_listed_and_never_otherwise() -> None:
    assert {(a, b) for a in CampaignStatus for b in NEXT_STATUSES[a]} == ALLOWED


def test_nothing_leads_back_to_a_draft_or_out_of_the_archive() -> None:
    assert not any(DRAFT in following for following in NEXT_STATUSES.values())
    assert NEXT_STATUSES[ARCHIVED] == frozenset()


def test_every_type_has_a_priority_of_the_scale() -> None:
    assert set(DEFAULT_PRIORITY_BY_TYPE) == set(LineItemType)
    assert all(1 <= priority <= 16 for priority in DEFAULT_PRIORITY_BY_TYPE.values())


def codes(*, budget_micros: int = 1_000_000, billed_micros: int = 0) -> list[str]:
    campaign = a_campaign(budget_micros=budget_micros, billed_micros=billed_micros)
    return [o.code for o in obstacles_to_activation(campaign, ready_creatives=1, now=NOON)]


def test_nothing_stands_in_the_way_of_a_campaign_that_has_all() -> None:
    assert codes() == []


def test_without_a_ready_creative_it_cannot_serve() -> None:
    (obstacle,) = obstacles_to_activation(a_campaign(), ready_creatives=0, now=NOON)
    assert (obstacle.path, obstacle.code) == ("creatives", "no_ready_creative")


@pytest.mark.parametrize(("left", "stands"), [(timedelta(0), True), (timedelta.resolution, False)])
def test_a_flight_that_has_ended_cannot_serve(left: timedelta, *, stands: bool) -> None:
    campaign = a_campaign(ends_at=NOON + left)
    found = obstacles_to_activation(campaign, ready_creatives=1, now=NOON)
    assert [o.code for o in found] == (["flight_ended"] if stands else [])


@pytest.mark.parametrize("money", [(0, 0), (PRICE_MICROS - 1, 0), (100_000, 80_001)])
def test_what_pays_for_no_impression_cannot_serve(money: tuple[int, int]) -> None:
    budget_micros, billed_micros = money
    assert codes(budget_micros=budget_micros, billed_micros=billed_micros) == ["budget_too_small"]


def test_what_pays_for_one_impression_can() -> None:
    assert codes(budget_micros=100_000, billed_micros=80_000) == []


def test_all_obstacles_are_listed_at_once() -> None:
    campaign = a_campaign(budget_micros=0, ends_at=NOON)
    found = obstacles_to_activation(campaign, ready_creatives=0, now=NOON)
    assert [o.path for o in found] == ["creatives", "ends_at", "budget_micros"]
