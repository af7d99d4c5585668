"""Two people at once: whoever comes second sees what the first has done."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.store import PostgresStores
from ctv_ads.domain.campaign import Campaign
from ctv_ads.domain.ids import CampaignId, LineItemId
from ctv_ads.errors import InvalidRequestError
from ctv_ads.ports.control_plane import NewCampaignIds
from tests.builders import NOON, a_campaign_draft
from tests.worlds import World


@pytest.fixture
def others(postgres_of_session: World) -> Iterator[PostgresStores]:
    database = Database(postgres_of_session.schema.api_secret)
    yield PostgresStores(database)
    database.close()


def test_a_campaign_is_not_booked_for_an_advertiser_that_is_being_deleted(
    postgres_of_session: World, others: PostgresStores
) -> None:
    tenant = postgres_of_session.a_tenant()
    draft = a_campaign_draft(advertiser_id=tenant.advertiser_id)

    def book() -> Campaign:
        ids = NewCampaignIds(CampaignId(new_id()), LineItemId(new_id()))
        with others.transaction(tenant.caller) as store:
            return store.campaigns.add(draft, ids, tenant.caller)

    with ThreadPoolExecutor(1) as pool:
        with postgres_of_session.stores.transaction(tenant.caller) as store:
            store.advertisers.get(tenant.advertiser_id, for_update=True)
            store.advertisers.delete(tenant.advertiser_id, NOON)
            booking = pool.submit(book)
            time.sleep(0.3)
            assert not booking.done(), "it waits for the deletion"
        with pytest.raises(InvalidRequestError, match="no such advertiser"):
            booking.result(timeout=10)
