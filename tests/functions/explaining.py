"""An ad server on a real Valkey, and what is asked about its decisions."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

import pytest
import redis

from ctv_ads.adapters.decision_notes import encode_note
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.line_item_delivery import PostgresDeliveryStandings
from ctv_ads.adapters.postgres.unpublished_line_items import PostgresUnpublishedLineItems
from ctv_ads.adapters.valkey.decision_records import ValkeyDecisionRecords
from ctv_ads.adapters.valkey.held_decisions import ValkeyHeldDecisions
from ctv_ads.adapters.valkey.inventory_history import ValkeyInventoryHistory
from ctv_ads.adapters.valkey.inventory_reader import ValkeySnapshotReader
from ctv_ads.adapters.valkey.inventory_store import ValkeyInventoryStore
from ctv_ads.adapters.valkey.pod_filler import ValkeyPodFiller
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.adapters.valkey.snapshot import tokens_key
from ctv_ads.domain.access import Caller
from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.inventory import Inventory
from ctv_ads.domain.reasons import Reason
from ctv_ads.errors import NotFoundError
from ctv_ads.ports.base import Clock
from ctv_ads.ports.decisions import Unpublished, UnpublishedLineItems
from ctv_ads.use_cases.check_delivery import CheckDelivery
from ctv_ads.use_cases.explain_decisions import ExplainDecisions
from ctv_ads.use_cases.serve_pod import ServePod
from ctv_ads.use_cases.supposed_request import Supposing
from ctv_ads.web.keys import session_key
from functions.ad_request import asking, breaks, handler
from tests.builders import KEYS, NOON
from tests.functions.recorded import Event, api_event
from tests.serving import BASE_URL, DOOR, SIGN
from tests.worlds import World


class AllPublished:
    """Of organizations whose line items are all in their inventory."""

    def by_reason(self, caller: Caller) -> Mapping[Reason, Unpublished]:
        return {}

    def why(self, caller: Caller, line_item_id: LineItemId) -> Reason:
        raise NotFoundError(f"{line_item_id} is nobody's")


def explaining_by(
    connection: RespConnection, world: World | None = None, clock: Clock = lambda: NOON
) -> ExplainDecisions:
    unpublished: UnpublishedLineItems = AllPublished()
    if world is not None:
        unpublished = PostgresUnpublishedLineItems(world.api, clock)
    return ExplainDecisions(
        records=ValkeyDecisionRecords(connection),
        history=ValkeyInventoryHistory(connection),
        keys=KEYS,
        supposing=Supposing(DOOR.privacy, session_keys),
        unpublished=unpublished,
    )


def session_keys(organization_id: str, session_id: str) -> tuple[str, ...]:
    return (session_key(DOOR.key, organization_id, session_id),)


def checking_by(world: World, connection: RespConnection, clock: Clock) -> CheckDelivery:
    return CheckDelivery(
        stores=world.stores,
        standings=PostgresDeliveryStandings(world.api),
        records=ValkeyDecisionRecords(connection),
        inventory=ValkeySnapshotReader(connection),
        clock=clock,
    )


class Settings:
    public_base_url = BASE_URL


@dataclass(slots=True)
class Server:
    """Publishes, grants, and answers ad requests through the real handler."""

    client: redis.Redis
    connection: RespConnection
    monkeypatch: pytest.MonkeyPatch
    now: datetime = NOON
    seed: int = 0
    serve: ServePod = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget what the process has learned."""
        self.serve = ServePod(
            inventory=ValkeySnapshotReader(self.connection),
            filler=ValkeyPodFiller(self.connection),
            encode_note=encode_note,
            sign=SIGN,
            clock=lambda: self.now,
            new_id=new_id,
            new_seed=lambda: self.seed,
            held=ValkeyHeldDecisions(self.connection, records_kept=1000, most=200),
        )
        for module in (asking, breaks):
            self.monkeypatch.setattr(module, "ad_server", lambda: self.serve)
        self.monkeypatch.setattr(asking, "front_door", lambda: DOOR)
        self.monkeypatch.setattr(handler, "ad_server_settings", Settings)

    def publish(self, inventory: Inventory, *, tokens_micros: int = 10**9) -> None:
        ValkeyInventoryStore(self.client).publish(inventory)
        for line_item in chain(*inventory.line_items.values()):
            self.client.hset(tokens_key(0), line_item.line_item_id, f"1:{tokens_micros}")

    def grant(self, line_item_id: str, micros: int) -> None:
        self.client.hset(tokens_key(0), line_item_id, f"1:{micros}")

    def answer(self, path: str, **body: object) -> Mapping[str, str]:
        """Return the body and, lower-case, the headers of an answer."""
        event: Event = api_event("POST" if body else "GET", path, body=body or None)
        response = handler.lambda_handler(event, object())
        assert response["statusCode"] == 200
        return {**response["headers"], "body": response["body"]}


@contextmanager
def a_server(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with (
        redis.Redis.from_url(url) as client,
        RespConnection(url, timeout_ms=5000) as connection,
    ):
        client.flushall()
        yield Server(client, connection, monkeypatch)
