"""`functions/impressions/consumer.py`: good messages count once, bad ones fail alone."""

from typing import Any

import pytest

from ctv_ads.adapters.aws.beacon_form import encode_beacon
from ctv_ads.adapters.aws.decision_messages import encode_decisions
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.memory.queues import MemoryInventoryChanges
from ctv_ads.adapters.postgres.delivery_counts import PostgresDecisionCounts
from ctv_ads.adapters.postgres.refused_messages import PostgresRefusedMessages
from ctv_ads.domain.delivery import DecidedCounts, DecidedRow
from ctv_ads.errors import DependencyUnavailableError
from functions.impressions import consumer
from tests.builders import NOON, PRICE_MICROS, a_beacon, a_campaign_draft, some_claims
from tests.functions.recorded import Context, failures, sqs_event
from tests.worlds import World

CONTEXT: Any = Context()


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


class DownLedger:
    def record(self, beacons: Any) -> None:
        raise DependencyUnavailableError("postgresql", "Connection refused")


@pytest.fixture(autouse=True)
def _ledger(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "beacon_ledger", lambda: world.ledger)
    counts = PostgresDecisionCounts(world.pipeline)
    monkeypatch.setattr(consumer, "decision_counts", lambda: counts)
    refused = PostgresRefusedMessages(world.pipeline)
    monkeypatch.setattr(consumer, "refused_messages", lambda: refused)


def test_the_same_impression_fifty_times_is_billed_once(world: World) -> None:
    tenant = world.a_tenant()
    campaign = world.a_serving_campaign(tenant)
    line_item_id = campaign.line_items[0].line_item_id
    body = encode_beacon(a_beacon(some_claims(line_item_id=line_item_id)))
    for event in (sqs_event(*[body] * 25), sqs_event(*[body] * 25)):
        assert failures(consumer.lambda_handler(event, CONTEXT)) == []
    billed = world.campaign(tenant, campaign.campaign_id).billed_micros
    assert billed == PRICE_MICROS


@pytest.mark.parametrize(("affordable", "announced"), [(1, 1), (2, 0)])
def test_a_budget_that_ends_stops_serving_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch, affordable: int, announced: int
) -> None:
    changes = MemoryInventoryChanges()
    monkeypatch.setattr(consumer, "inventory_changes", lambda: changes)
    draft = a_campaign_draft(budget_micros=affordable * PRICE_MICROS)
    campaign = world.a_serving_campaign(world.a_tenant(), draft)
    claims = some_claims(line_item_id=campaign.line_items[0].line_item_id)
    assert (
        failures(consumer.lambda_handler(sqs_event(encode_beacon(a_beacon(claims))), CONTEXT)) == []
    )
    assert len(changes.reasons) == announced


def test_poison_fails_alone(world: World) -> None:
    tenant = world.a_tenant()
    campaign = world.a_serving_campaign(tenant)
    line_item_id = campaign.line_items[0].line_item_id
    good = [encode_beacon(a_beacon(some_claims(line_item_id=line_item_id))) for _ in range(2)]
    unknown = encode_beacon(a_beacon())
    event = sqs_event("{", good[0], unknown, "[" * 100_000, good[1], "", unknown)
    assert sorted(failures(consumer.lambda_handler(event, CONTEXT))) == [
        "m0",
        "m2",
        "m3",
        "m5",
        "m6",
    ]
    billed = world.campaign(tenant, campaign.campaign_id).billed_micros
    assert billed == 2 * PRICE_MICROS


def test_counts_of_decisions_come_among_the_beacons_and_count_once(world: World) -> None:
    tenant = world.a_tenant()
    campaign = world.a_serving_campaign(tenant)
    row = DecidedRow(
        hour=NOON,
        placement_id=tenant.placement_id,
        line_item_id=campaign.line_items[0].line_item_id,
        ads_served=2,
    )
    decisions = encode_decisions(DecidedCounts(new_id(), (row,)))
    claims = some_claims(line_item_id=campaign.line_items[0].line_item_id)
    event = sqs_event(decisions, encode_beacon(a_beacon(claims)), '{"kind":"decisions"}')
    for _ in range(2):
        assert failures(consumer.lambda_handler(event, CONTEXT)) == ["m2"]
    with world.stores.transaction(tenant.caller) as store:
        totals = store.statistics.of_campaign(
            campaign.campaign_id, first_day=None, last_day=None
        ).totals
    assert (totals.ads_served, totals.impressions) == (2, 1)


def test_why_a_message_was_refused_is_kept_by_its_id(world: World) -> None:
    event = sqs_event("{", encode_beacon(a_beacon()))
    poison, unknown = new_id(), new_id()
    event["Records"][0]["messageId"], event["Records"][1]["messageId"] = poison, unknown
    for _ in range(2):
        assert failures(consumer.lambda_handler(event, CONTEXT)) == [poison, unknown]
    reasons = PostgresRefusedMessages(world.pipeline).reasons([poison, unknown, new_id()])
    assert reasons.keys() == {poison, unknown}
    assert reasons[poison].startswith("not a beacon: ")
    assert reasons[unknown] == "it names a line item or placement that does not exist"


def test_a_batch_of_poison_is_not_asked_to_be_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "beacon_ledger", DownLedger)
    assert failures(consumer.lambda_handler(sqs_event("{", "x"), CONTEXT)) == ["m0", "m1"]


def test_without_a_database_the_whole_batch_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "beacon_ledger", DownLedger)
    event = sqs_event(encode_beacon(a_beacon()))
    with pytest.raises(DependencyUnavailableError):
        consumer.lambda_handler(event, CONTEXT)


def test_logs_tell_figures_and_no_tokens(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    consumer.lambda_handler(sqs_event("a-secret-word"), CONTEXT)
    assert "a-secret-word" not in capsys.readouterr().out
