"""Whoever counts and bills at one time waits for the others in one order, and the counts come out right."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.beacon_ledger import PostgresBeaconLedger
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.delivery_counts import PostgresDecisionCounts
from ctv_ads.adapters.postgres.invalid_traffic import PostgresInvalidTraffic
from ctv_ads.adapters.postgres.ledger_credits import PostgresLedgerPosting
from ctv_ads.adapters.postgres.statistics_rebuild import PostgresStatisticsRebuild
from ctv_ads.adapters.session_sketches import count_sessions
from ctv_ads.domain.beacon import TRACKED_EVENTS, Beacon, BeaconEvent
from ctv_ads.domain.campaign import Campaign
from ctv_ads.domain.delivered import is_billable
from ctv_ads.domain.delivery import DecidedCounts, DecidedRow
from ctv_ads.domain.ids import CreativeId, LineItemId, PlacementId
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.domain.line_item import RateType
from tests.books import Owner, a_campaign_of, assert_books_agree
from tests.builders import a_beacon, some_claims
from tests.ledgers import faults, named
from tests.worlds import World

MIDNIGHT = datetime(2027, 3, 2, tzinfo=UTC)
"""Of days that no other test records: they are counted anew."""
DAYS = (MIDNIGHT.date() - timedelta(days=1), MIDNIGHT.date())
_EVENTS = (BeaconEvent.IMPRESSION, BeaconEvent.ERROR, BeaconEvent.CLICK_TRACKING, *TRACKED_EVENTS)
_BY = "line_item_id, creative_id, placement_id, country, device_type"
_COUNTS = tuple(
    f"SELECT * FROM {table} WHERE campaign_id = ANY (%s::uuid[]) ORDER BY {period}, {_BY}{more}"  # noqa: S608
    for table, period, more in (
        ("delivery_hours", "hour", ""),
        ("delivery_days", "day", ""),
        ("delivery_errors", "hour", ", vast_error_code"),
    )
)


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


@pytest.fixture
def campaigns(world: World) -> list[Campaign]:
    """Campaigns of several organizations, not all of which can pay for everything."""
    return [a_campaign_of(world, affordable) for affordable in (1000, 1000, 2)]


def events_around_midnight(
    chance: random.Random, placements: Mapping[str, str], *, ads: int
) -> list[Beacon]:
    """Return events of ads of all line items, some of them told twice, in any order."""
    told = []
    for _ in range(ads):
        line_item_id = chance.choice(list(placements))
        claims = some_claims(
            line_item_id=line_item_id,
            creative_id=line_item_id,
            placement_id=placements[line_item_id],
            decided_at=MIDNIGHT + timedelta(milliseconds=chance.choice([-3_600_000, -1, 0, 1])),
            rate_type=chance.choice(list(RateType)),
            country=chance.choice(["", "DE"]),
            device_type=chance.choice(["", "ctv"]),
            session=chance.choice([0, 2**63, chance.getrandbits(64)]),
        )
        if claims.rate_type is RateType.FLAT:
            claims = claims._replace(price_micros=0, bucket=chance.choice([0, 7]))
        for event in chance.sample(_EVENTS, k=5):
            is_error = event is BeaconEvent.ERROR
            received_at = claims.decided_at + timedelta(minutes=2, microseconds=chance.randrange(9))
            told += [
                a_beacon(
                    claims,
                    event=event,
                    received_at=received_at,
                    vast_error_code=chance.choice([None, 0, 303]) if is_error else None,
                )
            ] * chance.choice([1, 1, 1, 2])
    chance.shuffle(told)
    return told


def placements_of(owner: Owner, campaigns: Sequence[Campaign]) -> dict[str, str]:
    """Return a placement of the organization of each campaign's line item."""
    ids = [campaign.campaign_id for campaign in campaigns]
    rows = owner.execute(
        "SELECT line_item_id::text, placement_id::text FROM line_items"
        " JOIN placements USING (organization_id) WHERE campaign_id = ANY (%s::uuid[]) ORDER BY 1",
        (ids,),
    )
    return {row["line_item_id"]: row["placement_id"] for row in rows}


def call_each(calls: Sequence[Callable[[], object]]) -> None:
    for call in calls:
        call()


def shuffled(chance: random.Random, beacons: Sequence[Any]) -> list[Any]:
    return chance.sample(beacons, len(beacons))


def ads_served(placements: Mapping[str, str]) -> tuple[DecidedRow, ...]:
    """Return an ad of each line item in the last hour of a day, and in the next."""
    return tuple(
        DecidedRow(
            hour=hour,
            placement_id=PlacementId(placement_id),
            country="DE",
            device_type="ctv",
            line_item_id=LineItemId(line_item_id),
            creative_id=CreativeId(line_item_id),
            ads_served=1,
        )
        for line_item_id, placement_id in placements.items()
        for hour in (MIDNIGHT - timedelta(hours=1), MIDNIGHT)
    )


def counts_of(owner: Owner, campaigns: Sequence[Campaign]) -> list[Any]:
    """Return every column that is counted, with sessions as numbers."""
    ids = [campaign.campaign_id for campaign in campaigns]
    found = [row for counts in _COUNTS for row in owner.execute(counts.encode(), (ids,))]
    for row in found:
        row.pop("updated_at", None)
        if row.get("sessions") is not None:
            row["sessions"] = count_sessions([row["sessions"]])
    return found


def count_anew(world: World) -> None:
    for day in DAYS:
        PostgresStatisticsRebuild(world.pipeline).rebuild(day, None)


@pytest.mark.parametrize("seed", range(3))
def test_batches_are_counted_as_their_days_are_at_once(
    world: World, owner: Owner, campaigns: list[Campaign], seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same events every time
    told = events_around_midnight(chance, placements_of(owner, campaigns), ads=80)
    for start in range(0, len(told), 37):
        world.ledger.record(told[start : start + 37])
    for campaign in campaigns:
        assert_books_agree(owner, campaign)
    live = counts_of(owner, campaigns)
    assert sum(row.get("unbilled_impressions", 0) for row in live) > 0
    count_anew(world)
    assert counts_of(owner, campaigns) == live


@pytest.fixture
def own(world: World) -> Iterator[Callable[[], Database]]:
    """Connections of their own for those that work at one time."""
    made: list[Database] = []

    def connect() -> Database:
        made.append(Database(world.schema.pipeline_secret))
        return made[-1]

    yield connect
    for database in made:
        database.close()


def test_those_that_work_at_one_time_do_not_wait_in_a_circle(
    world: World, owner: Owner, campaigns: list[Campaign], own: Callable[[], Database]
) -> None:
    chance = random.Random(7)  # noqa: S311 - the same events every time
    placements = placements_of(owner, campaigns)
    told = events_around_midnight(chance, placements, ads=150)
    batches = [told[start : start + 30] for start in range(0, len(told), 30)]
    world.ledger.record(told[:60])
    decided = ads_served(placements)
    invalid = [replace(one, invalid=InvalidTraffic.CRAWLER) for one in told[:40]]
    billed = [one for one in told[:60] if is_billable(one)]
    messages = [DecidedCounts(new_id(), decided) for _ in batches]
    recorders = [PostgresBeaconLedger(own()) for _ in range(2)]
    log, counts = PostgresInvalidTraffic(own()), PostgresDecisionCounts(own())
    posting, rebuild = PostgresLedgerPosting(own()), PostgresStatisticsRebuild(own())
    work: list[Sequence[Callable[[], object]]] = [
        [partial(recorders[0].record, one) for one in shuffled(chance, batches)],
        [partial(recorders[1].record, one) for one in shuffled(chance, batches)],
        [partial(log.record, shuffled(chance, invalid), []) for _ in batches],
        [partial(counts.add, [message]) for message in messages],
        [partial(posting.credit, named([one]), "machines") for one in billed],
        [partial(rebuild.rebuild, day, None) for day in DAYS * 4],
    ]
    with ThreadPoolExecutor(len(work)) as pool:
        for done in [pool.submit(call_each, calls) for calls in work]:
            done.result()
    for campaign in campaigns:
        assert faults(world, campaign) == []
    live = counts_of(owner, campaigns)
    assert sum(row.get("ads_served", 0) for row in live) == 2 * len(messages) * len(decided)
    count_anew(world)
    assert counts_of(owner, campaigns) == live
