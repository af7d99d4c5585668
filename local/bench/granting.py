"""The pacing controller: milliseconds of one look at an inventory of 100,000 line items."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import redis

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.token_buckets import PostgresTokenLedger
from ctv_ads.adapters.valkey.grants import ValkeyTokenStore, tokens_key
from ctv_ads.use_cases.grant_tokens import GrantTokens

LINE_ITEMS = 100_000
_EACH = 10
_ACTIVE = 1000
_LOOKS = 5
_BOOK = """
INSERT INTO organizations (organization_id, name) VALUES (%(organization)s, 'Bench');
INSERT INTO campaigns (campaign_id, organization_id, advertiser_id, name, status, budget_micros,
                       cpm_micros, starts_at, ends_at, created_by, updated_at)
SELECT uuidv7(), %(organization)s, %(advertiser)s, 'Bench ' || n,
       CASE WHEN n <= %(active)s THEN 'active' ELSE 'paused' END, 1000000000, 20000000,
       now() - interval '1 day', now() + interval '30 days', %(user)s,
       now() - interval '1 hour'
FROM generate_series(1, %(campaigns)s) n;
INSERT INTO line_items (line_item_id, organization_id, campaign_id, name, pacing, updated_at)
SELECT uuidv7(), organization_id, campaign_id, 'Bench ' || n, 'even', updated_at
FROM campaigns, generate_series(1, %(each)s) n WHERE organization_id = %(organization)s"""


@dataclass(frozen=True, slots=True)
class Looks:
    """Milliseconds of looks at one inventory: the first, idle ones, ones after much was spent."""

    active: int
    first_ms: float
    idle_ms: float
    busy_ms: float
    busy_grants: int


def measure_granting(dsn: str, pipeline: Mapping[str, Any], valkey_url: str) -> list[Looks]:
    """Return how long looks take with a hundredth of the line items active, and with all.

    `dsn` is the owner's, of a migrated database without other active campaigns.
    """
    found = []
    for active in (_ACTIVE, LINE_ITEMS):
        organization = _book(dsn, active // _EACH)
        with redis.Redis.from_url(valkey_url) as client:
            client.flushall()
            found.append(_looks(Database(pipeline, statement_timeout_ms=60_000), client, active))
        with psycopg.connect(dsn) as connection:
            connection.execute(
                "UPDATE campaigns SET status = 'paused' WHERE organization_id = %s", (organization,)
            )
            connection.execute("TRUNCATE token_buckets, line_item_delivery")
    return found


def _looks(database: Database, client: redis.Redis, active: int) -> Looks:
    now = datetime.now(UTC)
    ledger = PostgresTokenLedger(database, reservation_lifetime=timedelta(minutes=15))
    controller = GrantTokens(ledger, ValkeyTokenStore(client), lambda: now)

    def look(minute: int) -> tuple[float, int]:
        at = replace(controller, clock=lambda: now + timedelta(minutes=minute))
        started = time.perf_counter()
        granted = at().granted
        return (time.perf_counter() - started) * 1000, granted

    first_ms, _ = look(0)
    idle = [look(1)[0] for _ in range(_LOOKS)]
    _spend_a_tenth(client)
    busy_ms, grants = look(2)
    database.close()
    return Looks(active, first_ms, sorted(idle)[_LOOKS // 2], busy_ms, grants)


def _spend_a_tenth(client: redis.Redis) -> None:
    fields: Any = client.hgetall(tokens_key(0))
    spent = {
        name: held.partition(b":")[0] + b":0"
        for number, (name, held) in enumerate(fields.items())
        if number % 10 == 0
    }
    client.hset(tokens_key(0), mapping=spent)


def _book(dsn: str, active_campaigns: int) -> str:
    organization = new_id()
    values = {
        "organization": organization,
        "user": new_id(),
        "advertiser": new_id(),
        "campaigns": LINE_ITEMS // _EACH,
        "active": active_campaigns,
        "each": _EACH,
    }
    with psycopg.connect(dsn, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        # Neither audit nor foreign keys while so much is written at once.
        connection.execute("SET session_replication_role = replica")
        connection.execute(_BOOK, values)
        connection.execute("SET session_replication_role = DEFAULT")
        connection.execute("VACUUM ANALYZE campaigns, line_items")
    return organization
