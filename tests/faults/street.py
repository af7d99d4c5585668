"""One campaign, and everything that its money passes through, all of it real and all of it mortal."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
import redis
from psycopg.rows import dict_row

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.token_buckets import PostgresTokenLedger
from ctv_ads.adapters.valkey.grants import ValkeyTokenStore, tokens_key
from ctv_ads.adapters.valkey.inventory_store import ValkeyInventoryStore
from ctv_ads.domain.ad_request import AdRequest
from ctv_ads.domain.beacon import BeaconClaims
from ctv_ads.domain.beacon_token import read_token
from ctv_ads.domain.delivery import DecidedRow
from ctv_ads.domain.ids import DecisionId, PlacementId
from ctv_ads.use_cases.grant_tokens import GrantTokens
from ctv_ads.use_cases.publish_inventory import PublishInventory
from ctv_ads.use_cases.sign_ads import NOBODY, Decided
from local.postgres import PostgresServer
from local.valkey import ValkeyServer
from tests.builders import KEYS, NOON, PRICE_MICROS, Tenant, a_campaign_draft
from tests.faults.deaths import kill_with_children
from tests.faults.delivery import Collector, Consumer, Queue
from tests.faults.recount import Recount
from tests.faulty_ports import Faulty, Plan
from tests.functions.explaining import Server
from tests.serving import SIGN
from tests.worlds import World

MINUTE = timedelta(minutes=1)
LIFETIME = 15 * MINUTE
CLAIMED_IN_TIME_MIN = 12
"""A beacon so soon is in time whatever clocks say: a bucket expires no earlier."""
VIEW_PRICE_MICROS = 33_333
BUDGET_MICROS = 30 * PRICE_MICROS + 7_777
FLAT_MICROS = 70_007
OWN_BUDGET_MICROS, DAILY_MICROS = 12 * PRICE_MICROS, 5 * PRICE_MICROS + 1
_ADD_LINE_ITEM = """
INSERT INTO line_items (line_item_id, organization_id, campaign_id, name, rate_type, rate_micros,
                        budget_micros, daily_budget_micros, pacing)
SELECT %s, organization_id, campaign_id, 'another', %s, %s, %s, %s, 'asap'
FROM campaigns WHERE campaign_id = %s"""
_FILM_OF_ITS_OWN = """
UPDATE creatives SET media_sha256 = encode(sha256(creative_id::text::bytea), 'hex')
WHERE campaign_id = %s"""
_HERE_ONLY = """
UPDATE line_items SET targeting = jsonb_build_object('placement', jsonb_build_object('include',
    jsonb_build_array(%s::text))) WHERE line_item_id = %s"""
_ASSIGN = """
INSERT INTO creative_assignments (organization_id, campaign_id, line_item_id, creative_id)
SELECT organization_id, campaign_id, line_item_id, %s FROM line_items WHERE line_item_id = %s
ON CONFLICT DO NOTHING"""
_ADD_PLACEMENT = """
INSERT INTO placements (placement_id, organization_id, key, name)
VALUES (%s, %s, %s, 'Mid-roll')"""
_TOKEN = re.compile(r"/t/impression/([A-Za-z0-9_-]+)")


@dataclass(slots=True)
class Ad:
    """An ad that was served, and when that really was."""

    token: str
    claims: BeaconClaims
    minute: float


@dataclass(slots=True)
class Servers:
    """What stays when a street is left: processes, connections."""

    postgres: PostgresServer
    valkey: ValkeyServer
    world: World
    client: redis.Redis
    ad_server: Server
    monkeypatch: pytest.MonkeyPatch
    controllers: Sequence[Database]
    consumers: Sequence[Consumer]
    _owner: psycopg.Connection[dict[str, Any]] | None = None

    @property
    def owner(self) -> psycopg.Connection[dict[str, Any]]:
        if self._owner is None or self._owner.closed or self._owner.broken:
            self._owner = psycopg.connect(
                self.world.schema.owner_dsn, row_factory=dict_row, autocommit=True
            )
        return self._owner

    def close(self) -> None:
        self.close_owner()
        for database in (*self.controllers, *(one.database for one in self.consumers)):
            database.close()

    def close_owner(self) -> None:
        if self._owner is not None:
            self._owner.close()

    def restart_postgres(self) -> None:
        self.close_owner()
        self.postgres.stop()
        self.postgres.start()

    def kill_postgres(self) -> None:
        self.close_owner()
        assert self.postgres.process is not None
        kill_with_children(self.postgres.process)

    def cut_connections(self) -> None:
        self.owner.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    def restart_valkey(self) -> None:
        self.valkey.stop()
        self.valkey.start()


@dataclass(slots=True)
class Street:
    """What one example of a test plays with. Clocks of its parts are off by whole minutes."""

    servers: Servers
    tenant: Tenant
    campaign_id: str
    advertiser_id: str
    line_items: Sequence[str]
    flat: str
    """A line item at a flat rate, which no break finds: `money.py` has its ads shown."""
    placements: Sequence[str]
    placement_ids: Sequence[PlacementId]
    skews: dict[str, int]
    minute: float = 0.0
    queue: Queue = field(default_factory=Queue)
    ads: list[Ad] = field(default_factory=list)
    spent: Counter[tuple[str, int]] = field(default_factory=Counter)
    """By line item and bucket, what decisions took from it."""
    decided: dict[tuple[str, str, str], tuple[int, ...]] = field(default_factory=dict)
    """By hour, placement and line item: requests, room, no-fills and ads."""
    plans: Sequence[Plan] = field(default_factory=lambda: (Plan(), Plan()))
    controllers: list[GrantTokens] = field(default_factory=list)

    @classmethod
    def open(cls, servers: Servers, skews: dict[str, int]) -> "Street":
        """Nobody else may spend; nothing is granted, nothing is published."""
        owner, world = servers.owner, servers.world
        owner.execute("UPDATE campaigns SET status = 'paused' WHERE status = 'active'")
        owner.execute("DELETE FROM token_buckets")
        servers.client.flushall()
        servers.ad_server.restart()
        tenant = world.a_tenant()
        campaign = world.a_serving_campaign(
            tenant, a_campaign_draft(budget_micros=BUDGET_MICROS, advertiser_id=None)
        )
        first = str(campaign.line_items[0].line_item_id)
        owner.execute("UPDATE line_items SET pacing = 'asap' WHERE line_item_id = %s", (first,))
        others = [
            (new_id(), "cpm", PRICE_MICROS * 1000, OWN_BUDGET_MICROS, DAILY_MICROS),
            (new_id(), "cpcv", VIEW_PRICE_MICROS, None, None),
        ]
        for terms in others:
            owner.execute(_ADD_LINE_ITEM, (*terms, campaign.campaign_id))
            film = world.a_ready_creative(tenant, campaign.campaign_id)
            owner.execute(_ASSIGN, (film.creative_id, terms[0]))
        flat = new_id()
        owner.execute(_ADD_LINE_ITEM, (flat, "flat", FLAT_MICROS, None, None, campaign.campaign_id))
        owner.execute(_FILM_OF_ITS_OWN, (campaign.campaign_id,))
        midroll_id, midroll = new_id(), f"midroll-{tenant.placement_key}"
        owner.execute(_ADD_PLACEMENT, (midroll_id, tenant.organization_id, midroll))
        owner.execute(_HERE_ONLY, (midroll_id, others[1][0]))
        owner.execute(_HERE_ONLY, (new_id(), flat))  # nowhere
        street = cls(
            servers,
            tenant,
            str(campaign.campaign_id),
            str(campaign.advertiser_id),
            [first, *(str(terms[0]) for terms in others)],
            flat,
            [tenant.placement_key, midroll],
            [PlacementId(str(tenant.placement_id)), PlacementId(midroll_id)],
            skews,
        )
        street.controllers = [street._controller(number) for number in (0, 1)]
        for plan, other in zip(street.plans, street.controllers[::-1], strict=True):
            plan.meanwhile = other
        return street

    @property
    def recount(self) -> Recount:
        return Recount(self.servers.owner, self.campaign_id, self.placement_ids)

    @property
    def collector(self) -> Collector:
        return Collector(self.queue, self.servers.monkeypatch)

    def now(self, whose: str = "") -> datetime:
        return NOON + (self.minute + self.skews.get(whose, 0)) * MINUTE

    def _controller(self, number: int) -> GrantTokens:
        plan = self.plans[number]
        ledger = PostgresTokenLedger(
            self.servers.controllers[number], reservation_lifetime=LIFETIME
        )
        store = Faulty(ValkeyTokenStore(self.servers.client), plan)
        return GrantTokens(Faulty(ledger, plan), store, lambda: self.now(f"controller {number}"))

    def publish(self) -> None:
        store = ValkeyInventoryStore(self.servers.client)
        PublishInventory(self.servers.world.source, store, lambda: self.now("controller 0"))()

    def decide(self, placement: int, ads: int) -> list[Ad]:
        """Ask for a break through the real handler, and note what it served."""
        server = self.servers.ad_server
        server.now, server.seed = self.now("decision"), len(self.ads)
        # Each break is another viewer's: nobody could see so many at once.
        viewer = f"{self.tenant.organization_id}-{len(self.ads)}"
        path = f"/api/v1/vast?placement={self.placements[placement]}&session_id={viewer}"
        if ads > 1:
            path += f"&duration_ms={ads * 15_000}&max_ads={ads}"
        found = []
        for token in dict.fromkeys(_TOKEN.findall(server.answer(path)["body"])):
            ad = Ad(token, read_token(token, KEYS), self.minute)
            assert ad.claims.line_item_id in self.line_items
            assert ad.claims.bucket
            self.spent[ad.claims.line_item_id, ad.claims.bucket] += ad.claims.price_micros
            found.append(ad)
        self.ads += found
        self._count(server.now, placement, ads, found)
        return found

    def _count(self, now: datetime, placement: int, room: int, found: Sequence[Ad]) -> None:
        """Send what was decided to be counted, as the archive does."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        here = self.placement_ids[placement]
        rows = [
            DecidedRow(
                hour=hour,
                placement_id=here,
                requests=1,
                opportunities=room,
                no_fills=int(not found),
            )
        ]
        for ad in found:
            claims = ad.claims
            rows.append(
                DecidedRow(
                    hour=hour,
                    placement_id=here,
                    country=claims.country,
                    device_type=claims.device_type,
                    line_item_id=claims.line_item_id,
                    creative_id=claims.creative_id,
                    ads_served=1,
                )
            )
        self.queue.tell(rows)
        for row in rows:
            figures = (row.requests, row.opportunities, row.no_fills, row.ads_served)
            key = (str(hour), str(here), str(row.line_item_id or NOBODY))
            known = self.decided.get(key, (0, 0, 0, 0))
            self.decided[key] = tuple(map(sum, zip(known, figures, strict=True)))

    def a_break(self, placement: int) -> Ad:
        """Return whole breaks' token, which no ad is decided for."""
        decided = Decided(
            DecisionId(new_id()),
            self.now("decision"),
            self.placement_ids[placement],
            AdRequest(self.placements[placement]),
        )
        token = SIGN.break_token(decided)
        return Ad(token, read_token(token, KEYS), self.minute)

    def says(self, statement: str, *values: object) -> None:
        """Change terms as a person does, who has the time of the street."""
        self.servers.owner.execute(statement.encode(), values)

    def held(self) -> dict[str, int]:
        """Return what decisions can spend, by line item."""
        fields: Any = self.servers.client.hgetall(tokens_key(0))
        return {
            name.decode(): int(value.partition(b":")[2])
            for name, value in fields.items()
            if name != b"v"
        }
