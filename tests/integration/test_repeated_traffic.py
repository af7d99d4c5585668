"""Every invalid call is counted as often as it came, and once however often a queue delivers it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ctv_ads.adapters.postgres.invalid_traffic import PostgresInvalidTraffic
from ctv_ads.domain.beacon import Beacon, BeaconEvent
from ctv_ads.domain.campaign import Campaign
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.domain.line_item import RateType
from tests.books import Owner, a_campaign_of
from tests.builders import NOON, PRICE_MICROS, a_beacon, some_claims
from tests.integration.test_invalid_counts import assert_counts_are_a_recount
from tests.worlds import World

REPLAYED, REPEATED = InvalidTraffic.REPLAYED, InvalidTraffic.REPEATED


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


def first_of(campaign: Campaign, **terms: Any) -> Beacon:
    return a_beacon(some_claims(line_item_id=campaign.line_items[0].line_item_id, **terms))


def later(beacon: Beacon, seconds: float, network: str | None = "203.0.113.0/24") -> Beacon:
    at = beacon.received_at + timedelta(seconds=seconds)
    return replace(beacon, received_at=at, client_network=network)


def counted(owner: Owner, campaign: Campaign) -> dict[str, int]:
    assert_counts_are_a_recount(owner, campaign)
    rows = owner.execute(
        "SELECT rule, sum(beacons)::integer AS beacons FROM invalid_days WHERE campaign_id = %s"
        " GROUP BY rule",
        (campaign.campaign_id,),
    )
    return {row["rule"]: row["beacons"] for row in rows}


@pytest.mark.parametrize("size", [1000, 7])
def test_repeats_are_counted_as_often_as_they_came(world: World, owner: Owner, size: int) -> None:
    campaign = a_campaign_of(world, 9)
    first = first_of(campaign)
    same = [later(first, 1 + i) for i in range(300)]
    others = [later(first, 1 + i, f"198.51.{i}.0/24") for i in range(50)]
    calls = [first, *same, *others]
    for _ in range(2):
        for start in range(0, len(calls), size):
            world.ledger.record(calls[start : start + size])
    assert counted(owner, campaign) == {"repeated": 300, "replayed": 50}
    billed = owner.execute(
        "SELECT billed_micros FROM campaigns WHERE campaign_id = %s", (campaign.campaign_id,)
    ).fetchone()
    assert billed == {"billed_micros": PRICE_MICROS}


def test_from_several_networks_at_one_moment_they_are_several(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 9)
    first = first_of(campaign)
    found = world.ledger.record(
        [first, *(later(first, 0, f"198.51.{i}.0/24") for i in range(50)), first]
    )
    assert found.invalid == {REPLAYED: 50}
    assert counted(owner, campaign) == {"replayed": 50}


def test_a_repeat_from_who_knows_where_is_a_repeat(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 9)
    first = first_of(campaign)
    assert world.ledger.record([first, later(first, 1, None)]).invalid == {REPEATED: 1}
    assert counted(owner, campaign) == {"repeated": 1}


def test_what_is_not_paid_for_may_come_again(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 9)
    views = [first_of(campaign), first_of(campaign, rate_type=RateType.CPCV)]
    free = [
        replace(views[0], event=BeaconEvent.PAUSE),
        replace(views[0], event=BeaconEvent.COMPLETE),
        views[1],
    ]
    assert world.ledger.record([*free, *(later(one, 60) for one in free)]).duplicates == 3
    assert counted(owner, campaign) == {}


def test_what_the_collector_found_counts_by_call_and_keeps_its_error(
    world: World, owner: Owner
) -> None:
    campaign = a_campaign_of(world, 9)
    call = replace(
        first_of(campaign),
        event=BeaconEvent.ERROR,
        vast_error_code=403,
        invalid=InvalidTraffic.CRAWLER,
    )
    log = PostgresInvalidTraffic(world.pipeline)
    for _ in range(2):
        assert log.record([call, later(call, 1), call, later(call, 2)], []) == ()
    assert counted(owner, campaign) == {"crawler": 3}
    rows = owner.execute(
        "SELECT DISTINCT vast_error_code AS code FROM invalid_beacons WHERE campaign_id = %s",
        (campaign.campaign_id,),
    ).fetchall()
    assert rows == [{"code": 403}]


def test_an_invalid_call_of_an_unknown_line_item_is_named(world: World) -> None:
    stranger = replace(a_beacon(), invalid=InvalidTraffic.CRAWLER)
    mine = replace(first_of(a_campaign_of(world, 9)), invalid=InvalidTraffic.CRAWLER)
    log = PostgresInvalidTraffic(world.pipeline)
    assert log.record([mine, stranger, mine, stranger], []) == (1, 3)


def test_what_came_too_early_of_an_unknown_line_item_is_unknown(world: World) -> None:
    tenant = world.a_tenant()
    campaign = world.a_serving_campaign(tenant)
    film = world.a_ready_creative(tenant, campaign.campaign_id).creative_id
    claims = some_claims(creative_id=film)
    early = a_beacon(claims, event=BeaconEvent.COMPLETE, received_at=NOON)
    found = world.ledger.record([early])
    assert (found.unknown, found.invalid, found.duplicates) == ((0,), {}, 0)
