"""Whether a line item delivers is told from what is known, and from nothing else."""

from typing import Any

import pytest

from ctv_ads.domain.delivery_health import (
    MOST_CAUSES,
    DeliveryStanding,
    Evidence,
    Health,
    Source,
    judge,
)
from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.pacing import LimitedBy
from ctv_ads.domain.reasons import Reason
from ctv_ads.domain.remark import Remark
from tests.builders import NOON


def standing(
    *,
    due: int = 100,
    delivered: int = 100,
    urgency: int = 0,
    limited_by: LimitedBy = LimitedBy.NOTHING,
) -> DeliveryStanding:
    return DeliveryStanding(
        LineItemId("l"), due, delivered, 0, urgency, limited_by, has_tokens=True, observed_at=NOON
    )


def judged(**known: Any) -> tuple[Health, list[str]]:
    verdict = judge(Evidence(**known))
    return verdict.health, [cause.code for cause in verdict.causes]


def test_what_the_booking_forbids_needs_no_further_look() -> None:
    paused = Remark("status", "line_item_paused", "is paused")
    found = judge(Evidence(obstacles=[paused], standing=standing()))
    assert found.health is Health.NOT_DELIVERING
    assert [(one.source, one.code, one.message) for one in found.causes] == [
        (Source.BOOKING, "line_item_paused", "is paused")
    ]


def test_a_budget_that_is_spent_is_a_limit_and_no_obstacle_beside_others() -> None:
    spent = Remark("budget_micros", "budget_too_small", "is spent")
    paused = Remark("status", "line_item_paused", "is paused")
    assert judged(obstacles=[spent]) == (Health.LIMITED, ["budget_too_small"])
    assert judged(obstacles=[spent, paused])[0] is Health.NOT_DELIVERING


def test_what_is_not_published_cannot_deliver() -> None:
    assert judged(is_published=False, standing=standing()) == (
        Health.NOT_DELIVERING,
        ["not_published"],
    )


@pytest.mark.parametrize(
    "limit", [LimitedBy.DAY, LimitedBy.GOAL, LimitedBy.LINE_ITEM, LimitedBy.CAMPAIGN]
)
def test_what_has_nothing_left_is_limited_by_its_name(limit: LimitedBy) -> None:
    assert judged(standing=standing(limited_by=limit)) == (Health.LIMITED, [limit])


@pytest.mark.parametrize("limit", [LimitedBy.NOTHING, LimitedBy.PACING])
@pytest.mark.parametrize(
    ("delivered", "health"),
    [(100, Health.ON_TRACK), (110, Health.ON_TRACK), (111, Health.AHEAD)],
)
def test_what_is_due_is_on_track_and_clearly_more_is_ahead(
    limit: LimitedBy, delivered: int, health: Health
) -> None:
    found = judged(
        standing=standing(delivered=delivered, limited_by=limit),
        verdicts={Reason.NO_TOKENS: 9},
        searched=3,
    )
    assert found == (health, [])


def test_what_misses_some_is_behind_and_what_has_none_does_not_deliver() -> None:
    some = {"verdicts": {Reason.CHOSEN: 1, Reason.OUTRANKED: 2}, "removals": {}}
    assert judged(standing=standing(delivered=50, urgency=4), **some) == (
        Health.BEHIND,
        ["outranked"],
    )
    assert judged(standing=standing(delivered=0, urgency=9), **some) == (
        Health.NOT_DELIVERING,
        ["outranked"],
    )


def test_what_is_behind_and_never_chosen_lately_does_not_deliver() -> None:
    found = judged(
        standing=standing(delivered=50, urgency=4),
        verdicts={},
        removals={Reason.COUNTRY: 3},
        searched=3,
    )
    assert found == (Health.NOT_DELIVERING, ["country"])


def test_without_a_standing_recent_decisions_tell() -> None:
    assert judged(verdicts={Reason.CHOSEN: 1, Reason.OUTRANKED: 8}) == (Health.ON_TRACK, [])
    assert judged(verdicts={Reason.OUTRANKED: 8}) == (Health.NOT_DELIVERING, ["outranked"])
    assert judged(standing=standing(due=0, delivered=0), verdicts={Reason.CHOSEN: 1}) == (
        Health.ON_TRACK,
        [],
    )


def test_when_nothing_is_known_it_says_so() -> None:
    assert judged() == (Health.UNKNOWN, ["not_known"])
    assert judged(verdicts={}, removals=None) == (Health.UNKNOWN, ["not_known"])
    assert judged(verdicts={}, removals={}) == (Health.UNKNOWN, ["no_requests"])
    assert judged(standing=standing(delivered=50, urgency=4), verdicts={}, removals={}) == (
        Health.BEHIND,
        ["no_requests"],
    )


def test_causes_come_by_how_often_they_were_met() -> None:
    found = judge(
        Evidence(
            verdicts={Reason.OUTRANKED: 2, Reason.NO_TOKENS: 5, Reason.SAME_MEDIA: 2},
            removals={Reason.COUNTRY: 4},
            searched=6,
        )
    )
    assert [(one.source, one.code, one.times, one.of) for one in found.causes] == [
        (Source.DECISIONS, "no_tokens", 5, 9),
        (Source.DECISIONS, "same_media", 2, 9),
        (Source.DECISIONS, "outranked", 2, 9),
        (Source.INVENTORY, "country", 4, 6),
    ]


@pytest.mark.parametrize("reason", [one for one in Reason if one is not Reason.CHOSEN])
def test_every_reason_has_words_and_a_fix(reason: Reason) -> None:
    (cause,) = judge(Evidence(removals={reason: 1}, searched=1)).causes
    assert cause.code == reason.wire_name
    assert cause.message.endswith(".")
    assert cause.fix.endswith(".")


def test_only_the_most_frequent_causes_are_told() -> None:
    every: dict[Reason, int] = {one: one.value for one in Reason if one is not Reason.CHOSEN}
    assert len(judge(Evidence(removals=every, searched=800)).causes) == MOST_CAUSES
