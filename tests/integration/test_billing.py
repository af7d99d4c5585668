"""Money on real PostgreSQL: to the micro, however many record at once and whatever breaks."""

import random
import signal
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from time import monotonic, sleep
from uuid import UUID

import psycopg
import pytest

from ctv_ads.adapters.aws.beacon_form import decode_beacon, encode_beacon
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres import ad_events
from ctv_ads.adapters.postgres.beacon_ledger import PostgresBeaconLedger
from ctv_ads.adapters.postgres.database import Connection, Database
from ctv_ads.domain.beacon import Beacon, BeaconEvent
from ctv_ads.domain.delivered import Recorded
from ctv_ads.domain.line_item import RateType
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.pipeline import RecordedBatch
from tests.books import WAIT_S, Owner, a_campaign_of, ads_shown, assert_books_agree, wait_until
from tests.builders import DAY, NOON, PRICE_MICROS, a_beacon, some_claims
from tests.recorder import AFTER_COMMIT, MOMENTS, record_together, recorder
from tests.worlds import Schema, World


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


def overlapping(beacons: Sequence[Beacon], *, workers: int, seed: int) -> list[list[list[Beacon]]]:
    """Deal every beacon to two workers or more, in batches of any order and size."""
    chance = random.Random(seed)  # noqa: S311 - the same deal every time
    dealt = []
    for _ in range(workers):
        mine = chance.sample(beacons, k=len(beacons) * 3 // 4)
        mine += chance.choices(mine, k=len(mine) // 5)
        dealt.append([mine[at : at + 37] for at in range(0, len(mine), 37)])
    dealt[0].append(list(beacons))
    return dealt


def test_several_recorders_at_once_bill_every_ad_once_and_no_budget_is_passed(
    world: World, schema: Schema, owner: Owner
) -> None:
    plenty, scarce, none = (a_campaign_of(world, affordable) for affordable in (500, 17, 0))
    beacons = [beacon for c in (plenty, scarce, none) for beacon in ads_shown(c, 60, days=3)]
    dealt = overlapping(beacons, workers=4, seed=7)
    # A deadlock would end one of them with an error.
    assert record_together(schema.pipeline_secret, dealt, within_s=WAIT_S) == [0, 0, 0, 0]
    for campaign, billed in ((plenty, 60), (scarce, 17), (none, 0)):
        books = assert_books_agree(owner, campaign)
        assert (books["of_campaign"], books["events"]) == (billed * PRICE_MICROS, 120)
        assert books["impressions"] == 60


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_recorder_killed_in_a_batch_loses_and_doubles_nothing(
    world: World, schema: Schema, owner: Owner, moment: str
) -> None:
    campaign = a_campaign_of(world, 3)
    batch = ads_shown(campaign, 5)
    process = recorder(schema.pipeline_secret, [batch], dies=moment)
    process.join(WAIT_S)
    assert process.exitcode == -signal.SIGKILL
    _wait_until_gone(owner, schema)
    books = assert_books_agree(owner, campaign)
    assert books["events"] == (10 if moment == AFTER_COMMIT else 0)
    repeated = world.ledger.record(batch)
    assert repeated.recorded + books["events"] == 10
    assert assert_books_agree(owner, campaign)["of_campaign"] == 3 * PRICE_MICROS


def _wait_until_gone(owner: Owner, schema: Schema) -> None:
    """Return once PostgreSQL has noticed the death of the recorder."""
    others = (
        "SELECT count(*) AS n FROM pg_stat_activity"
        " WHERE usename = 'ctv_pipeline' AND state <> 'idle'"
    )
    deadline = monotonic() + WAIT_S
    while (row := owner.execute(others).fetchone()) and row["n"]:
        assert monotonic() < deadline
        sleep(0.01)


def test_a_connection_ended_in_a_batch_leaves_nothing_half_done(
    world: World, schema: Schema, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = a_campaign_of(world, 3)
    batch = ads_shown(campaign, 5)
    copy = ad_events.add_events

    def copy_and_lose_the_connection(
        connection: Connection, events: Sequence[Recorded], batch: int
    ) -> None:
        copy(connection, events, batch)
        owner.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))

    with monkeypatch.context() as patch:
        patch.setattr(ad_events, "add_events", copy_and_lose_the_connection)
        with pytest.raises(DependencyUnavailableError, match="postgresql"):
            world.ledger.record(batch)
    assert assert_books_agree(owner, campaign)["events"] == 0
    assert world.ledger.record(batch) == RecordedBatch(10, 0, 3, 2, (), a_budget_has_ended=True)
    assert_books_agree(owner, campaign)


def test_what_was_billed_is_of_the_earliest_decisions(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 2)
    line_item_id = campaign.line_items[0].line_item_id
    latest_first = sorted((new_id() for _ in range(5)), reverse=True)
    batch = [
        a_beacon(
            some_claims(
                line_item_id=line_item_id,
                decision_id=decision_id,
                decided_at=NOON + timedelta(seconds=second),
            )
        )
        for second, decision_id in enumerate(latest_first)
    ]
    world.ledger.record(batch[::-1])
    rows = owner.execute(
        "SELECT billed_micros FROM ad_events WHERE line_item_id = %s ORDER BY decided_at",
        (line_item_id,),
    ).fetchall()
    assert [row["billed_micros"] for row in rows] == [PRICE_MICROS] * 2 + [0] * 3


def test_who_comes_second_waits_and_bills_what_the_first_has_left(
    world: World, schema: Schema, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = a_campaign_of(world, 3)
    first, second = ads_shown(campaign, 2), ads_shown(campaign, 2)
    may_commit, outcome = Event(), []
    commit = psycopg.Connection.commit

    def commit_late(connection: Connection) -> None:
        if threading.current_thread().name == "first" and _has_recorded(connection):
            assert may_commit.wait(WAIT_S)
        commit(connection)

    def record(batch: Sequence[Beacon]) -> None:
        database = Database(schema.pipeline_secret)
        try:
            outcome.append(PostgresBeaconLedger(database).record(batch))
        finally:
            database.close()

    monkeypatch.setattr(psycopg.Connection, "commit", commit_late)
    threads = [
        Thread(target=record, args=(batch,), name=name)
        for name, batch in (("first", first), ("second", second))
    ]
    threads[0].start()
    wait_until(
        owner, "SELECT count(*) AS n FROM pg_stat_activity WHERE state = 'idle in transaction'"
    )
    threads[1].start()
    wait_until(owner, "SELECT count(*) AS n FROM pg_locks WHERE NOT granted")
    may_commit.set()
    for thread in threads:
        thread.join(WAIT_S)
    assert outcome == [
        RecordedBatch(4, 0, 2, 0, ()),
        RecordedBatch(4, 0, 1, 1, (), a_budget_has_ended=True),
    ]
    assert assert_books_agree(owner, campaign)["of_campaign"] == 3 * PRICE_MICROS


def _has_recorded(connection: Connection) -> bool:
    known = connection.execute("SELECT to_regclass('pg_temp.counted') AS it").fetchone()
    return bool(known and known["it"])


def test_the_first_to_arrive_of_its_kind_is_the_one_kept(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 2)
    claims = some_claims(line_item_id=campaign.line_items[0].line_item_id)
    late = a_beacon(claims, received_at=NOON + timedelta(seconds=2), user_agent_class="late")
    early = a_beacon(claims, received_at=NOON + timedelta(seconds=1), user_agent_class="early")
    world.ledger.record([late, early])
    kept = owner.execute(
        "SELECT user_agent_class FROM ad_events WHERE decision_id = %s", (claims.decision_id,)
    ).fetchall()
    assert kept == [{"user_agent_class": "early"}]


def test_an_event_keeps_what_it_was_decided_on(world: World, owner: Owner) -> None:
    claims = some_claims(
        line_item_id=a_campaign_of(world, 1).line_items[0].line_item_id,
        rate_type=RateType.CPCV,
        bucket=1_800_000_000,
        country="DE",
        device_type="ctv",
        session=2**64 - 1,
    )
    world.ledger.record([a_beacon(claims)])
    kept = owner.execute(
        "SELECT rate_type, bucket, country, device_type, session FROM ad_events"
        " WHERE decision_id = %s",
        (claims.decision_id,),
    ).fetchone()
    assert kept == {
        "rate_type": "cpcv",
        "bucket": 1_800_000_000,
        "country": "DE",
        "device_type": "ctv",
        "session": -1,
    }


def test_ten_thousand_beacons_are_one_batch(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 4_000)
    batch = ads_shown(campaign, 5_000)
    started = monotonic()
    assert world.ledger.record(batch) == RecordedBatch(
        10_000, 0, 4_000, 1_000, (), a_budget_has_ended=True
    )
    assert monotonic() - started < 10
    assert assert_books_agree(owner, campaign)["of_campaign"] == 4_000 * PRICE_MICROS


def test_whatever_the_decoder_lets_through_can_be_recorded(world: World) -> None:
    line_item_id = a_campaign_of(world, 1).line_items[0].line_item_id
    decided = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC) - DAY)
    extremes = [
        a_beacon(
            some_claims(
                line_item_id=line_item_id,
                slot=2**15 - 1,
                decision_id=str(UUID(int=session)),
                price_micros=2**53 - 1,
                decided_at=moment,
                rate_type=RateType.CPCV,
                bucket=2**32 - 1,
                country="ZW",
                device_type="a" * 32,
                session=session,
            ),
            event=event,
            received_at=moment,
            client_network="ü" * 100,
            user_agent_class="",
            vast_error_code=2**15 - 1,
        )
        for moment, session in zip(decided, (2**63 - 1, 2**64 - 1), strict=True)
        for event in (BeaconEvent.COMPLETE, BeaconEvent.START)
    ]
    batch = [decode_beacon(encode_beacon(beacon)) for beacon in extremes]
    assert batch == extremes
    assert world.ledger.record(batch[::2]) == RecordedBatch(0, 0, 0, 0, (), held=2)
    assert world.ledger.record(batch[1::2]) == RecordedBatch(4, 0, 0, 2, ())
