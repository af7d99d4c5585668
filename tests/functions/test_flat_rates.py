"""`functions/impressions/flat_rates.py`: a day of a flat rate is entered once it is over."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from ctv_ads.adapters.postgres.ledger_flat import PostgresFlatRates
from ctv_ads.domain.line_item import RateType
from functions.impressions import flat_rates
from tests.builders import a_beacon, a_campaign_draft, some_claims
from tests.worlds import World

CONTEXT: Any = object()


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


def test_yesterdays_flat_rate_is_entered_once_however_often_the_schedule_calls(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = PostgresFlatRates(world.pipeline)
    monkeypatch.setattr(flat_rates, "flat_rates", lambda: rates)
    tenant = world.a_tenant()
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    draft = a_campaign_draft(starts_at=today - timedelta(days=1), ends_at=today + timedelta(days=9))
    campaign = world.a_serving_campaign(tenant, draft)
    with psycopg.connect(world.schema.owner_dsn) as owner:
        owner.execute(
            "UPDATE line_items SET rate_type = 'flat', rate_micros = 100000 WHERE campaign_id = %s",
            (campaign.campaign_id,),
        )
    claims = some_claims(
        line_item_id=campaign.line_items[0].line_item_id,
        decided_at=today - timedelta(hours=1),
        price_micros=0,
        rate_type=RateType.FLAT,
    )
    world.ledger.record([a_beacon(claims, received_at=today)])
    assert flat_rates.lambda_handler({}, CONTEXT)["entered"] >= 1
    assert flat_rates.lambda_handler({}, CONTEXT)["entered"] == 0
    assert world.campaign(tenant, campaign.campaign_id).billed_micros == 10_000
