"""A completed view is paid for only if it has begun: else it waits, and is invalid in the end."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from threading import Thread
from typing import Any

import psycopg
import pytest

from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.memory.uploads import MemoryPublishedMedia
from ctv_ads.adapters.postgres.beacon_ledger import PostgresBeaconLedger
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.leftovers import PostgresLeftovers
from ctv_ads.domain.beacon import BeaconClaims, BeaconEvent
from ctv_ads.domain.campaign import Campaign
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.domain.line_item import RateType
from ctv_ads.use_cases.purge import Purge, Retention
from tests.books import Owner, a_campaign_of, assert_books_agree, wait_until
from tests.builders import DAY, NOON, PRICE_MICROS, a_beacon, some_claims
from tests.worlds import World

LATER = NOON + timedelta(minutes=2)


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


def a_view(campaign: Campaign, *, expires_at: datetime = NOON + DAY) -> BeaconClaims:
    return some_claims(
        line_item_id=campaign.line_items[0].line_item_id,
        rate_type=RateType.CPCV,
    )._replace(expires_at=expires_at)


def held(owner: Owner, claims: BeaconClaims) -> int:
    return owner.execute(
        "SELECT 1 FROM held_completes WHERE decision_id = %s", (claims.decision_id,)
    ).rowcount


def rules(owner: Owner, campaign: Campaign) -> list[tuple[str, int]]:
    rows = owner.execute(
        "SELECT rule, sum(beacons)::integer AS beacons FROM invalid_days WHERE campaign_id = %s"
        " GROUP BY rule",
        (campaign.campaign_id,),
    )
    return [(row["rule"], row["beacons"]) for row in rows]


def test_in_whatever_order_they_come_a_view_is_billed_once(world: World, owner: Owner) -> None:
    for order in permutations(
        (BeaconEvent.IMPRESSION, BeaconEvent.COMPLETE, BeaconEvent.COMPLETE, BeaconEvent.START)
    ):
        campaign = a_campaign_of(world, 9)
        claims = a_view(campaign)
        for event in order:
            world.ledger.record([a_beacon(claims, event=event, received_at=LATER)])
        assert assert_books_agree(owner, campaign)["of_campaign"] == PRICE_MICROS
        assert held(owner, claims) == 0


def test_another_ad_of_the_same_break_begins_nothing(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 9)
    claims = a_view(campaign)
    other = claims._replace(slot=2)
    world.ledger.record([a_beacon(other), a_beacon(other, event=BeaconEvent.START)])
    complete = a_beacon(claims, event=BeaconEvent.COMPLETE, received_at=LATER)
    assert world.ledger.record([complete]).held == 1
    quartile = a_beacon(claims, event=BeaconEvent.MIDPOINT, received_at=LATER)
    assert world.ledger.record([quartile, complete]).held == 1
    assert assert_books_agree(owner, campaign)["of_campaign"] == 0


def test_what_began_on_another_day_or_of_nothing_known_begins_nothing(
    world: World, owner: Owner
) -> None:
    campaign = a_campaign_of(world, 9)
    claims = a_view(campaign)
    complete = a_beacon(claims, event=BeaconEvent.COMPLETE, received_at=LATER)
    for other in (
        claims._replace(decided_at=NOON - DAY),
        claims._replace(line_item_id=some_claims().line_item_id),
    ):
        assert world.ledger.record([a_beacon(other), complete]).held == 1
    assert assert_books_agree(owner, campaign)["of_campaign"] == 0
    assert world.ledger.record([a_beacon(claims)]).billed_impressions == 1


def test_a_view_that_was_seen_too_early_is_not_held(world: World, owner: Owner) -> None:
    tenant = world.a_tenant()
    campaign = world.a_serving_campaign(tenant)
    film = world.a_ready_creative(tenant, campaign.campaign_id).creative_id
    claims = a_view(campaign)._replace(creative_id=film)
    complete = a_beacon(claims, event=BeaconEvent.COMPLETE, received_at=NOON)
    assert world.ledger.record([complete]).invalid == {InvalidTraffic.IMPOSSIBLE_ORDER: 1}
    assert held(owner, claims) == 0


def test_what_never_began_is_invalid_when_its_token_is_over(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 9)
    over, lately = (
        a_view(campaign, expires_at=utc_now().replace(microsecond=0) - age)
        for age in (2 * DAY, DAY / 2)
    )
    world.ledger.record([a_beacon(one, event=BeaconEvent.COMPLETE) for one in (over, lately)])
    kept = Retention(idempotency_keys=DAY, credentials=DAY, media=DAY)
    purge = Purge(PostgresLeftovers(world.pipeline), MemoryPublishedMedia({}), kept, clock=utc_now)
    for _ in range(2):
        purge()
        assert rules(owner, campaign) == [("impossible_order", 1)]
    assert (held(owner, over), held(owner, lately)) == (0, 1)
    world.ledger.record([a_beacon(lately)])
    assert assert_books_agree(owner, campaign)["of_campaign"] == PRICE_MICROS


def test_the_unknown_is_refused_and_not_held(world: World, owner: Owner) -> None:
    stranger = some_claims(rate_type=RateType.CPCV)
    complete = a_beacon(stranger, event=BeaconEvent.COMPLETE)
    assert world.ledger.record([complete]).unknown == (0,)
    assert held(owner, stranger) == 0


def test_end_and_beginning_that_are_recorded_at_one_moment_meet(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 9)
    claims = a_view(campaign)
    complete = a_beacon(claims, event=BeaconEvent.COMPLETE, received_at=LATER)
    others = [a_beacon(replace_decision(claims)) for _ in range(3)]

    def record(*beacons: Any) -> None:
        database = Database(world.schema.pipeline_secret)
        PostgresBeaconLedger(database).record(list(beacons))
        database.close()

    threads = [
        Thread(target=record, args=(*others, complete)),
        Thread(target=record, args=(a_beacon(claims),)),
    ]
    with psycopg.connect(world.schema.owner_dsn) as keeper:
        keeper.execute(
            "SELECT 1 FROM campaigns WHERE campaign_id = %s FOR UPDATE", (campaign.campaign_id,)
        )
        for thread in threads:
            thread.start()
        wait_until(owner, "SELECT count(*) > 1 AS n FROM pg_locks WHERE NOT granted")
    for thread in threads:
        thread.join(20)
    assert assert_books_agree(owner, campaign)["of_campaign"] == PRICE_MICROS
    assert held(owner, claims) == 0


def replace_decision(claims: BeaconClaims) -> BeaconClaims:
    return claims._replace(decision_id=some_claims().decision_id)


def test_what_waited_is_judged_like_the_rest(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 9)
    claims = a_view(campaign)
    complete = a_beacon(claims, event=BeaconEvent.COMPLETE, received_at=LATER)
    again = replace(complete, client_network="198.51.100.0/24")
    world.ledger.record([complete])
    found = world.ledger.record([a_beacon(claims), again])
    assert (found.recorded, found.duplicates, found.billed_impressions) == (2, 1, 1)
    assert found.invalid == {InvalidTraffic.REPLAYED: 1}
