"""breakStart and breakEnd in the consumer: kept once for their placement, and never billed."""

from typing import Any

import pytest

from ctv_ads.adapters.aws.beacon_messages import encode_message
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.break_events import PostgresBreakEvents
from ctv_ads.domain.beacon import Beacon, BeaconEvent
from ctv_ads.domain.ids import CreativeId, LineItemId, PlacementId
from ctv_ads.use_cases.sign_ads import NOBODY
from functions.impressions import consumer
from tests.builders import Tenant, a_beacon, some_claims
from tests.functions.recorded import Context, failures, sqs_event
from tests.worlds import World

CONTEXT: Any = Context()


@pytest.fixture
def world(postgres_of_session: World, monkeypatch: pytest.MonkeyPatch) -> World:
    kept = PostgresBreakEvents(postgres_of_session.pipeline)
    monkeypatch.setattr(consumer, "break_events", lambda: kept)
    return postgres_of_session


def of_break(placement_id: str, event: BeaconEvent, decision_id: str) -> Beacon:
    claims = some_claims(slot=0, price_micros=0, decision_id=decision_id)._replace(
        line_item_id=LineItemId(NOBODY),
        creative_id=CreativeId(NOBODY),
        placement_id=PlacementId(placement_id),
    )
    return a_beacon(claims, event=event)


def test_each_event_of_a_break_is_kept_once(world: World) -> None:
    tenant: Tenant = world.a_tenant()
    decision_id, events = new_id(), (BeaconEvent.BREAK_START, BeaconEvent.BREAK_END)
    sent = [of_break(str(tenant.placement_id), event, decision_id) for event in events]
    stranger = of_break(new_id(), BeaconEvent.BREAK_START, decision_id)
    event = sqs_event(encode_message([*sent, *sent, stranger]), encode_message(sent[:1]))
    for _ in range(2):
        assert failures(consumer.lambda_handler(event, CONTEXT)) == []
    with world.pipeline.transaction() as connection:
        kept = connection.execute(
            "SELECT event, placement_id, organization_id FROM break_events"
            " WHERE decision_id = %s ORDER BY event",
            (decision_id,),
        ).fetchall()
    assert [row["event"] for row in kept] == ["breakEnd", "breakStart"]
    assert {str(row["placement_id"]) for row in kept} == {str(tenant.placement_id)}
    assert {str(row["organization_id"]) for row in kept} == {str(tenant.organization_id)}
