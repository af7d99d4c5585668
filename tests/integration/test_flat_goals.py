"""Line items of a flat rate with a goal in impressions: each impression uses up one of it."""

from collections.abc import Iterator
from typing import Any

import pytest

from ctv_ads.domain.line_item import RateType
from local.valkey import ValkeyServer
from tests.builders import a_beacon, some_claims
from tests.till import LIFETIME, Till, a_till
from tests.worlds import World


@pytest.fixture
def till(postgres_of_session: World, valkey_server: ValkeyServer) -> Iterator[Till]:
    with a_till(postgres_of_session, valkey_server) as till:
        yield till


def test_an_impression_of_a_flat_rate_is_counted_and_costs_nothing(
    till: Till, postgres_of_session: World
) -> None:
    terms: dict[str, Any] = {"rate_type": "flat", "rate_micros": 10**6, "goal_unit": "impressions"}
    campaign = till.campaign(10, **terms, goal_amount=3)
    line_item = campaign.line_items[0].line_item_id
    till.look()
    assert till.tokens(campaign) == 3
    for _ in range(2):
        bucket = till.spend(line_item, 1)
        claims = some_claims(
            line_item_id=line_item, price_micros=0, rate_type=RateType.FLAT, bucket=bucket
        )
        recorded = postgres_of_session.ledger.record([a_beacon(claims), a_beacon(claims)])
        assert (recorded.recorded, recorded.unbilled_impressions) == (1, 0)
    till.look(after=LIFETIME)
    assert till.tokens(campaign) == 1
    assert till.books(campaign)[1] == 0
