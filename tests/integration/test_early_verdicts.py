"""Verdicts on tags that come before the transaction that asked for them has ended."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep

import psycopg
import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.memory.queues import MemoryInventoryChanges
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.store import PostgresStores
from ctv_ads.domain.creative import CreativeStatus, SoftFields, TagDraft
from ctv_ads.domain.ids import CreativeId
from ctv_ads.domain.media import Rejection, RejectionCode
from ctv_ads.domain.vast_tag import TagFacts
from ctv_ads.errors import NotFoundError
from ctv_ads.ports.vast_tags import TagVerdict
from ctv_ads.use_cases.settle_tag import SettleTag
from tests.worlds import World

FACTS = TagFacts(
    duration_ms=15_000,
    mime_type="video/mp4",
    width_px=1920,
    height_px=None,
    bitrate_kbps=None,
    codec=None,
    media_url="https://m.example/a.mp4",
    wrappers=0,
    ad_system="Them",
)
_WAITING = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s"


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


@pytest.fixture
def stores(world: World) -> Iterator[PostgresStores]:
    """Those of the API, on a connection of their own."""
    database = Database(world.schema.api_secret)
    yield PostgresStores(database)
    database.close()


def settling(world: World, *, later: timedelta = timedelta(0)) -> SettleTag:
    changes = MemoryInventoryChanges()
    return SettleTag(world.validation, changes, lambda: datetime.now(UTC) + later)


def wait_for_lock(world: World) -> None:
    """Return when a statement about creatives waits for another's lock."""
    until = monotonic() + 10
    with psycopg.connect(world.schema.owner_dsn, autocommit=True) as connection:
        while not connection.execute(_WAITING, ("%FROM creatives%FOR UPDATE",)).fetchone():
            assert monotonic() < until, "nobody waits"
            sleep(0.01)


def test_a_verdict_waits_until_its_tag_is_registered(world: World, stores: PostgresStores) -> None:
    tenant = world.a_tenant()
    campaign = world.a_campaign(tenant)
    tag_id = CreativeId(new_id())
    draft = TagDraft(campaign.campaign_id, "https://t.example/", SoftFields("Their film"))
    settle, verdict = settling(world), TagVerdict(tag_id, FACTS, ())
    with stores.transaction(tenant.caller) as store:
        store.creatives.add_tag(draft, tag_id, tenant.caller)
        with pytest.raises(NotFoundError, match="not registered yet"):
            settle(verdict)
    assert settle(verdict) is CreativeStatus.READY
    assert settle(verdict) is None


def test_a_verdict_on_a_tag_whose_registration_failed_is_let_go(world: World) -> None:
    verdict = TagVerdict(CreativeId(new_id()), FACTS, ())
    with pytest.raises(NotFoundError):
        settling(world, later=timedelta(seconds=50))(verdict)
    assert settling(world, later=timedelta(seconds=61))(verdict) is None


def test_a_second_verdict_waits_until_the_tag_waits_for_it(
    world: World, stores: PostgresStores
) -> None:
    tenant = world.a_tenant()
    campaign = world.a_campaign(tenant)
    tag_id = CreativeId(new_id())
    draft = TagDraft(campaign.campaign_id, "https://t.example/", SoftFields("Their film"))
    settle = settling(world)
    with stores.transaction(tenant.caller) as store:
        store.creatives.add_tag(draft, tag_id, tenant.caller)
    reason = Rejection(RejectionCode.TAG_NO_AD, "The tag answers without an ad.")
    assert settle(TagVerdict(tag_id, None, (reason,))) is CreativeStatus.REJECTED
    with ThreadPoolExecutor() as others:
        with stores.transaction(tenant.caller) as store:
            store.creatives.get(tag_id, for_update=True)
            store.creatives.check_again(tag_id, datetime.now(UTC))
            answered = others.submit(settle, TagVerdict(tag_id, FACTS, ()))
            wait_for_lock(world)
        assert answered.result(timeout=10) is CreativeStatus.READY
