"""Invalid traffic by hour and day: a recount of what is kept, whoever keeps it and how often."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.invalid_traffic import PostgresInvalidTraffic
from ctv_ads.adapters.postgres.ledger_credits import PostgresLedgerPosting
from ctv_ads.adapters.postgres.leftovers import PostgresLeftovers
from ctv_ads.adapters.postgres.statistics_rebuild import PostgresStatisticsRebuild
from ctv_ads.domain.beacon import Beacon, BeaconEvent, ForgedBeacon
from ctv_ads.domain.campaign import Campaign
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.ports.ledger import DeliveredEvent
from ctv_ads.ports.purge import Leftover
from tests.books import Owner, a_campaign_of
from tests.builders import NOON, a_beacon, some_claims
from tests.integration.test_delivery_counts import mixed_beacons
from tests.worlds import Schema, World

_KEY = "line_item_id, creative_id, placement_id, country, device_type, rule"
# Statements are put together from texts of these tests.
# ruff: noqa: S608


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


def assert_counts_are_a_recount(owner: Owner, campaign: Campaign) -> int:
    """Compare hours and days with what is kept; return how many beacons that is."""
    beacons = 0
    for table, period, expression in (
        ("invalid_hours", "hour", "date_trunc('hour', decided_at, 'UTC')"),
        ("invalid_days", "day", "day"),
    ):
        told = owner.execute(
            f"SELECT {period}, {_KEY}, beacons FROM {table} WHERE campaign_id = %s"
            " ORDER BY 1, 2, 3, 4, 5, 6, 7".encode(),
            (campaign.campaign_id,),
        ).fetchall()
        kept = owner.execute(
            f"SELECT {expression} AS {period}, {_KEY}, count(*) AS beacons FROM invalid_beacons"
            " WHERE campaign_id = %s GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7".encode(),
            (campaign.campaign_id,),
        ).fetchall()
        assert told == kept
        beacons = sum(row["beacons"] for row in told)
    return beacons


def crawled(beacons: list[Beacon]) -> list[Beacon]:
    return [replace(one, invalid=InvalidTraffic.CRAWLER) for one in beacons]


def test_what_the_collector_found_is_counted_once_along_every_dimension(
    world: World, owner: Owner
) -> None:
    campaign = a_campaign_of(world, 20)
    beacons = crawled(mixed_beacons(campaign, ads=60))
    log = PostgresInvalidTraffic(world.pipeline)
    for start in range(0, len(beacons), 50):
        log.record([*beacons[start : start + 50], *beacons[:30]], [])
    log.record(beacons, [])
    assert assert_counts_are_a_recount(owner, campaign) == len(beacons)
    (told,) = owner.execute(
        "SELECT count(DISTINCT hour) AS hours, count(DISTINCT creative_id) AS creatives,"
        " count(DISTINCT placement_id) AS placements, count(DISTINCT country) AS countries,"
        " count(DISTINCT device_type) AS devices FROM invalid_hours WHERE campaign_id = %s",
        (campaign.campaign_id,),
    ).fetchall()
    assert tuple(told.values()) == (3, 2, 2, 3, 2)


def test_what_shows_while_recording_is_counted_in_the_recording_transaction(
    world: World, owner: Owner
) -> None:
    campaign = a_campaign_of(world, 20)
    claims = some_claims(line_item_id=campaign.line_items[0].line_item_id, country="AT")
    first = replace(a_beacon(claims), client_network="198.51.100.0/24")
    world.ledger.record([first])
    replay = replace(first, client_network="203.0.113.0/24")
    for _ in range(3):
        world.ledger.record([replay, a_beacon(claims, event=BeaconEvent.START)])
    assert assert_counts_are_a_recount(owner, campaign) == 1
    rows = owner.execute(
        "SELECT rule, country, hour FROM invalid_hours WHERE campaign_id = %s",
        (campaign.campaign_id,),
    ).fetchall()
    assert [(row["rule"], row["country"], row["hour"]) for row in rows] == [
        ("replayed", "AT", NOON)
    ]


def test_what_was_credited_under_a_rule_is_counted_too(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 20)
    claims = some_claims(line_item_id=campaign.line_items[0].line_item_id, device_type="ctv")
    world.ledger.record([a_beacon(claims)])
    events = [DeliveredEvent(NOON.date(), claims.decision_id, claims.slot, BeaconEvent.IMPRESSION)]
    for _ in range(2):
        PostgresLedgerPosting(world.pipeline).credit(
            events, "nobody watched", rule=InvalidTraffic.DATA_CENTRE
        )
    assert assert_counts_are_a_recount(owner, campaign) == 1


def of_nobody(owner: Owner, day: datetime) -> list[int]:
    """Return the forged beacons of a day, as hours and the day tell them."""
    condition = "rule = 'forged' AND line_item_id = '00000000-0000-0000-0000-000000000000'"
    return [
        row["beacons"]
        for statement in (
            (
                f"SELECT beacons FROM invalid_hours WHERE {condition} AND hour >= %(day)s"
                " AND hour < %(day)s + interval '1 day' ORDER BY hour"
            ),
            f"SELECT beacons FROM invalid_days WHERE {condition} AND day = %(day)s::date",
        )
        for row in owner.execute(statement.encode(), {"day": day})
    ]


def test_forged_beacons_are_counted_by_time_only_and_no_tenant_sees_them(
    world: World, owner: Owner
) -> None:
    day = datetime(2031, 5, 6, tzinfo=UTC)
    message = new_id()
    forged = [
        (message, place, ForgedBeacon(day + timedelta(minutes=25 * place), None, "bot", number))
        for place, number in enumerate((1, 500, 1, 20, 1))
    ]
    log = PostgresInvalidTraffic(world.pipeline)
    for _ in range(2):
        log.record([], forged)
    assert of_nobody(owner, day) == [502, 21, 523]
    PostgresStatisticsRebuild(world.pipeline).rebuild(day.date(), None)
    assert of_nobody(owner, day) == [502, 21, 523]
    with world.api.transaction(world.a_tenant().caller) as connection:
        for table in ("invalid_hours", "invalid_days"):
            assert connection.execute(f"SELECT 1 FROM {table}".encode()).fetchall() == []


def test_what_was_purged_stays_counted_also_when_its_day_is_counted_anew(
    world: World, owner: Owner
) -> None:
    campaign = a_campaign_of(world, 20)
    at = datetime(2019, 3, 4, 5, tzinfo=UTC)
    claims = [
        some_claims(line_item_id=campaign.line_items[0].line_item_id, decided_at=at)
        for _ in range(3)
    ]
    beacons = crawled([a_beacon(one, received_at=at) for one in claims])
    forged = [(new_id(), 0, ForgedBeacon(at, None, "bot"))]
    PostgresInvalidTraffic(world.pipeline).record(beacons, forged)
    leftovers = PostgresLeftovers(world.pipeline)
    over_before = at + timedelta(days=1)
    assert leftovers.purge(Leftover.INVALID_BEACONS, over_before=over_before, most=2) == 2
    assert leftovers.purge(Leftover.FORGED_BEACONS, over_before=over_before, most=2) == 1
    for _ in range(2):
        PostgresStatisticsRebuild(world.pipeline).rebuild(at.date(), None)
    (told,) = owner.execute(
        "SELECT sum(beacons)::integer AS beacons FROM invalid_days WHERE campaign_id = %s",
        (campaign.campaign_id,),
    ).fetchall()
    assert told["beacons"] == 3
    assert of_nobody(owner, at.replace(hour=0)) == [1, 1]


def test_counting_a_day_anew_and_adding_to_it_wait_for_one_another(
    world: World, owner: Owner, schema: Schema
) -> None:
    campaign = a_campaign_of(world, 20)
    line_item_id = campaign.line_items[0].line_item_id
    at = datetime(2030, 3, 4, 5, tzinfo=UTC)
    begun, counted = Event(), Event()
    started = Event()

    def beacon() -> list[Beacon]:
        return crawled([a_beacon(some_claims(line_item_id=line_item_id, decided_at=at))])

    def count_anew() -> None:
        with closing(Database(schema.pipeline_secret)) as database:
            begun.wait(10)
            started.set()
            PostgresStatisticsRebuild(database).rebuild(at.date(), None)
            counted.set()

    rebuilder = Thread(target=count_anew)
    rebuilder.start()
    with world.pipeline.transaction():
        PostgresInvalidTraffic(world.pipeline).record(beacon(), [])
        begun.set()
        started.wait(10)
        assert not counted.wait(0.5)
    rebuilder.join(10)
    assert counted.is_set()
    assert assert_counts_are_a_recount(owner, campaign) == 1


def test_nothing_is_purged_while_a_day_is_counted_anew(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 20)
    at = datetime(2018, 3, 4, 5, tzinfo=UTC)
    claims = some_claims(line_item_id=campaign.line_items[0].line_item_id, decided_at=at)
    forged = [(new_id(), 0, ForgedBeacon(at, None, "bot"))]
    beacons = crawled([a_beacon(claims, received_at=at)])
    PostgresInvalidTraffic(world.pipeline).record(beacons, forged)
    leftovers = PostgresLeftovers(world.pipeline)
    kinds = (Leftover.INVALID_BEACONS, Leftover.FORGED_BEACONS)

    def purged() -> list[int]:
        over_before = at + timedelta(days=1)
        return [leftovers.purge(kind, over_before=over_before, most=9) for kind in kinds]

    with owner.transaction():
        owner.execute("SELECT recount_invalid_day(%s)", (at.date(),))
        assert purged() == [0, 0]
    assert purged() == [1, 1]
