"""Days of flat rates in the books: each that served, once, however late the schedule calls."""

from collections.abc import Iterable
from datetime import date, timedelta

import pytest

from ctv_ads.adapters.postgres.ledger_flat import PostgresFlatRates
from ctv_ads.domain.campaign import Campaign
from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.line_item import RateType
from tests.books import Owner, a_campaign_of
from tests.builders import DAY, NOON, PRICE_MICROS, a_beacon, some_claims
from tests.ledgers import TODAY, entries, faults
from tests.worlds import World


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


def make_flat(
    owner: Owner, campaign: Campaign, rate_micros: int, *, budget_micros: int | None = None
) -> LineItemId:
    """Four days from today."""
    line_item_id = campaign.line_items[0].line_item_id
    owner.execute(
        "UPDATE line_items SET rate_type = 'flat', rate_micros = %s, budget_micros = %s,"
        " starts_at = %s, ends_at = %s WHERE line_item_id = %s",
        (rate_micros, budget_micros, NOON, NOON + 3 * DAY, line_item_id),
    )
    return line_item_id


def serve(world: World, campaign: Campaign, days: Iterable[int]) -> None:
    world.ledger.record(
        [
            a_beacon(
                some_claims(
                    line_item_id=campaign.line_items[0].line_item_id,
                    decided_at=NOON + number * DAY,
                    price_micros=0,
                    rate_type=RateType.FLAT,
                )
            )
            for number in days
        ]
    )


def post(world: World, campaign: Campaign, *, on: int = 30) -> int:
    return PostgresFlatRates(world.pipeline).post(campaign.campaign_id, today=day(on))


def day(number: int) -> date:
    return TODAY + timedelta(days=number)


def by_day(owner: Owner, campaign: Campaign) -> dict[int, int]:
    return {(e["day"] - TODAY).days: e["amount_micros"] for e in entries(owner, campaign)}


def test_each_day_of_a_flat_rate_is_entered_once(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 50)
    line_item_id = make_flat(owner, campaign, 100_003)
    serve(world, campaign, range(-1, 6))
    for today in range(7):
        for _ in range(2):
            post(world, campaign, on=today)
    assert by_day(owner, campaign) == {0: 25_000, 1: 25_001, 2: 25_001, 3: 25_001}
    assert {e["kind"] for e in entries(owner, campaign)} == {"flat"}
    assert faults(world, campaign) == []
    row = owner.execute(
        "SELECT billed_micros FROM line_items WHERE line_item_id = %s", (line_item_id,)
    ).fetchone()
    assert row == {"billed_micros": 100_003}


def test_days_are_entered_however_long_ago_the_flight_ended(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 50)
    make_flat(owner, campaign, 100_000)
    serve(world, campaign, range(4))
    rates = PostgresFlatRates(world.pipeline)
    assert campaign.campaign_id in rates.campaigns_due(today=day(8))
    assert post(world, campaign, on=8) == 4
    assert by_day(owner, campaign) == dict.fromkeys(range(4), 25_000)
    assert campaign.campaign_id not in rates.campaigns_due(today=day(8))
    assert faults(world, campaign) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE campaigns SET status = 'archived' WHERE campaign_id = %(campaign)s",
        "UPDATE campaigns SET status = 'paused' WHERE campaign_id = %(campaign)s",
        "UPDATE line_items SET status = 'paused' WHERE line_item_id = %(line_item)s",
        "UPDATE line_items SET deleted_at = now() WHERE line_item_id = %(line_item)s",
    ],
)
def test_what_became_of_it_later_changes_nothing_about_days_that_served(
    world: World, owner: Owner, change: str
) -> None:
    campaign = a_campaign_of(world, 50)
    line_item_id = make_flat(owner, campaign, 100_000)
    serve(world, campaign, [0, 1])
    owner.execute(change.encode(), {"campaign": campaign.campaign_id, "line_item": line_item_id})
    rates = PostgresFlatRates(world.pipeline)
    assert campaign.campaign_id in rates.campaigns_due(today=day(9))
    post(world, campaign, on=9)
    assert by_day(owner, campaign) == {0: 25_000, 1: 25_000}


def test_a_flight_that_never_served_is_not_billed(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 50)
    make_flat(owner, campaign, 100_000)
    rates = PostgresFlatRates(world.pipeline)
    assert campaign.campaign_id not in rates.campaigns_due(today=day(9))
    assert post(world, campaign, on=9) == 0
    assert by_day(owner, campaign) == {}


def test_a_day_whose_impressions_come_late_is_entered_after_those_that_follow_it(
    world: World, owner: Owner
) -> None:
    campaign = a_campaign_of(world, 50)
    make_flat(owner, campaign, 100_000)
    for told in ([0, 2], [1], [3]):
        serve(world, campaign, told)
        post(world, campaign)
    assert by_day(owner, campaign) == dict.fromkeys(range(4), 25_000)
    assert faults(world, campaign) == []


def test_days_that_were_paid_by_the_thousand_are_not_paid_again(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 50)
    claims = some_claims(line_item_id=campaign.line_items[0].line_item_id)
    world.ledger.record([a_beacon(claims)])
    make_flat(owner, campaign, 100_000)
    serve(world, campaign, [0, 1])
    post(world, campaign)
    assert by_day(owner, campaign) == {0: PRICE_MICROS, 1: 25_000}


@pytest.mark.parametrize("own_budget", [None, 60_000])
def test_a_flat_rate_ends_with_the_budget(
    world: World, owner: Owner, own_budget: int | None
) -> None:
    campaign = a_campaign_of(world, 4)  # 90,000 micros
    make_flat(owner, campaign, 200_000, budget_micros=own_budget)
    serve(world, campaign, range(4))
    post(world, campaign)
    assert sum(by_day(owner, campaign).values()) == (own_budget or 90_000)
    assert faults(world, campaign) == []


def test_a_day_that_is_not_over_is_not_entered(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 50)
    make_flat(owner, campaign, 100_000)
    serve(world, campaign, [0])
    assert campaign.campaign_id not in PostgresFlatRates(world.pipeline).campaigns_due(today=TODAY)
    assert post(world, campaign, on=0) == 0
    assert post(world, campaign, on=1) == 1
