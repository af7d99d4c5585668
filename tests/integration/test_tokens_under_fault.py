"""Budgets hold whatever breaks: any order of looks, spending, billing, crashes, losses, clocks.

A state machine on real PostgreSQL and Valkey. Two controllers with clocks a minute off look while
the other does, die between any two steps, lose calls that arrive later; Valkey is emptied or falls
back to an older state; beacons come in any order, late or never.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import psycopg
import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from psycopg.rows import dict_row

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.token_buckets import PostgresTokenLedger
from ctv_ads.adapters.valkey.grants import ValkeyTokenStore, tokens_key
from ctv_ads.use_cases.grant_tokens import GrantTokens
from local.valkey import ValkeyServer
from tests.builders import NOON, PRICE_MICROS, a_campaign_draft
from tests.faulty_ports import CrashError, Faulty, Plan
from tests.token_books import ADD_LINE_ITEM, TOKEN_BOOKS
from tests.worlds import World

MINUTE = timedelta(minutes=1)
LIFETIME = 15 * MINUTE
# A bucket closes at the latest when it is so old, and expires that much later.
CLAIMED_IN_TIME = LIFETIME - 3 * MINUTE
SHARDS = 2
BUDGET = 30
OWN_BUDGET, DAILY = 12, 5


@dataclass(slots=True)
class Spent:
    """An ad that was decided on tokens."""

    line_item_id: str
    bucket: int
    at_minute: float


class Tokens(RuleBasedStateMachine):
    """See the module's docstring."""

    world: ClassVar[World]
    valkey: ClassVar[redis.Redis]
    owner: ClassVar[psycopg.Connection[dict[str, Any]]]
    databases: ClassVar[list[Database]]

    @initialize()
    def book(self) -> None:
        self.owner.execute("UPDATE campaigns SET status = 'paused' WHERE status = 'active'")
        self.owner.execute("DELETE FROM token_buckets")
        self.valkey.flushall()
        self.minute = 0.0
        draft = a_campaign_draft(budget_micros=BUDGET * PRICE_MICROS)
        campaign = self.world.a_serving_campaign(self.world.a_tenant(), draft)
        self.campaign_id = str(campaign.campaign_id)
        self.line_items = [str(campaign.line_items[0].line_item_id), new_id()]
        self.says(self.line_items[0], "pacing = 'asap'")
        values = (OWN_BUDGET * PRICE_MICROS, DAILY * PRICE_MICROS)
        self.owner.execute(ADD_LINE_ITEM, (self.line_items[1], *values, self.campaign_id))
        self.spent: list[Spent] = []
        self.billed, self.fell_back = 0, False
        self.older: dict[int, dict[bytes, bytes]] = {}
        self.plans = [Plan(), Plan()]
        self.controllers = [self.controller(number) for number in (0, 1)]
        for plan, other in zip(self.plans, self.controllers[::-1], strict=True):
            plan.meanwhile = other
        self.controllers[0]()

    def controller(self, number: int) -> GrantTokens:
        plan = self.plans[number]
        ledger = PostgresTokenLedger(
            self.databases[number], reservation_lifetime=LIFETIME, shards=SHARDS
        )
        store = Faulty(ValkeyTokenStore(self.valkey), plan)
        return GrantTokens(Faulty(ledger, plan), store, lambda: self.now + number * MINUTE, SHARDS)

    @property
    def now(self) -> Any:
        return NOON + self.minute * MINUTE

    def says(self, line_item_id: str, change: str) -> None:
        self.owner.execute(
            f"UPDATE line_items SET {change} WHERE line_item_id = %s".encode(),  # noqa: S608
            (line_item_id,),
        )

    @rule(
        number=st.sampled_from([0, 1]),
        step=st.integers(0, 12),
        what=st.sampled_from(["", "crash before", "crash after", "meanwhile", "arrives late"]),
    )
    def look(self, number: int, step: int, what: str) -> None:
        self.plans[number].set(step, what)
        self.plans[1 - number].set(-1, "")
        with suppress(CrashError):
            self.controllers[number]()

    @precondition(lambda self: any(plan.late for plan in self.plans))
    @rule()
    def a_lost_call_arrives(self) -> None:
        for plan in self.plans:
            while plan.late:
                plan.late.pop(0)()

    @rule(
        which=st.sampled_from([0, 1]),
        shard=st.integers(0, SHARDS - 1),
        times=st.integers(1, 10),
    )
    def decisions_spend(self, which: int, shard: int, times: int) -> None:
        key, line_item_id = tokens_key(shard), self.line_items[which]
        for _ in range(times):
            held = self.valkey.hget(key, line_item_id)
            bucket, _, left = bytes(held or b"0:0").partition(b":")  # type: ignore[arg-type]
            if int(left) < PRICE_MICROS:
                return
            self.valkey.hset(key, line_item_id, b"%b:%d" % (bucket, int(left) - PRICE_MICROS))
            self.spent.append(Spent(line_item_id, int(bucket), self.minute))

    @precondition(lambda self: self.spent)
    @rule(data=st.data(), count=st.integers(1, 6))
    def beacons_come(self, data: st.DataObject, count: int) -> None:
        order = data.draw(st.permutations(range(len(self.spent))))[:count]
        claimed = [self.spent[position] for position in order]
        self.spent = [spent for n, spent in enumerate(self.spent) if n not in order]
        outcomes = self.bill([(spent.line_item_id, spent.bucket) for spent in claimed])
        for spent, outcome in zip(claimed, outcomes, strict=True):
            if (self.minute - spent.at_minute) * MINUTE <= CLAIMED_IN_TIME:
                assert outcome == "in_time" or self.fell_back, (spent, outcome)

    @rule(which=st.sampled_from([0, 1]))
    def a_beacon_of_no_bucket_comes(self, which: int) -> None:
        self.bill([(self.line_items[which], 0)])

    def bill(self, events: list[tuple[str, int]]) -> list[str]:
        count = len(events)
        with self.world.pipeline.transaction() as connection:
            rows = connection.execute(
                "SELECT * FROM bill_by_bucket(%s, %s::uuid[], %s::bigint[], %s, %s)",
                (
                    list(range(count)),
                    [line_item_id for line_item_id, _ in events],
                    [bucket for _, bucket in events],
                    [PRICE_MICROS] * count,
                    [self.now] * count,
                ),
            ).fetchall()
        self.billed += sum(row["micros"] for row in rows)
        return [row["outcome"] for row in rows]

    @rule(minutes=st.sampled_from([0.5, 1, 1, 5, 16, 24 * 60]))
    def time_passes(self, minutes: float) -> None:
        self.minute += minutes
        if minutes > 1:  # no call is on its way for so long
            for plan in self.plans:
                plan.late.clear()
            self.older.clear()

    @rule(which=st.sampled_from([0, 1]), status=st.sampled_from(["active", "paused"]))
    def somebody_pauses_or_resumes(self, which: int, status: str) -> None:
        self.says(self.line_items[which], f"status = '{status}'")

    @rule(pacing=st.sampled_from(["even", "asap", "front_loaded"]))
    def somebody_changes_the_pacing(self, pacing: str) -> None:
        self.says(self.line_items[0], f"pacing = '{pacing}'")

    @rule()
    def valkey_is_emptied(self) -> None:
        self.valkey.flushall()

    @rule(which=st.sampled_from([0, 1]))
    def valkey_restarts_under_load(self, which: int) -> None:
        self.decisions_spend(which, 0, 3)
        self.valkey_is_emptied()
        self.minute += 1
        self.look(which, -1, "")

    @rule()
    def valkey_copies_itself(self) -> None:
        keys = [tokens_key(shard) for shard in range(SHARDS)]
        self.older = {n: self.valkey.hgetall(key) for n, key in enumerate(keys)}  # type: ignore[misc]

    @precondition(lambda self: self.older)
    @rule()
    def valkey_falls_back_to_its_copy(self) -> None:
        self.fell_back = True
        for shard, fields in self.older.items():
            self.valkey.delete(tokens_key(shard))
            if fields:
                self.valkey.hset(tokens_key(shard), mapping=fields)  # type: ignore[arg-type]

    @invariant()
    def what_is_billed_and_reserved_is_within_every_budget(self) -> None:
        rows = self.owner.execute(TOKEN_BOOKS, (self.campaign_id,)).fetchall()
        for row in rows:
            assert row["campaign_billed"] + row["campaign_outstanding"] <= row["budget_micros"]
            assert row["campaign_billed"] == self.billed
            if row["own_budget"] is not None:
                assert row["billed_micros"] + row["outstanding"] <= row["own_budget"]
            if row["daily_budget_micros"] is not None:
                assert row["fullest_day"] <= row["daily_budget_micros"]

    @invariant()
    @precondition(lambda self: not self.fell_back)
    def what_decisions_can_spend_is_reserved(self) -> None:
        reserved = {
            (row["line_item_id"], row["bucket"]): row["outstanding_micros"]
            for row in self.owner.execute(
                "SELECT line_item_id::text, bucket, outstanding_micros FROM token_buckets"
            )
        }
        for line_item_id, bucket, left in self.held():
            assert left <= reserved.get((line_item_id, bucket), 0)

    def teardown(self) -> None:
        """After quiet nothing is reserved but what decisions hold, and all can still be spent."""
        self.says(self.line_items[0], "pacing = 'asap'")
        for line_item_id in self.line_items:
            self.says(
                line_item_id, "status = 'active', daily_budget_micros = NULL, pacing = 'asap'"
            )
        for plan in self.plans:
            plan.set(-1, "")
            plan.late.clear()
        for minutes in (0, 31, 31, 1):
            self.minute += minutes
            self.controllers[0]()
        books = self.owner.execute(TOKEN_BOOKS, (self.campaign_id,)).fetchall()
        assert books[0]["campaign_outstanding"] == sum(left for *_, left in self.held())
        for _ in range(6):
            for line_item_id, bucket, left in self.held():
                self.bill([(line_item_id, bucket)] * (left // PRICE_MICROS))
            self.minute += 16
            self.valkey.flushall()
            self.controllers[0]()
        assert self.billed == BUDGET * PRICE_MICROS

    def held(self) -> list[tuple[str, int, int]]:
        found: list[tuple[str, int, int]] = []
        for shard in range(SHARDS):
            fields: Any = self.valkey.hgetall(tokens_key(shard))
            for name, value in fields.items():
                bucket, left = map(int, value.split(b":"))
                found.append((name.decode(), bucket, left))
        return found


@pytest.fixture
def machine(
    postgres_of_session: World, valkey_server: ValkeyServer
) -> Iterator[type[RuleBasedStateMachine]]:
    world = postgres_of_session
    databases = [Database(world.schema.pipeline_secret) for _ in (0, 1)]
    with (
        redis.Redis.from_url(valkey_server.url) as client,
        psycopg.connect(world.schema.owner_dsn, row_factory=dict_row, autocommit=True) as owner,
    ):
        Tokens.world, Tokens.valkey = world, client
        Tokens.owner, Tokens.databases = owner, databases
        yield Tokens
    for database in databases:
        database.close()


def test_no_budget_is_passed_and_nothing_reserved_is_lost(
    machine: type[RuleBasedStateMachine],
) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            phases=(Phase.reuse, Phase.generate),
            suppress_health_check=list(HealthCheck),
        ),
    )
