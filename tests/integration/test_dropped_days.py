"""What comes for a day that was dropped is refused: nobody would know whether it is a repeat."""

from datetime import UTC, datetime, timedelta
from random import SystemRandom
from typing import Any

import pytest

from ctv_ads.adapters.aws.beacon_messages import encode_message
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.beacon_ledger import PostgresBeaconLedger
from ctv_ads.adapters.postgres.event_days import PostgresEventDays
from ctv_ads.adapters.postgres.refused_messages import PostgresRefusedMessages
from functions.impressions import consumer
from tests.books import Owner, a_campaign_of
from tests.builders import PRICE_MICROS, a_beacon, some_claims
from tests.functions.recorded import Context, failures, sqs_event
from tests.worlds import World

CONTEXT: Any = Context()


@pytest.fixture
def world(postgres_of_session: World, monkeypatch: pytest.MonkeyPatch) -> World:
    world = postgres_of_session
    refused = PostgresRefusedMessages(world.pipeline)
    monkeypatch.setattr(consumer, "beacon_ledger", lambda: world.ledger)
    monkeypatch.setattr(consumer, "refused_messages", lambda: refused)
    return world


def partition(owner: Owner, at: datetime) -> object:
    row = owner.execute("SELECT to_regclass(%s)::text AS it", (f"ad_events_{at:%Y%m%d}",))
    return (row.fetchone() or {})["it"]


def drop(owner: Owner, at: datetime, *, events: int) -> None:
    owner.execute(
        "INSERT INTO archived_days (day, events, schema_version, archived_at)"
        " VALUES (%s, %s, 1, now())",
        (at.date(), events),
    )
    row = owner.execute("SELECT drop_archived_day(%s) AS it_was", (at.date(),)).fetchone()
    assert row == {"it_was": True}


def test_a_repeat_of_a_dropped_day_is_refused_and_never_billed_again(
    world: World, owner: Owner
) -> None:
    campaign = a_campaign_of(world, 9)
    at = datetime(2001, 1, 1, tzinfo=UTC) + timedelta(days=SystemRandom().randrange(5_000))
    line_item_id = campaign.line_items[0].line_item_id
    old = a_beacon(some_claims(line_item_id=line_item_id, decided_at=at))
    fresh = a_beacon(some_claims(line_item_id=line_item_id))
    world.ledger.record([old])
    drop(owner, at, events=1)
    PostgresEventDays(world.pipeline).make_ahead(at.date(), at.date())
    assert partition(owner, at) is None
    ledger = PostgresBeaconLedger(world.pipeline)
    for _ in range(2):
        found = ledger.record([fresh, old])
        assert (found.gone, found.invalid) == ((1,), {})
    assert partition(owner, at) is None

    event = sqs_event(encode_message([old, fresh]))
    message_id = event["Records"][0]["messageId"] = new_id()
    # This one believed that the partition was there, failed once, and looked again.
    for _ in range(2):
        assert failures(consumer.lambda_handler(event, CONTEXT)) == [message_id]
    (reason,) = PostgresRefusedMessages(world.pipeline).reasons([message_id]).values()
    assert reason.startswith("its day is archived and dropped")
    billed = owner.execute(
        "SELECT billed_micros FROM campaigns WHERE campaign_id = %s", (campaign.campaign_id,)
    ).fetchone()
    assert billed == {"billed_micros": 2 * PRICE_MICROS}
