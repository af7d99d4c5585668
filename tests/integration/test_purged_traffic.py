"""Invalid traffic, and the ids of counts that were taken, go when no repeat of them can come."""

from datetime import datetime
from typing import Any

import psycopg
import pytest

from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.memory.uploads import MemoryPublishedMedia
from ctv_ads.adapters.postgres.leftovers import PostgresLeftovers
from ctv_ads.ports.purge import Leftover
from ctv_ads.use_cases.purge import Purge, Retention
from tests.builders import DAY
from tests.worlds import World

KEPT = Retention(idempotency_keys=DAY, credentials=DAY, media=DAY, traffic=40 * DAY, held=40 * DAY)
TABLES = {
    Leftover.INVALID_BEACONS: (
        (
            "INSERT INTO invalid_beacons (day, decision_id, slot, event, rule, organization_id,"
            " campaign_id, line_item_id, creative_id, placement_id, received_at, user_agent_class)"
            " SELECT %(at)s::date, %(id)s::uuid, 1, 'start', 'expired', organization_id, campaign_id,"
            " campaign_id, campaign_id, campaign_id, %(at)s, '' FROM campaigns"
            " WHERE campaign_id = %(campaign)s"
        ),
        "SELECT decision_id::text AS id FROM invalid_beacons",
    ),
    Leftover.FORGED_BEACONS: (
        (
            "INSERT INTO forged_beacons (message_id, place, received_at, user_agent_class)"
            " VALUES (%(id)s, 0, %(at)s, '')"
        ),
        "SELECT message_id AS id FROM forged_beacons",
    ),
    Leftover.HELD_COMPLETES: (
        (
            "INSERT INTO held_completes (day, decision_id, slot, expires_at, beacon)"
            " VALUES (%(at)s::date, %(id)s::uuid, 1, %(at)s, '{}')"
        ),
        "SELECT decision_id::text AS id FROM held_completes",
    ),
    Leftover.DECISION_COUNTS: (
        "INSERT INTO decision_counts_taken (message_id, taken_at) VALUES (%(id)s, %(at)s)",
        "SELECT message_id::text AS id FROM decision_counts_taken",
    ),
}


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


@pytest.mark.parametrize("kind", list(TABLES), ids=lambda kind: kind.value)
def test_what_is_old_goes_and_the_rest_stays(
    world: World, owner: psycopg.Connection[dict[str, Any]], kind: Leftover
) -> None:
    insert, select = TABLES[kind]
    campaign = world.a_campaign(world.a_tenant()).campaign_id

    def add(at: datetime) -> str:
        made = new_id()
        owner.execute(insert.encode(), {"id": made, "at": at, "campaign": campaign})
        return made

    old = add(utc_now() - 42 * DAY)
    recent = add(utc_now() - 39 * DAY)
    ahead = add(utc_now() + DAY)
    purge = Purge(PostgresLeftovers(world.pipeline), MemoryPublishedMedia({}), KEPT, clock=utc_now)
    assert purge()[kind] >= 1
    left = {row["id"] for row in owner.execute(select.encode())}
    assert old not in left
    assert {recent, ahead} <= left
    PostgresLeftovers(world.pipeline).purge(kind, over_before=utc_now() + 9 * DAY, most=100)
    left = {row["id"] for row in owner.execute(select.encode())}
    assert ahead in left
