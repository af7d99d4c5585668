"""Granting: how much each line item of a campaign gets out of what is not yet promised."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctv_ads.domain.granting import Account, Decision, Use, decide
from ctv_ads.domain.ids import CampaignId, LineItemId
from ctv_ads.domain.line_item import Goal, GoalUnit
from ctv_ads.domain.pace import Pacing
from ctv_ads.domain.pacing import LimitedBy
from ctv_ads.domain.spending import TokenUnit
from tests.builders import DAY, NOON, PRICE_MICROS

BUDGET = 1000 * PRICE_MICROS


def an_account(name: str = "a", **changes: Any) -> Account:
    values: dict[str, Any] = {
        "line_item_id": LineItemId(name),
        "campaign_id": CampaignId("c"),
        "price_micros": PRICE_MICROS,
        "pacing": Pacing.ASAP,
        "starts_at": NOON - DAY,
        "ends_at": NOON + 9 * DAY,
        "timezone": "UTC",
        "campaign_budget_micros": BUDGET,
        "campaign_billed_micros": 0,
        "campaign_reserved_micros": 0,
    }
    return Account(**(values | changes))


def decided(*accounts: Account, now: datetime = NOON, **uses: Use) -> list[Decision]:
    return decide(accounts, {LineItemId(name): use for name, use in uses.items()}, now=now)


def events(*accounts: Account, now: datetime = NOON, **uses: Use) -> list[int]:
    """Return the amounts in events."""
    return [made.amount // made.account.price for made in decided(*accounts, now=now, **uses)]


def goal(unit: GoalUnit, amount: int) -> Goal:
    return Goal(unit, amount)


def test_a_campaign_alone_gets_what_its_pace_allows() -> None:
    assert events(an_account()) == [250]
    assert events(an_account(pacing=Pacing.EVEN, campaign_billed_micros=99 * PRICE_MICROS)) == [1]


def test_what_is_billed_or_reserved_is_not_granted_again() -> None:
    assert events(an_account(campaign_billed_micros=BUDGET - 5 * PRICE_MICROS)) == [5]
    assert events(an_account(campaign_reserved_micros=BUDGET - PRICE_MICROS + 1)) == [0]
    assert events(an_account(campaign_billed_micros=BUDGET, campaign_reserved_micros=5)) == [0]


@pytest.mark.parametrize(
    ("limit", "granted"),
    [
        ({"budget_micros": 7 * PRICE_MICROS}, 7),
        ({"budget_micros": 7 * PRICE_MICROS, "billed_micros": 3 * PRICE_MICROS}, 4),
        ({"budget_micros": 7 * PRICE_MICROS, "reserved": 7 * PRICE_MICROS}, 0),
        ({"daily_budget_micros": 8 * PRICE_MICROS, "day_billed_micros": 2 * PRICE_MICROS}, 6),
        ({"daily_budget_micros": 8 * PRICE_MICROS, "day_reserved": 8 * PRICE_MICROS}, 0),
        ({"goal": goal(GoalUnit.MICROS, 9 * PRICE_MICROS)}, 9),
        ({"goal": goal(GoalUnit.IMPRESSIONS, 9)}, 9),
        ({"goal": goal(GoalUnit.IMPRESSIONS, 9), "billed_events": 4, "billed_micros": 1}, 5),
        ({"goal": goal(GoalUnit.IMPRESSIONS, 9), "billed_events": 10}, 0),
        ({"goal": goal(GoalUnit.PERCENT, 9)}, 250),
        ({"price_micros": 0, "goal": goal(GoalUnit.IMPRESSIONS, 9)}, 9),
        (
            {
                "price_micros": 0,
                "goal": goal(GoalUnit.IMPRESSIONS, 9),
                "billed_events": 3,
                "reserved": 2,
                "budget_micros": 1,
                "daily_budget_micros": 1,
            },
            4,
        ),
    ],
)
def test_each_limit_holds(limit: dict[str, Any], granted: int) -> None:
    assert events(an_account(**limit)) == [granted]


def test_free_impressions_are_no_money_of_the_campaign() -> None:
    free = an_account(price_micros=0, goal=goal(GoalUnit.IMPRESSIONS, 5), campaign_budget_micros=0)
    assert (free.unit, free.delivered) == (TokenUnit.IMPRESSIONS, 0)
    assert (an_account(billed_micros=7).unit, an_account(billed_micros=7).delivered) == (
        TokenUnit.MICROS,
        7,
    )
    assert events(free) == [5]


def test_a_day_ends_at_the_midnight_of_its_time_zone_and_at_the_end_of_the_flight() -> None:
    tokyo: dict[str, Any] = {
        "timezone": "Asia/Tokyo",
        "daily_budget_micros": 240 * PRICE_MICROS,
        "campaign_budget_micros": 10**12,
        "pacing": Pacing.EVEN,
    }
    # 21:00 in Tokyo; caught up at twice the steady rate: 240 in 24 h are 1/3 in two minutes.
    (made,) = decided(an_account(**tokyo, day_billed_micros=209 * PRICE_MICROS))
    assert (made.amount, made.wish.limited_by) == (PRICE_MICROS, LimitedBy.PACING)
    (made,) = decided(an_account(**tokyo, day_billed_micros=211 * PRICE_MICROS))
    assert (made.amount, made.wish.limited_by) == (0, LimitedBy.PACING)
    last_day: dict[str, Any] = {
        "ends_at": NOON + timedelta(hours=1),
        "day_billed_micros": 239 * PRICE_MICROS,
    }
    assert events(an_account(**tokyo, **last_day), now=NOON + timedelta(minutes=59)) == [1]


def test_line_items_that_share_a_budget_get_no_more_than_it_together() -> None:
    accounts = [an_account(name, campaign_budget_micros=90 * PRICE_MICROS) for name in "abc"]
    assert events(*accounts) == [30, 30, 30]
    assert sum(events(*accounts, a=Use(rate=8), b=Use(rate=1), c=Use(rate=1))) == 90
    assert events(*accounts, a=Use(rate=8))[0] == 72


def test_line_items_that_share_a_budget_are_due_it_once() -> None:
    half_done: dict[str, Any] = {
        "pacing": Pacing.EVEN,
        "campaign_budget_micros": 14_400 * PRICE_MICROS,
        "campaign_billed_micros": 1441 * PRICE_MICROS,
    }
    assert events(an_account("a", **half_done)) == [2]
    assert events(an_account("a", **half_done), an_account("b", **half_done)) == [1, 1]


def test_those_with_budgets_of_their_own_share_the_campaigns_with_the_rest() -> None:
    few: dict[str, Any] = {"campaign_budget_micros": 100 * PRICE_MICROS}
    own = an_account("a", budget_micros=60 * PRICE_MICROS, **few)
    assert events(own, an_account("b", **few)) == [50, 50]


def test_the_last_event_of_a_budget_goes_to_one_of_those_who_share_it() -> None:
    last = {"campaign_budget_micros": 4 * PRICE_MICROS}
    accounts = [an_account(name, **last) for name in "abc"]
    assert events(*accounts) == [2, 1, 1]
    assert events(*accounts, c=Use(rate=2)) == [1, 1, 2]
    dear = an_account("a", price_micros=3 * PRICE_MICROS, **last)
    assert events(dear, an_account("b", **last)) == [0, 3]


def test_campaigns_do_not_share() -> None:
    other = an_account("b", campaign_id=CampaignId("d"), campaign_budget_micros=PRICE_MICROS)
    assert events(an_account("a"), other) == [250, 1]


def test_who_holds_enough_gets_nothing_new() -> None:
    held: dict[str, Any] = {
        "campaign_reserved_micros": 200 * PRICE_MICROS,
        "reserved": 200 * PRICE_MICROS,
    }
    assert events(an_account(**held), a=Use(200 * PRICE_MICROS)) == [0]
    assert events(an_account(**held), a=Use(10 * PRICE_MICROS)) == [202]


def test_a_grant_that_is_less_than_what_is_held_is_not_made() -> None:
    held: dict[str, Any] = {"campaign_reserved_micros": BUDGET - 5 * PRICE_MICROS}
    assert events(an_account(**held), a=Use(9 * PRICE_MICROS)) == [0]
    assert events(an_account(**held), a=Use(2 * PRICE_MICROS)) == [5]


def test_a_grant_stays_exact_in_lua() -> None:
    (made,) = decided(an_account(campaign_budget_micros=2**60))
    assert made.amount <= 2**52


@given(
    budget=st.integers(0, 50),
    lines=st.lists(
        st.tuples(
            st.sampled_from(list(Pacing)),
            st.none() | st.integers(0, 30),
            st.none() | st.integers(0, 30),
            st.none() | st.sampled_from(list(GoalUnit)),
            st.integers(0, 20),
        ),
        min_size=1,
        max_size=4,
    ),
    hours=st.lists(st.integers(0, 40), min_size=1, max_size=12),
)
def test_whatever_is_granted_and_spent_no_budget_is_passed(
    budget: int, lines: list[tuple[Any, ...]], hours: list[int]
) -> None:
    """All that is granted is spent and never comes back: the sum of all grants is the spend."""
    spent, now = [0] * len(lines), datetime(2026, 11, 23, tzinfo=UTC)
    days: dict[tuple[int, object], int] = {}
    for step in hours:
        now += timedelta(hours=step)
        accounts = [
            an_account(
                str(number),
                pacing=pacing,
                starts_at=now - 2 * DAY,
                ends_at=now + DAY,
                campaign_budget_micros=budget * PRICE_MICROS,
                campaign_billed_micros=sum(spent),
                billed_micros=spent[number],
                billed_events=spent[number] // PRICE_MICROS,
                budget_micros=None if own is None else own * PRICE_MICROS,
                daily_budget_micros=None if daily is None else daily * PRICE_MICROS,
                day_billed_micros=days.get((number, now.date()), 0),
                goal=None if unit is None else Goal(unit, amount),
            )
            for number, (pacing, own, daily, unit, amount) in enumerate(lines)
        ]
        for number, made in enumerate(decided(*accounts, now=now)):
            spent[number] += made.amount
            day = (number, now.date())
            days[day] = days.get(day, 0) + made.amount
    assert sum(spent) <= budget * PRICE_MICROS
    for number, (_, own, daily, unit, amount) in enumerate(lines):
        assert own is None or spent[number] <= own * PRICE_MICROS
        assert unit is not GoalUnit.MICROS or spent[number] <= amount
        assert unit is not GoalUnit.IMPRESSIONS or spent[number] <= amount * PRICE_MICROS
        assert daily is None or all(
            micros <= daily * PRICE_MICROS for (who, _), micros in days.items() if who == number
        )


def test_those_who_share_a_pace_take_turns() -> None:
    slow: dict[str, Any] = {
        "pacing": Pacing.EVEN,
        "campaign_budget_micros": 14_400 * PRICE_MICROS,
        "campaign_billed_micros": 1441 * PRICE_MICROS,
    }
    made = decided(*(an_account(name, **slow) for name in "abcd"))
    assert [(item.amount // PRICE_MICROS, item.wait_s) for item in made] == [
        (1, 0),
        (1, 0),
        (0, 60),
        (0, 60),
    ]
