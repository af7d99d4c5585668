"""What the consumer cannot record: found among the others, tried again, given up with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from ctv_ads.adapters.aws.beacon_messages import encode_message
from ctv_ads.adapters.aws.dead_letters import FIRST_MESSAGE_ID
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.invalid_traffic import PostgresInvalidTraffic
from ctv_ads.adapters.postgres.refused_messages import PostgresRefusedMessages
from ctv_ads.domain.beacon import Beacon, ForgedBeacon
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.pipeline import DeadLetter, RecordedBatch
from functions.impressions import consumer, parts
from tests.builders import NOON, PRICE_MICROS, a_beacon, some_claims
from tests.functions.recorded import Context, Event, failures, received, sqs_event
from tests.worlds import World

CONTEXT: Any = Context()
POISON_DECISION = new_id()


@dataclass(slots=True)
class Grave:
    letters: list[DeadLetter] = field(default_factory=list)
    is_shut: bool = False

    def bury(self, letter: DeadLetter) -> None:
        if self.is_shut:
            raise DependencyUnavailableError("sqs", "SendMessage: 503")
        self.letters.append(letter)


@dataclass(slots=True)
class Ledger:
    """Cannot record one decision, or from some batch on nothing."""

    world: World
    fails_at: int = 1_000
    calls: int = 0

    def record(self, beacons: Sequence[Beacon]) -> RecordedBatch:
        self.calls += 1
        if self.calls > self.fails_at:
            raise DependencyUnavailableError("postgresql", "Connection refused")
        if any(one.claims.decision_id == POISON_DECISION for one in beacons):
            raise psycopg.DataError("a value\0that no column holds")
        return self.world.ledger.record(beacons)


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


@pytest.fixture
def ledger(world: World, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    ledger = Ledger(world)
    monkeypatch.setattr(consumer, "beacon_ledger", lambda: ledger)
    return ledger


@pytest.fixture
def refused(world: World, monkeypatch: pytest.MonkeyPatch) -> PostgresRefusedMessages:
    refused = PostgresRefusedMessages(world.pipeline)
    monkeypatch.setattr(consumer, "refused_messages", lambda: refused)
    return refused


@pytest.fixture
def grave(monkeypatch: pytest.MonkeyPatch) -> Grave:
    grave = Grave()
    monkeypatch.setattr(consumer, "dead_letters", lambda: grave)
    return grave


def batch(world: World, number: int, *, poison_at: int | None = None) -> tuple[Event, Any, Any]:
    """Return a batch of single beacons, under ids of its own, and whose campaign it is."""
    tenant = world.a_tenant()
    campaign = world.a_serving_campaign(tenant)
    line_item_id = campaign.line_items[0].line_item_id
    claims = [some_claims(line_item_id=line_item_id) for _ in range(number)]
    if poison_at is not None:
        claims[poison_at] = some_claims(line_item_id=line_item_id, decision_id=POISON_DECISION)
    event = sqs_event(*(encode_message([a_beacon(one)]) for one in claims))
    for record in event["Records"]:
        record["messageId"] = new_id()
    return event, tenant, campaign


@pytest.mark.usefixtures("ledger", "grave")
@pytest.mark.parametrize(("number", "place"), [(1, 0), (2, 1), (13, 0), (13, 6), (13, 12)])
def test_a_message_that_breaks_its_transaction_holds_nobody_else(
    world: World, refused: PostgresRefusedMessages, number: int, place: int
) -> None:
    event, tenant, campaign = batch(world, number, poison_at=place)
    poison = event["Records"][place]["messageId"]
    assert failures(consumer.lambda_handler(event, CONTEXT)) == [poison]
    billed = world.campaign(tenant, campaign.campaign_id).billed_micros
    assert billed == (number - 1) * PRICE_MICROS
    reasons = refused.reasons([record["messageId"] for record in event["Records"]])
    assert reasons == {poison: "DataError: a value?that no column holds"}


@pytest.mark.usefixtures("refused")
def test_halving_goes_on_behind_a_full_part(
    world: World, ledger: Ledger, grave: Grave, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = parts.Part.of
    monkeypatch.setattr(parts.Part, "of", lambda records: full(records, most=4))
    event, tenant, campaign = batch(world, 11, poison_at=5)
    poison = event["Records"][5]["messageId"]
    assert failures(consumer.lambda_handler(event, CONTEXT)) == [poison]
    assert world.campaign(tenant, campaign.campaign_id).billed_micros == 10 * PRICE_MICROS
    assert ledger.calls == 7  # four, four, two, one and one, two, three
    assert grave.letters == []


@pytest.mark.usefixtures("ledger")
def test_what_was_refused_ten_times_is_given_up_with_its_reason(
    world: World, refused: PostgresRefusedMessages, grave: Grave
) -> None:
    event, _, _ = batch(world, 3, poison_at=1)
    record, unread = event["Records"][1], event["Records"][2]
    unread["body"] = "{"
    unread["messageAttributes"] = {FIRST_MESSAGE_ID: {"stringValue": "m-one"}}
    ids = [record["messageId"], unread["messageId"]]
    assert failures(consumer.lambda_handler(received(event, 9), CONTEXT)) == ids
    assert grave.letters == []
    assert failures(consumer.lambda_handler(received(event, 10), CONTEXT)) == []
    reasons = refused.reasons(ids)
    assert grave.letters == [
        DeadLetter(record["messageId"], record["body"], reasons[ids[0]]),
        DeadLetter("m-one", "{", reasons[ids[1]]),
    ]


@pytest.mark.usefixtures("ledger", "refused")
def test_what_cannot_be_buried_comes_again(world: World, grave: Grave) -> None:
    grave.is_shut = True
    event, _, _ = batch(world, 2, poison_at=0)
    poison = event["Records"][0]["messageId"]
    assert failures(consumer.lambda_handler(received(event, 50), CONTEXT)) == [poison]


@pytest.mark.usefixtures("refused")
def test_a_database_that_goes_away_in_mid_batch_gives_back_what_is_left(
    world: World, ledger: Ledger, grave: Grave, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = parts.Part.of
    monkeypatch.setattr(parts.Part, "of", lambda records: full(records, most=4))
    event, tenant, campaign = batch(world, 10)
    ledger.fails_at = 1
    left = [record["messageId"] for record in event["Records"][4:]]
    assert failures(consumer.lambda_handler(received(event, 500), CONTEXT)) == left
    assert world.campaign(tenant, campaign.campaign_id).billed_micros == 4 * PRICE_MICROS
    assert grave.letters == []


@pytest.mark.usefixtures("ledger", "grave")
def test_a_message_that_was_sent_back_is_known_by_its_first_id(
    world: World, refused: PostgresRefusedMessages, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = PostgresInvalidTraffic(world.pipeline)
    monkeypatch.setattr(consumer, "invalid_traffic", lambda: log)
    first, second = new_id(), new_id()
    event = sqs_event(encode_message([ForgedBeacon(NOON, None, "bot", 3)]))
    (record,) = event["Records"]
    for message_id, attributes in (
        (first, {}),
        (second, {FIRST_MESSAGE_ID: {"stringValue": first}}),
    ):
        record |= {"messageId": message_id, "messageAttributes": attributes}
        assert failures(consumer.lambda_handler(event, CONTEXT)) == []
    with world.pipeline.transaction() as connection:
        rows = connection.execute(
            "SELECT message_id FROM forged_beacons WHERE message_id = ANY (%s)", ([first, second],)
        ).fetchall()
    assert [row["message_id"] for row in rows] == [first]
    assert refused.reasons([first, second]) == {}
