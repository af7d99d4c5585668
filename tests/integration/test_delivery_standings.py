"""How line items stand, for explaining: as the pacing controller last saw them."""

from collections.abc import Iterator

import pytest

from ctv_ads.adapters.postgres.line_item_delivery import PostgresDeliveryStandings
from ctv_ads.domain.pacing import LimitedBy
from local.valkey import ValkeyServer
from tests.builders import DAY, PRICE_MICROS
from tests.till import LIFETIME, Till, a_till
from tests.worlds import World


@pytest.fixture
def till(postgres_of_session: World, valkey_server: ValkeyServer) -> Iterator[Till]:
    with a_till(postgres_of_session, valkey_server) as till:
        yield till


def test_a_standing_tells_what_is_due_delivered_reserved_and_what_limits(till: Till) -> None:
    campaign = till.campaign(10)
    standings = PostgresDeliveryStandings(till.world.api)
    assert standings.of_campaign(till.tenant.caller, campaign.campaign_id) == []
    till.look()
    (first,) = standings.of_campaign(till.tenant.caller, campaign.campaign_id)
    assert (first.delivered, first.reserved, first.has_tokens) == (0, 10 * PRICE_MICROS, True)
    assert (first.limited_by, first.observed_at) == (LimitedBy.NOTHING, till.now)
    # One day of 31 has passed: less than a whole impression is due, so nobody is behind.
    assert (first.due, first.urgency) == (10 * PRICE_MICROS // 31, 0)
    till.look(after=3 * DAY)
    (behind,) = standings.of_campaign(till.tenant.caller, campaign.campaign_id)
    assert (behind.due, behind.urgency) == (4 * 10 * PRICE_MICROS // 31, 9)
    line_item = campaign.line_items[0].line_item_id
    till.bill(line_item, *[till.spend(line_item) for _ in range(10)])
    till.look(after=LIFETIME)
    (then,) = standings.of_campaign(till.tenant.caller, campaign.campaign_id)
    assert (then.delivered, then.reserved, then.has_tokens) == (10 * PRICE_MICROS, 0, False)
    assert (then.limited_by, then.urgency) == (LimitedBy.CAMPAIGN, 0)


def test_nobody_else_sees_it(till: Till) -> None:
    campaign = till.campaign(10)
    till.look()
    stranger = till.world.a_tenant().caller
    standings = PostgresDeliveryStandings(till.world.api)
    assert standings.of_campaign(stranger, campaign.campaign_id) == []
