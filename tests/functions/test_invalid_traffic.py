"""Invalid traffic in the consumer: kept apart, once, and never billed."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ctv_ads.adapters.aws.beacon_messages import encode_message
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.invalid_traffic import PostgresInvalidTraffic
from ctv_ads.adapters.postgres.refused_messages import PostgresRefusedMessages
from ctv_ads.domain.beacon import BeaconEvent, ForgedBeacon
from ctv_ads.domain.ids import CreativeId, LineItemId, PlacementId
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.domain.supply import SupplyBy, SupplyQuery
from ctv_ads.use_cases.sign_ads import NOBODY
from functions.impressions import consumer
from tests.builders import NOON, PRICE_MICROS, a_beacon, some_claims
from tests.functions.recorded import Context, failures, sqs_event
from tests.worlds import World

CONTEXT: Any = Context()


@pytest.fixture
def world(postgres_of_session: World, monkeypatch: pytest.MonkeyPatch) -> World:
    world = postgres_of_session
    log = PostgresInvalidTraffic(world.pipeline)
    monkeypatch.setattr(consumer, "beacon_ledger", lambda: world.ledger)
    monkeypatch.setattr(consumer, "invalid_traffic", lambda: log)
    refused = PostgresRefusedMessages(world.pipeline)
    monkeypatch.setattr(consumer, "refused_messages", lambda: refused)
    return world


def test_invalid_traffic_is_kept_apart_and_never_billed(world: World) -> None:
    tenant = world.a_tenant()
    campaign = world.a_serving_campaign(tenant)
    line_item_id = campaign.line_items[0].line_item_id
    invalid = [
        replace(a_beacon(some_claims(line_item_id=line_item_id)), invalid=rule)
        for rule in (InvalidTraffic.EXPIRED, InvalidTraffic.CRAWLER)
    ]
    stranger = replace(a_beacon(), invalid=InvalidTraffic.DATA_CENTRE)
    body = encode_message(
        [
            *invalid,
            ForgedBeacon(NOON, "203.0.113.0/24", "roku", 7),
            a_beacon(some_claims(line_item_id=line_item_id)),
            ForgedBeacon(NOON, None, "bot"),
            stranger,
        ]
    )
    message_id = new_id()
    event = sqs_event(body)
    event["Records"][0]["messageId"] = message_id
    for _ in range(2):
        assert failures(consumer.lambda_handler(event, CONTEXT)) == [message_id]
    assert world.campaign(tenant, campaign.campaign_id).billed_micros == PRICE_MICROS
    with world.pipeline.transaction() as connection:
        kept = connection.execute(
            "SELECT rule, organization_id::text AS organization FROM invalid_beacons"
            " WHERE campaign_id = %s ORDER BY rule",
            (campaign.campaign_id,),
        ).fetchall()
        forged = connection.execute(
            "SELECT place, client_network, user_agent_class, beacons FROM forged_beacons"
            " WHERE message_id = %s ORDER BY place",
            (message_id,),
        ).fetchall()
    assert [row["rule"] for row in kept] == ["crawler", "expired"]
    assert {row["organization"] for row in kept} == {tenant.organization_id}
    assert [tuple(row.values()) for row in forged] == [
        (2, "203.0.113.0/24", "roku", 7),
        (4, None, "bot", 1),
    ]


def test_a_crawler_that_begins_a_break_is_told_of_its_placement(world: World) -> None:
    tenant = world.a_tenant()
    claims = some_claims(slot=0, price_micros=0, placement_id=tenant.placement_id)
    nobodys = claims._replace(line_item_id=LineItemId(NOBODY), creative_id=CreativeId(NOBODY))
    crawled = replace(
        a_beacon(nobodys, event=BeaconEvent.BREAK_START), invalid=InvalidTraffic.CRAWLER
    )
    lost = replace(crawled, claims=nobodys._replace(placement_id=PlacementId(new_id())))
    event = sqs_event(encode_message([crawled]), encode_message([lost]))
    for _ in range(2):
        assert failures(consumer.lambda_handler(event, CONTEXT)) == ["m1"]
    day = NOON.date()
    query = SupplyQuery(by=SupplyBy.PLACEMENT, first_day=day, last_day=day, limit=10)
    with world.stores.transaction(tenant.caller) as store:
        assert store.supply.report(query).totals.invalid == {InvalidTraffic.CRAWLER: 1}
    with world.stores.transaction(world.a_tenant().caller) as store:
        assert store.supply.report(query).totals.invalid == {}


def test_a_batch_with_an_unknown_line_item_fails_once_and_counts_the_rest(
    world: World,
) -> None:
    tenant = world.a_tenant()
    campaign = world.a_serving_campaign(tenant)
    claims = some_claims(line_item_id=campaign.line_items[0].line_item_id)
    event = sqs_event(encode_message([a_beacon(), a_beacon(claims), a_beacon()]))
    assert failures(consumer.lambda_handler(event, CONTEXT)) == ["m0"]
    assert world.campaign(tenant, campaign.campaign_id).billed_micros == PRICE_MICROS


def test_forged_beacons_are_told_to_the_operator(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert world.ledger
    forged = [ForgedBeacon(NOON, "203.0.113.0/24", "roku", 2), ForgedBeacon(NOON, None, "bot")]
    event = sqs_event(encode_message(forged))
    event["Records"][0]["messageId"] = new_id()
    consumer.lambda_handler(event, CONTEXT)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    metrics = [line for line in told if "_aws" in line]
    assert [metric["ForgedBeacons"] for metric in metrics] == [[3.0]]
    (kind,) = metrics[0]["_aws"]["CloudWatchMetrics"]
    assert kind["Namespace"] == "CtvAds"
