"""The pacing controller on real PostgreSQL and Valkey: what it grants, takes back and frees."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
import redis
from psycopg.rows import dict_row

from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.token_buckets import PostgresTokenLedger
from ctv_ads.adapters.valkey.grants import ValkeyTokenStore, tokens_key
from ctv_ads.domain.campaign import Campaign, CampaignStatus
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


@pytest.fixture
def till(postgres_of_session: World, valkey_server: ValkeyServer) -> Iterator[Till]:
    world = postgres_of_session
    with (
        redis.Redis.from_url(valkey_server.url) as client,
        psycopg.connect(world.schema.owner_dsn, row_factory=dict_row, autocommit=True) as owner,
    ):
        client.flushall()
        client.function_flush("SYNC")
        owner.execute("UPDATE campaigns SET status = 'paused' WHERE status = 'active'")
        owner.execute("DELETE FROM token_buckets")
        yield Till(world, client, owner)


def test_an_activated_campaign_has_its_tokens_at_the_next_look(till: Till) -> None:
    campaign = till.campaign(10)
    assert till.look().granted == 1
    assert till.tokens(campaign) == 10 * PRICE_MICROS
    assert till.books(campaign) == (10, 0, 10)


def test_a_second_look_changes_nothing(till: Till) -> None:
    campaign = till.campaign(10)
    till.look()
    before = till.held(campaign.line_items[0].line_item_id)
    assert till.look(after=MINUTE).granted == 0
    assert till.held(campaign.line_items[0].line_item_id) == before


def test_what_was_spent_and_billed_is_not_granted_again(till: Till) -> None:
    campaign = till.campaign(10)
    line_item = campaign.line_items[0].line_item_id
    till.look()
    buckets = [till.spend(line_item) for _ in range(11)]
    assert buckets.count(0) == 1
    assert till.bill(line_item, *buckets[:4]) == ["in_time"] * 4
    assert till.look(after=MINUTE).granted == 0
    assert till.books(campaign) == (10, 4, 6)


def test_what_nobody_claims_comes_back_when_its_bucket_expires(till: Till) -> None:
    campaign = till.campaign(10)
    line_item = campaign.line_items[0].line_item_id
    till.look()
    lost = [till.spend(line_item) for _ in range(10)]
    till.look(after=LIFETIME)
    assert till.tokens(campaign) == 0
    till.look(after=LIFETIME)
    assert till.tokens(campaign) == 10 * PRICE_MICROS
    assert till.bill(line_item, *lost) == ["over_budget"] * 10


@pytest.mark.parametrize("status", [CampaignStatus.PAUSED, CampaignStatus.COMPLETED])
def test_what_no_longer_serves_gives_its_tokens_back_at_once(
    till: Till, status: CampaignStatus
) -> None:
    campaign = till.campaign(10)
    till.look()
    till.spend(campaign.line_items[0].line_item_id)
    till.world.set_status(till.tenant, campaign, status)
    assert till.look().taken_back == 1
    assert till.tokens(campaign) == 0
    assert till.books(campaign) == (10, 0, 1)


def test_a_paused_line_item_leaves_its_tokens_to_its_campaign_and_takes_them_up_again(
    till: Till,
) -> None:
    campaign = till.campaign(10)
    line_item = campaign.line_items[0].line_item_id
    till.look()
    till.says(line_item, status="paused")
    till.look()
    assert till.books(campaign) == (10, 0, 0)
    till.says(line_item, status="active")
    till.look()
    assert till.tokens(campaign) == 10 * PRICE_MICROS


def test_an_emptied_valkey_is_filled_again_without_promising_anything_twice(till: Till) -> None:
    campaign = till.campaign(1000)
    till.look()
    first = till.tokens(campaign)
    till.valkey.flushall()
    till.valkey.function_flush("SYNC")
    till.look(after=MINUTE)
    assert 0 < till.tokens(campaign) <= 1000 * PRICE_MICROS - first
    till.look(after=LIFETIME)
    budget, billed, outstanding = till.books(campaign)
    assert billed + outstanding <= budget
