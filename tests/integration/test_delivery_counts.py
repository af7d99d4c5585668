"""Counts by hour and day: equal to a recount of the events, whatever comes twice or mixed."""

import random
from datetime import timedelta
from typing import Any

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.delivery_counts import PostgresDecisionCounts
from ctv_ads.adapters.session_sketches import count_sessions
from ctv_ads.domain.beacon import Beacon, BeaconEvent
from ctv_ads.domain.campaign import Campaign
from ctv_ads.domain.delivery import DecidedCounts, DecidedRow
from ctv_ads.domain.ids import CreativeId, LineItemId, PlacementId
from ctv_ads.domain.reasons import NoFillReason
from tests.books import Owner, a_campaign_of
from tests.builders import NOON, a_beacon, some_claims
from tests.worlds import World

# What the counts should be, from the events themselves.
_RECOUNT = """
SELECT e.line_item_id, e.creative_id, e.placement_id, e.country, e.device_type,
       {period} AS period,
       count(*) FILTER (WHERE event = 'impression') AS impressions,
       count(*) FILTER (WHERE event = 'start') AS starts,
       count(*) FILTER (WHERE event = 'firstQuartile') AS first_quartiles,
       count(*) FILTER (WHERE event = 'midpoint') AS midpoints,
       count(*) FILTER (WHERE event = 'thirdQuartile') AS third_quartiles,
       count(*) FILTER (WHERE event = 'complete') AS completes,
       count(*) FILTER (WHERE event = 'clickTracking') AS clicks,
       count(*) FILTER (WHERE event = 'error') AS errors,
       sum(e.billed_micros)::bigint AS billed_micros,
       count(*) FILTER (WHERE event = 'impression' AND e.billed_micros < price_micros)
           AS unbilled_impressions
FROM ad_events e JOIN line_items l USING (line_item_id)
WHERE l.campaign_id = %s GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6"""
_COUNTED = """
SELECT line_item_id, creative_id, placement_id, country, device_type, {period} AS period,
       impressions, starts, first_quartiles, midpoints, third_quartiles, completes, clicks,
       errors, billed_micros, unbilled_impressions
FROM {table} WHERE campaign_id = %s ORDER BY 1, 2, 3, 4, 5, 6"""


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


def mixed_beacons(campaign: Campaign, *, ads: int) -> list[Beacon]:
    """Return events of ads around midnight, of some creatives, placements and viewers."""
    chance = random.Random(3)  # noqa: S311 - the same beacons every time
    creatives, placements = [new_id() for _ in range(2)], [new_id() for _ in range(2)]
    beacons = []
    for _ in range(ads):
        claims = some_claims(
            line_item_id=campaign.line_items[0].line_item_id,
            decided_at=NOON + timedelta(hours=11, minutes=chance.randrange(180)),
            creative_id=chance.choice(creatives),
            placement_id=chance.choice(placements),
            country=chance.choice(["DE", "US", ""]),
            device_type=chance.choice(["ctv", ""]),
            session=chance.choice([0, 2**64 - 1, 5, 6, 7]),
        )
        events = chance.sample(list(BeaconEvent), k=8)
        beacons += [a_beacon(claims, event=event) for event in events]
    chance.shuffle(beacons)
    return beacons


def test_counts_of_hours_and_days_are_a_recount_of_the_events(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 20)
    beacons = mixed_beacons(campaign, ads=80)
    for start in range(0, len(beacons), 100):
        world.ledger.record([*beacons[start : start + 100], *beacons[:50]])
    for table, column, period in (
        ("delivery_hours", "hour", "date_trunc('hour', e.decided_at, 'UTC')"),
        ("delivery_days", "day", "e.day"),
    ):
        counted = owner.execute(
            _COUNTED.format(period=column, table=table).encode(), (campaign.campaign_id,)
        ).fetchall()
        recount = owner.execute(_RECOUNT.format(period=period).encode(), (campaign.campaign_id,))
        assert counted == recount.fetchall()
        assert len(counted) > 10


def test_sessions_are_those_that_saw_an_impression(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 20)
    placement, creative = new_id(), new_id()

    def seen(session: int, event: BeaconEvent = BeaconEvent.IMPRESSION) -> Beacon:
        claims = some_claims(
            line_item_id=campaign.line_items[0].line_item_id,
            placement_id=placement,
            creative_id=creative,
            session=session,
        )
        return a_beacon(claims, event=event)

    world.ledger.record([seen(1), seen(1), seen(2**64 - 1), seen(0)])
    world.ledger.record([seen(1), seen(3), seen(4, BeaconEvent.START)])
    world.ledger.record([seen(4, BeaconEvent.START)])
    (row,) = owner.execute(
        "SELECT sessions FROM delivery_hours WHERE campaign_id = %s", (campaign.campaign_id,)
    ).fetchall()
    assert count_sessions([row["sessions"]]) == 3


def test_errors_are_counted_by_their_code(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 5)
    line_item_id = campaign.line_items[0].line_item_id

    def failed(code: int | None) -> Beacon:
        claims = some_claims(line_item_id=line_item_id)
        return a_beacon(claims, event=BeaconEvent.ERROR, vast_error_code=code)

    once = failed(405)
    world.ledger.record([once, failed(405), failed(None)])
    world.ledger.record([once, failed(301)])
    found = owner.execute(
        "SELECT vast_error_code AS code, sum(errors)::integer AS errors FROM delivery_errors"
        " WHERE campaign_id = %s GROUP BY 1 ORDER BY 1",
        (campaign.campaign_id,),
    ).fetchall()
    assert found == [
        {"code": 0, "errors": 1},
        {"code": 301, "errors": 1},
        {"code": 405, "errors": 2},
    ]


def decided(world: World, owner: Owner, placement_id: str) -> list[dict[str, Any]]:
    hours, days = (
        owner.execute(
            f"SELECT requests, opportunities, no_fills, ads_served, line_item_id::text"  # noqa: S608
            f" FROM {table} WHERE placement_id = %s ORDER BY requests DESC".encode(),
            (placement_id,),
        ).fetchall()
        for table in ("delivery_hours", "delivery_days")
    )
    assert hours == days
    return hours


def test_decisions_of_a_message_are_counted_once(world: World, owner: Owner) -> None:
    tenant = world.a_tenant()
    line_item_id = world.a_serving_campaign(tenant).line_items[0].line_item_id
    place: Any = {"hour": NOON, "placement_id": tenant.placement_id, "country": "DE"}
    served = DecidedRow(
        **place, line_item_id=line_item_id, creative_id=CreativeId(new_id()), ads_served=4
    )
    asked = DecidedRow(**place, requests=3, opportunities=5, no_fills=1)
    first = DecidedCounts(new_id(), (asked, served, asked))
    second = DecidedCounts(new_id(), (asked,))
    counts = PostgresDecisionCounts(world.pipeline)
    assert counts.add([first, first]) == 1
    assert counts.add([first, second]) == 1
    assert counts.add([first, second]) == 0
    assert decided(world, owner, tenant.placement_id) == [
        {
            "requests": 9,
            "opportunities": 15,
            "no_fills": 3,
            "ads_served": 0,
            "line_item_id": "00000000-0000-0000-0000-000000000000",
        },
        {
            "requests": 0,
            "opportunities": 0,
            "no_fills": 0,
            "ads_served": 4,
            "line_item_id": line_item_id,
        },
    ]


def test_no_fills_are_counted_once_by_reason(world: World, owner: Owner) -> None:
    tenant = world.a_tenant()
    place: Any = {"hour": NOON, "placement_id": tenant.placement_id, "country": "DE"}
    reasons = {NoFillReason.NO_TOKENS: 2, NoFillReason.NO_ROOM: 1}
    asked = DecidedRow(**place, requests=3, no_fills=3, no_fill_reasons=reasons)
    later = DecidedRow(**{**place, "hour": NOON + timedelta(hours=1)}, requests=1)
    counts = PostgresDecisionCounts(world.pipeline)
    messages = [DecidedCounts(new_id(), (asked, asked, later)), DecidedCounts(new_id(), (asked,))]
    for _ in range(2):
        counts.add(messages)
    found = owner.execute(
        "SELECT hour, country, device_type, reason, no_fills FROM delivery_no_fills"
        " WHERE placement_id = %s ORDER BY reason",
        (tenant.placement_id,),
    ).fetchall()
    assert [tuple(row.values()) for row in found] == [
        (NOON, "DE", "", "no_room", 3),
        (NOON, "DE", "", "no_tokens", 6),
    ]


def test_nobody_counts_for_what_does_not_exist_or_is_anothers(world: World, owner: Owner) -> None:
    tenant, other = world.a_tenant(), world.a_tenant()
    anothers = world.a_serving_campaign(other).line_items[0].line_item_id
    rows = (
        DecidedRow(hour=NOON, placement_id=PlacementId(new_id()), requests=1),
        DecidedRow(
            hour=NOON, placement_id=tenant.placement_id, line_item_id=anothers, ads_served=1
        ),
        DecidedRow(
            hour=NOON,
            placement_id=tenant.placement_id,
            line_item_id=LineItemId(new_id()),
            ads_served=1,
        ),
    )
    assert PostgresDecisionCounts(world.pipeline).add([DecidedCounts(new_id(), rows)]) == 1
    assert decided(world, owner, tenant.placement_id) == []
