"""Upgrading a database that is in use: rows written by the first version stay what they were."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from ctv_ads.adapters.ids import new_id
from ctv_ads.migrate import migrate_down, migrate_up, packaged_migrations
from local.postgres import OWNER
from local.postgres import PostgresServer as Server
from tests.worlds import Schema

TABLES = (
    "organizations",
    "users",
    "memberships",
    "advertisers",
    "placements",
    "campaigns",
    "line_items",
    "creatives",
    "ad_events",
    "campaign_daily_stats",
)
RENAMED = {"campaign_daily_stats": "delivery_days"}
FACTS = '{"duration_ms": 15000, "width_px": 1280, "height_px": 720, "video_codec": "avc1.64001F"}'


@pytest.fixture
def owner(postgres_server: Server, schema: Schema) -> Iterator[psycopg.Connection[Any]]:
    """The owner of an empty database of its own."""
    name = f"upgrade_{new_id()}"
    address = f"postgresql://{OWNER}:{postgres_server.password}@127.0.0.1:{postgres_server.port}"
    with psycopg.connect(schema.owner_dsn, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        with psycopg.connect(f"{address}/{name}", autocommit=True) as found:
            yield found
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def write_rows_of_the_first_version(owner: psycopg.Connection[Any]) -> None:
    ids = {
        name: new_id() for name in ("org", "user", "adv", "place", "camp", "line", "crea", "dec")
    }
    owner.execute("SELECT ensure_ad_event_partitions('2026-11-23', '2026-11-23')")
    for statement in (
        "INSERT INTO organizations (organization_id, name) VALUES (%(org)s, 'Channel')",
        (
            "INSERT INTO users (user_id, email, name, password_hash)"
            " VALUES (%(user)s, 'a@example.com', 'Ada', 'hash')"
        ),
        (
            "INSERT INTO memberships (organization_id, user_id, role)"
            " VALUES (%(org)s, %(user)s, 'owner')"
        ),
        (
            "INSERT INTO advertisers (advertiser_id, organization_id, name)"
            " VALUES (%(adv)s, %(org)s, 'Acme')"
        ),
        (
            "INSERT INTO placements (placement_id, organization_id, key, name)"
            " VALUES (%(place)s, %(org)s, 'pre', 'Pre-roll')"
        ),
        (
            "INSERT INTO campaigns (campaign_id, organization_id, advertiser_id, name, status,"
            " budget_micros, billed_micros, cpm_micros, starts_at, ends_at, created_by) VALUES"
            " (%(camp)s, %(org)s, %(adv)s, 'Spring', 'active', 1000000, 20000, 20000000,"
            "  '2026-01-01', '2036-01-01', %(user)s)"
        ),
        (
            "INSERT INTO line_items (line_item_id, organization_id, campaign_id, name, is_default,"
            " billed_micros) VALUES (%(line)s, %(org)s, %(camp)s, 'Default', true, 20000)"
        ),
        (
            "INSERT INTO creatives (creative_id, organization_id, campaign_id, name, filename,"
            " content_type, declared_size_bytes, status, facts, media_sha256, media_key, created_by)"
            " VALUES (%(crea)s, %(org)s, %(camp)s, 'Film', 'a.mp4', 'video/mp4', 5, 'ready', %(facts)s,"
            "  repeat('a', 64), 'x/video.mp4', %(user)s)"
        ),
        (
            "INSERT INTO ad_events (day, decision_id, slot, event, line_item_id, creative_id,"
            " placement_id, decided_at, received_at, price_micros, billed_micros, user_agent_class)"
            " VALUES ('2026-11-23', %(dec)s, 1, 'impression', %(line)s, %(crea)s, %(place)s,"
            "  '2026-11-23', '2026-11-23', 20000, 20000, 'roku')"
        ),
        (
            "INSERT INTO campaign_daily_stats (organization_id, campaign_id, line_item_id,"
            " creative_id, day, impressions, billed_micros)"
            " VALUES (%(org)s, %(camp)s, %(line)s, %(crea)s, '2026-11-23', 1, 20000)"
        ),
    ):
        owner.execute(statement.encode(), {**ids, "facts": FACTS})


def rows(owner: psycopg.Connection[Any], *, now: bool = False) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each table, by the name that the first version gave it."""
    cursor = owner.cursor(row_factory=dict_row)
    names = {table: RENAMED.get(table, table) if now else table for table in TABLES}
    return {
        table: cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))).fetchall()
        for table, name in names.items()
    }


def test_rows_live_through_every_upgrade_and_back(owner: psycopg.Connection[Any]) -> None:
    migrations = packaged_migrations()
    migrate_up(owner, migrations[:1])
    write_rows_of_the_first_version(owner)
    before = rows(owner)
    assert all(len(found) == 1 for found in before.values())

    migrate_up(owner, migrations)

    for table, found in rows(owner, now=True).items():
        (was,), (is_now,) = before[table], found
        assert {name: is_now[name] for name in was} == was, table

    migrate_down(owner, migrations, to="0001")
    assert rows(owner) == before
