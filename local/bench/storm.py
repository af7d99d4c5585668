"""A storm on tiny budgets: processes that decide and bill at once while a controller grants."""

import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from typing import Any

import psycopg
import redis

from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.token_buckets import PostgresTokenLedger
from ctv_ads.adapters.valkey.grants import ValkeyTokenStore, tokens_key
from ctv_ads.use_cases.grant_tokens import GrantTokens

BUDGETS = 200
PROCESSES = 4
_PRICE_MICROS = 20_000
_LOOK_EVERY_S = 5
_BATCH = 50
_BOOK = """
INSERT INTO organizations (organization_id, name) VALUES (%(organization)s, 'Storm');
INSERT INTO campaigns (campaign_id, organization_id, advertiser_id, name, status, budget_micros,
                       cpm_micros, starts_at, ends_at, created_by)
SELECT uuidv7(), %(organization)s, %(advertiser)s, 'Storm ' || n, 'active',
       (20 + n %% 180) * 20000 + n %% 2 * 10000, 20000000, now() - interval '1 day',
       now() + interval '1 day', %(user)s
FROM generate_series(1, %(budgets)s) n;
INSERT INTO line_items (line_item_id, organization_id, campaign_id, name, pacing)
SELECT uuidv7(), organization_id, campaign_id, 'Storm ' || n, 'asap'
FROM campaigns, generate_series(1, 2) n WHERE organization_id = %(organization)s"""
_LINE_ITEMS = "SELECT line_item_id::text FROM line_items WHERE organization_id = %s"
_OVERSPENT = """
SELECT coalesce(sum(greatest(c.billed_micros - c.budget_micros, 0)), 0)::bigint,
       sum(c.billed_micros)::bigint, sum(c.budget_micros)::bigint
FROM campaigns c WHERE c.organization_id = %s"""
# What a decision does with tokens, and nothing else of it.
_SPEND = """
local held = redis.call('HGET', KEYS[1], ARGV[1]) or '0:0'
local colon = string.find(held, ':', 1, true)
local left = tonumber(string.sub(held, colon + 1)) - tonumber(ARGV[2])
if left < 0 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], string.sub(held, 1, colon) .. string.format('%.0f', left))
return tonumber(string.sub(held, 1, colon - 1))
"""


@dataclass(frozen=True, slots=True)
class Storm:
    """What became of it. `unbilled_bp` is of all that was delivered, in basis points."""

    seconds: int
    attempts: int
    delivered: int
    unbilled: int
    unbilled_bp: float
    overspent_micros: int
    spent_micros: int
    budgets_micros: int


def measure_storm(
    dsn: str, pipeline: Mapping[str, Any], valkey_url: str, *, seconds: int = 60
) -> Storm:
    """Let `PROCESSES` processes spend 200 tiny budgets as fast as they can, for some seconds.

    `dsn` is the owner's, of a migrated database without other active campaigns. Every beacon
    comes, in another order than the decisions.
    """
    organization, line_items = _book(dsn)
    context = get_context("spawn")
    until = time.time() + seconds
    with context.Pool(PROCESSES) as pool, redis.Redis.from_url(valkey_url) as client:
        jobs = [
            pool.apply_async(_spend, (dict(pipeline), valkey_url, line_items, until, seed))
            for seed in range(PROCESSES)
        ]
        _control(Database(pipeline), client, until)
        counts: Counter[str] = Counter()
        for job in jobs:
            counts += job.get()
    with psycopg.connect(dsn) as connection:
        row = connection.execute(_OVERSPENT, (organization,)).fetchone() or (0, 0, 0)
    delivered = sum(counts[outcome] for outcome in ("in_time", "late", "over_budget"))
    return Storm(
        seconds=seconds,
        attempts=counts["attempts"],
        delivered=delivered,
        unbilled=counts["over_budget"],
        unbilled_bp=round(counts["over_budget"] * 10_000 / max(delivered, 1), 2),
        overspent_micros=row[0],
        spent_micros=row[1],
        budgets_micros=row[2],
    )


def _control(database: Database, client: redis.Redis, until: float) -> None:
    ledger = PostgresTokenLedger(database, reservation_lifetime=timedelta(minutes=15))
    look = GrantTokens(ledger, ValkeyTokenStore(client), utc_now)
    while time.time() < until:
        look()
        time.sleep(_LOOK_EVERY_S)
    database.close()


def _spend(
    pipeline: Mapping[str, Any], valkey_url: str, line_items: list[str], until: float, seed: int
) -> Counter[str]:
    chance, counts, waiting = random.Random(seed), Counter[str](), []  # noqa: S311 - no secret
    database = Database(pipeline)
    with redis.Redis.from_url(valkey_url) as client:
        spend = client.register_script(_SPEND)
        while time.time() < until:
            line_item_id = chance.choice(line_items)
            bucket = int(spend(keys=[tokens_key(0)], args=[line_item_id, _PRICE_MICROS]))
            counts["attempts"] += 1
            if bucket:
                waiting.append((line_item_id, bucket, datetime.now(UTC)))
            if len(waiting) >= _BATCH and chance.random() < 0.05:
                counts += _bill(database, waiting, chance)
                waiting = []
    counts += _bill(database, waiting, chance)
    database.close()
    return counts


def _bill(
    database: Database, events: list[tuple[str, int, datetime]], chance: random.Random
) -> Counter[str]:
    chance.shuffle(events)
    if not events:
        return Counter()
    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT outcome FROM bill_by_bucket(%s, %s::uuid[], %s::bigint[], %s::bigint[], %s)",
            (
                list(range(len(events))),
                [event[0] for event in events],
                [event[1] for event in events],
                [_PRICE_MICROS] * len(events),
                [event[2] for event in events],
            ),
        ).fetchall()
    return Counter(row["outcome"] for row in rows)


def _book(dsn: str) -> tuple[str, list[str]]:
    organization = new_id()
    values = {
        "organization": organization,
        "user": new_id(),
        "advertiser": new_id(),
        "budgets": BUDGETS,
    }
    with psycopg.connect(dsn, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(_BOOK, values)
        connection.execute("SET session_replication_role = DEFAULT")
        rows = connection.execute(_LINE_ITEMS, (organization,)).fetchall()
    return organization, [row[0] for row in rows]
