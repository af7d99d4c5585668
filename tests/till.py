"""A controller at work: budgets in PostgreSQL, tokens in Valkey, decisions that spend them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
import redis
from psycopg.rows import dict_row

from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.token_buckets import PostgresTokenLedger
from ctv_ads.adapters.valkey.grants import ValkeyTokenStore, tokens_key
from ctv_ads.domain.campaign import Campaign
from ctv_ads.use_cases.grant_tokens import Granted, GrantTokens
from local.valkey import ValkeyServer
from tests.builders import NOON, PRICE_MICROS, Tenant, a_campaign_draft
from tests.worlds import World

LIFETIME = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class Till:
    """A controller, decisions that spend, a consumer that bills, and an owner who looks on."""

    world: World
    valkey: redis.Redis
    owner: psycopg.Connection[dict[str, Any]]
    now: datetime = NOON
    shards: int = 1
    tenant: Tenant = field(init=False)

    def __post_init__(self) -> None:
        self.tenant = self.world.a_tenant()

    def campaign(self, affordable: int = 10, *, pacing: str = "asap", **terms: object) -> Campaign:
        draft = a_campaign_draft(budget_micros=affordable * PRICE_MICROS)
        campaign = self.world.a_serving_campaign(self.tenant, draft)
        self.says(campaign.line_items[0].line_item_id, pacing=pacing, **terms)
        return campaign

    def says(self, line_item_id: str, **terms: object) -> None:
        changes = ", ".join(f"{name} = %s" for name in terms)
        self.owner.execute(
            f"UPDATE line_items SET {changes} WHERE line_item_id = %s".encode(),  # noqa: S608
            (*terms.values(), line_item_id),
        )

    def look(self, *, after: timedelta = timedelta(0), database: Database | None = None) -> Granted:
        self.now += after
        ledger = PostgresTokenLedger(
            database or self.world.pipeline, reservation_lifetime=LIFETIME, shards=self.shards
        )
        store = ValkeyTokenStore(self.valkey)
        return GrantTokens(ledger, store, lambda: self.now, self.shards)()

    def held(self, line_item_id: str, shard: int = 0) -> tuple[int, int] | None:
        """Return bucket and tokens that decisions have."""
        value = self.valkey.hget(tokens_key(shard), line_item_id)
        if value is None:
            return None
        bucket, _, remaining = bytes(value).partition(b":")  # type: ignore[arg-type]
        return int(bucket), int(remaining)

    def tokens(self, campaign: Campaign) -> int:
        held = self.held(campaign.line_items[0].line_item_id)
        return held[1] if held else 0

    def spend(self, line_item_id: str, tokens: int = PRICE_MICROS, shard: int = 0) -> int:
        """Spend as a decision does; return the bucket, or 0 when there is not enough."""
        held = self.held(line_item_id, shard)
        if held is None or held[1] < tokens:
            return 0
        self.valkey.hset(tokens_key(shard), line_item_id, f"{held[0]}:{held[1] - tokens}")
        return held[0]

    def bill(self, line_item_id: str, *buckets: int, price_micros: int = PRICE_MICROS) -> list[str]:
        count = len(buckets)
        rows = self.owner.execute(
            "SELECT * FROM bill_by_bucket(%s, %s::uuid[], %s, %s, %s)",
            (
                list(range(count)),
                [line_item_id] * count,
                list(buckets),
                [price_micros] * count,
                [self.now] * count,
            ),
        ).fetchall()
        return [row["outcome"] for row in rows]

    def books(self, campaign: Campaign) -> tuple[int, int, int]:
        """Return budget, billed and outstanding of a campaign, in impressions."""
        row = self.owner.execute(
            "SELECT budget_micros, billed_micros, (SELECT coalesce(sum(outstanding_micros), 0)"
            " FROM token_buckets b WHERE b.campaign_id = c.campaign_id)::bigint AS outstanding"
            " FROM campaigns c WHERE campaign_id = %s",
            (campaign.campaign_id,),
        ).fetchone()
        amounts = [int(value) // PRICE_MICROS for value in (row or {}).values()]
        return (amounts[0], amounts[1], amounts[2])


@contextmanager
def a_till(world: World, server: ValkeyServer) -> Iterator[Till]:
    """Nothing else may spend; Valkey is empty."""
    with (
        redis.Redis.from_url(server.url) as client,
        psycopg.connect(world.schema.owner_dsn, row_factory=dict_row, autocommit=True) as owner,
    ):
        client.flushall()
        client.function_flush("SYNC")
        owner.execute("UPDATE campaigns SET status = 'paused' WHERE status = 'active'")
        owner.execute("DELETE FROM token_buckets")
        yield Till(world, client, owner)
