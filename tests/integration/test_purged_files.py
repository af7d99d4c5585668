"""A file goes when no ready creative of anybody has played it for as long as it is kept."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.memory.uploads import MediaFile, MemoryPublishedMedia
from ctv_ads.adapters.postgres.leftovers import PostgresLeftovers
from ctv_ads.domain.creative import CreativeStatus
from ctv_ads.use_cases.purge import Purge, Retention
from tests.builders import DAY, Tenant
from tests.worlds import World, creatives_of

Owner = psycopg.Connection[Any]
HOUR = timedelta(hours=1)
KEPT = Retention(idempotency_keys=DAY, credentials=DAY, media=5 * DAY)


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


@pytest.fixture
def tenant(world: World) -> Tenant:
    return world.a_tenant()


@pytest.fixture
def owner(world: World) -> Iterator[Owner]:
    with psycopg.connect(world.schema.owner_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def files() -> dict[str, MediaFile]:
    return {}


@pytest.fixture
def purge(world: World, files: dict[str, MediaFile]) -> Purge:
    leftovers = PostgresLeftovers(world.pipeline)
    return Purge(leftovers, MemoryPublishedMedia(files), KEPT, utc_now)


@pytest.fixture
def creative(world: World, tenant: Tenant, files: dict[str, MediaFile]) -> Any:
    campaign = world.a_campaign(tenant)
    made = world.a_ready_creative(tenant, campaign.campaign_id)
    files[made.media_key or ""] = MediaFile(b"film", "video/mp4")
    return made


def copy_of(world: World, tenant: Tenant, campaign_id: Any) -> Any:
    with world.stores.transaction(tenant.caller) as store:
        copy = store.campaign_copies.copy(campaign_id, name="Copy", now=utc_now())
        (found,) = creatives_of(store, copy)
    return found


def leave(owner: Owner, creative: Any, how: str, at: datetime) -> None:
    change = {
        "deleted": "deleted_at = %(at)s",
        "archived": "status = 'archived', updated_at = %(at)s",
    }[how]
    values = {"at": at, "id": creative.creative_id}
    owner.execute(f"UPDATE creatives SET {change} WHERE creative_id = %(id)s".encode(), values)  # noqa: S608


@pytest.mark.parametrize("how", ["deleted", "archived"])
def test_it_goes_after_its_retention_and_is_forgotten(
    owner: Owner,
    tenant: Tenant,
    purge: Purge,
    creative: Any,
    files: dict[str, MediaFile],
    how: str,
) -> None:
    assert (purge()["media_files"], set(files)) == (0, {creative.media_key})
    leave(owner, creative, how, utc_now() - KEPT.media + HOUR)
    assert (purge()["media_files"], set(files)) == (0, {creative.media_key})
    leave(owner, creative, how, utc_now() - KEPT.media - HOUR)
    assert (purge()["media_files"], set(files)) == (1, set())
    query = "SELECT media_key FROM creatives WHERE creative_id = %s"
    assert owner.execute(query, (creative.creative_id,)).fetchall() == [(None,)]
    assert purge()["media_files"] == 0


def test_it_stays_while_a_copy_plays_it(
    world: World,
    owner: Owner,
    tenant: Tenant,
    purge: Purge,
    creative: Any,
    files: dict[str, MediaFile],
) -> None:
    copy = copy_of(world, tenant, creative.campaign_id)
    assert copy.media_key == creative.media_key
    leave(owner, creative, "deleted", utc_now() - 2 * KEPT.media)
    assert (purge()["media_files"], set(files)) == (0, {creative.media_key})
    leave(owner, copy, "archived", utc_now() - HOUR)
    assert (purge()["media_files"], set(files)) == (0, {creative.media_key})
    leave(owner, copy, "archived", utc_now() - KEPT.media - HOUR)
    assert (purge()["media_files"], set(files)) == (1, set())


def test_one_that_is_gone_already_is_forgotten_too(
    owner: Owner, purge: Purge, creative: Any, files: dict[str, MediaFile]
) -> None:
    files.clear()  # as after a crash between the two steps
    leave(owner, creative, "deleted", utc_now() - 2 * KEPT.media)
    assert purge()["media_files"] == 1


def test_an_archived_creative_shows_that_it_has_no_file_any_more(
    world: World, owner: Owner, tenant: Tenant, purge: Purge, creative: Any
) -> None:
    leave(owner, creative, "archived", utc_now() - 2 * KEPT.media)
    purge()
    with world.stores.transaction(tenant.caller) as store:
        found = store.creatives.get(creative.creative_id)
    assert (found.status, found.media_key) == (CreativeStatus.ARCHIVED, None)
    assert found.version == creative.version + 1
