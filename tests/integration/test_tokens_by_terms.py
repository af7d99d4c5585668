"""Tokens by what was booked: days, siblings, free impressions, flights, shards."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from ctv_ads.adapters.ids import new_id
from local.valkey import ValkeyServer
from tests.builders import NOON, PRICE_MICROS
from tests.till import LIFETIME, MINUTE, Till, a_till
from tests.worlds import World


@pytest.fixture
def till(postgres_of_session: World, valkey_server: ValkeyServer) -> Iterator[Till]:
    with a_till(postgres_of_session, valkey_server) as till:
        yield till


def test_a_new_day_pays_anew_and_yesterdays_tokens_are_taken_back(till: Till) -> None:
    campaign = till.campaign(10, daily_budget_micros=3 * PRICE_MICROS)
    line_item = campaign.line_items[0].line_item_id
    till.look()
    assert till.tokens(campaign) == 3 * PRICE_MICROS
    bucket = till.spend(line_item)
    assert till.look(after=timedelta(hours=12)).taken_back == 1
    assert till.tokens(campaign) == 3 * PRICE_MICROS
    assert till.bill(line_item, bucket) == ["in_time"]
    assert till.books(campaign) == (10, 1, 3)


def test_a_line_item_without_tokens_gets_what_its_sibling_hoards(till: Till) -> None:
    campaign = till.campaign(10)
    first, second = campaign.line_items[0].line_item_id, new_id()
    till.look()
    till.owner.execute(
        "INSERT INTO line_items (line_item_id, organization_id, campaign_id, name, pacing)"
        " SELECT %s, organization_id, campaign_id, 'second', 'asap' FROM campaigns"
        " WHERE campaign_id = %s",
        (second, campaign.campaign_id),
    )
    till.look(after=MINUTE)
    held = [(till.held(line_item) or (0, 0))[1] for line_item in (first, second)]
    assert held == [5 * PRICE_MICROS] * 2


def test_impressions_that_cost_nothing_are_granted_up_to_their_goal(till: Till) -> None:
    campaign = till.campaign(10, type="house", goal_unit="impressions", goal_amount=3)
    line_item = campaign.line_items[0].line_item_id
    till.look()
    assert till.tokens(campaign) == 3
    buckets = [till.spend(line_item, 1) for _ in range(2)]
    assert till.bill(line_item, *buckets, price_micros=0) == ["in_time", "in_time"]
    till.look(after=LIFETIME)
    assert till.tokens(campaign) == 1
    assert till.books(campaign)[1] == 0


@pytest.mark.parametrize("terms", [{"type": "house"}, {"rate_type": "flat", "rate_micros": 10**9}])
def test_what_costs_nothing_and_has_no_goal_needs_no_tokens(
    till: Till, terms: dict[str, Any]
) -> None:
    campaign = till.campaign(10, **terms)
    assert till.look().looked_at == 0
    assert till.held(campaign.line_items[0].line_item_id) is None


def test_a_flight_has_its_tokens_just_before_it_begins_and_none_after_its_end(till: Till) -> None:
    campaign = till.campaign(
        10, starts_at=NOON + timedelta(hours=1), ends_at=NOON + 2 * MINUTE * 60
    )
    till.look(after=timedelta(minutes=58))
    assert till.tokens(campaign) == 0
    till.look(after=MINUTE)
    assert till.tokens(campaign) == 10 * PRICE_MICROS
    till.look(after=timedelta(hours=1, minutes=1))
    assert till.tokens(campaign) == 0


def test_tokens_are_spread_over_shards_and_go_to_where_they_are_needed(till: Till) -> None:
    till.shards = 2
    campaign = till.campaign(11)
    line_item = campaign.line_items[0].line_item_id
    till.look()
    assert [(till.held(line_item, shard) or (0, 0))[1] for shard in (0, 1)] == [
        6 * PRICE_MICROS,
        5 * PRICE_MICROS,
    ]
    for _ in range(6):
        till.spend(line_item, shard=0)
    till.look(after=MINUTE)
    assert [(till.held(line_item, shard) or (0, 0))[1] for shard in (0, 1)] == [
        3 * PRICE_MICROS,
        2 * PRICE_MICROS,
    ]
    till.shards = 1
    till.look(after=MINUTE)
    assert till.tokens(campaign) == 5 * PRICE_MICROS


def test_old_buckets_are_deleted_and_numbers_go_on_growing(till: Till) -> None:
    campaign = till.campaign(10)
    line_item = campaign.line_items[0].line_item_id
    till.look()
    bucket = till.spend(line_item)
    till.bill(line_item, bucket)
    for after in (timedelta(minutes=20), timedelta(minutes=20), timedelta(days=3)):
        till.look(after=after)
    rows = till.owner.execute("SELECT bucket FROM token_buckets").fetchall()
    assert bucket not in [row["bucket"] for row in rows]
    till.now -= timedelta(days=4)
    till.says(line_item, status="paused")
    till.look()
    till.says(line_item, status="active")
    till.look()
    assert (till.held(line_item) or (0, 0))[0] > max(row["bucket"] for row in rows)


def test_whom_its_pace_allows_nothing_is_looked_at_again_later_or_after_a_change(
    till: Till,
) -> None:
    campaign = till.campaign(10, pacing="even", updated_at=NOON - timedelta(days=1))
    till.owner.execute(
        "UPDATE campaigns SET updated_at = %s WHERE campaign_id = %s",
        (NOON - timedelta(days=1), campaign.campaign_id),
    )
    line_item = campaign.line_items[0].line_item_id
    till.owner.execute(
        "UPDATE campaigns SET billed_micros = budget_micros / 2 WHERE campaign_id = %s",
        (campaign.campaign_id,),
    )
    assert till.look().looked_at == 1
    assert till.look(after=MINUTE).looked_at == 0
    till.says(line_item, pacing="asap", updated_at=till.now)
    assert till.look(after=MINUTE).granted == 1
    assert till.tokens(campaign) == 5 * PRICE_MICROS


def test_even_pacing_follows_the_traffic_of_its_placements_once_there_is_a_week_of_it(
    till: Till,
) -> None:
    """All of the traffic is at noon: what was due by then is little, and in that hour all is."""
    campaign = till.campaign(100_000, pacing="even", ends_at=NOON + timedelta(hours=12))
    till.owner.execute(
        "INSERT INTO delivery_hours (organization_id, campaign_id, line_item_id, creative_id,"
        " placement_id, country, device_type, hour, opportunities)"
        " SELECT %(organization)s, z, z, z, %(placement)s, '', '', day, 1000"
        " FROM (SELECT '00000000-0000-0000-0000-000000000000'::uuid AS z) zero,"
        " generate_series(%(now)s - interval '14 days', %(now)s, '1 day') day",
        {
            "organization": till.tenant.organization_id,
            "placement": till.tenant.placement_id,
            "now": NOON,
        },
    )
    till.look()
    uniform_share = 100_000 * 2 // (36 * 60)
    assert till.tokens(campaign) > 4 * uniform_share * PRICE_MICROS
