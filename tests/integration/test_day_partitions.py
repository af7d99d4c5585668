"""Partitions of the event table, one per day, made when a day's first beacon comes."""

import random
from datetime import timedelta
from threading import Thread

import psycopg
import pytest

from ctv_ads.adapters.postgres.beacon_ledger import PostgresBeaconLedger
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.pipeline import RecordedBatch
from tests.books import WAIT_S, Owner, a_campaign_of, ads_shown, wait_until
from tests.builders import NOON, a_beacon, some_claims
from tests.worlds import Schema, World


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


def test_the_first_beacon_of_a_day_does_not_block_those_being_recorded(
    world: World, schema: Schema, owner: Owner
) -> None:
    campaign = a_campaign_of(world, 10)
    line_item_id = campaign.line_items[0].line_item_id
    world.ledger.record(ads_shown(campaign, 1))
    new_day = NOON + timedelta(days=random.SystemRandom().randrange(1_000, 30_000))
    first_of_day = a_beacon(some_claims(line_item_id=line_item_id, decided_at=new_day))
    outcome: list[object] = []

    def record_on_a_new_day() -> None:
        database = Database(schema.pipeline_secret)
        try:
            outcome.append(PostgresBeaconLedger(database).record([first_of_day]))
        except DependencyUnavailableError as error:
            outcome.append(error)
        finally:
            database.close()

    with psycopg.connect(schema.owner_dsn) as other:
        # Another recorder that has locked the campaign and is about to write its events.
        other.execute(
            "SELECT 1 FROM campaigns WHERE campaign_id = %s FOR UPDATE", (campaign.campaign_id,)
        )
        thread = Thread(target=record_on_a_new_day)
        thread.start()
        wait_until(owner, "SELECT count(*) AS n FROM pg_locks WHERE NOT granted")
        other.execute("SET lock_timeout = '5s'")
        other.execute("INSERT INTO ad_events SELECT * FROM ad_events WHERE false")
    thread.join(WAIT_S)
    assert outcome == [RecordedBatch(1, 0, 1, 0, ())]


def test_a_batch_of_far_days_makes_their_partitions_and_no_others(
    world: World, owner: Owner
) -> None:
    campaign = a_campaign_of(world, 10)
    line_item_id = campaign.line_items[0].line_item_id
    days = (NOON - timedelta(days=9_000), NOON + timedelta(days=40_000))
    count = "SELECT count(*) AS n FROM pg_inherits WHERE inhparent = 'ad_events'::regclass"
    before = owner.execute(count).fetchone()
    recorded = world.ledger.record(
        [a_beacon(some_claims(line_item_id=line_item_id, decided_at=day)) for day in days]
    )
    after = owner.execute(count).fetchone()
    assert recorded.recorded == 2
    assert before is not None
    assert after is not None
    assert after["n"] - before["n"] <= 2
