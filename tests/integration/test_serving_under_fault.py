"""Serving through pauses, damaged snapshots and a Valkey that dies: never an error, never too much."""

import multiprocessing
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

import pytest
import redis

from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.adapters.valkey.snapshot import CURRENT_KEY, root_key
from ctv_ads.domain.campaign import LineItemType
from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.inventory import Inventory, ServableLineItem
from local.ports import free_port
from local.valkey import ValkeyServer
from tests.builders import DAY, NOON, a_servable_line_item, an_inventory
from tests.crowds import Seen, Server, in_processes, publish, servers, watch_until

PRICE = 1_000
PLENTY = 10**9
FLIGHT: dict[str, Any] = {"starts_at": NOON - 9_000 * DAY, "ends_at": NOON + 9_000 * DAY}
ONE = "placement=preroll"


def buyer(**terms: Any) -> ServableLineItem:
    return a_servable_line_item(price_micros=PRICE, value_micros=PRICE, **FLIGHT, **terms)


def house(**terms: Any) -> ServableLineItem:
    unpaid: dict[str, Any] = {"type": LineItemType.HOUSE, "priority": 16, "needs_tokens": False}
    return a_servable_line_item(price_micros=0, **unpaid, **FLIGHT, **terms)


BUYER, HOUSE = buyer(), house()


class Published:
    """What is on sale, published anew each time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._turn = 0
        self._placements = an_inventory()

    def put_up(self, *line_items: ServableLineItem, tokens_micros: int = PLENTY) -> Inventory:
        self._turn += 1
        (organization_id,) = self._placements.line_items
        inventory = replace(
            self._placements,
            built_at=NOON + self._turn * DAY,
            line_items={organization_id: line_items},
        )
        publish(self._url, inventory, tokens_micros=tokens_micros, bucket=self._turn)
        return inventory


@pytest.fixture
def valkey(valkey_server: ValkeyServer) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey_server.url) as client:
        client.flushall()
        yield client


@pytest.fixture
def on_sale(valkey: redis.Redis, valkey_server: ValkeyServer) -> Published:
    return Published(valkey_server.url)


def names(seen: Seen) -> list[LineItemId]:
    return [line_item for line_item, _ in seen.ads]


@pytest.mark.parametrize("paused", [BUYER, HOUSE], ids=["for tokens", "house"])
def test_a_pause_holds_from_the_very_next_request_of_every_server(
    paused: ServableLineItem, on_sale: Published, valkey_server: ValkeyServer
) -> None:
    on_sale.put_up(paused)
    with servers(valkey_server.url, 4) as running:
        assert [names(one.ask(ONE)) for one in running] == [[paused.line_item_id]] * 4
        on_sale.put_up()
        assert [names(one.ask(ONE)) for one in running] == [[]] * 4
        on_sale.put_up(paused)
        assert [names(one.ask(ONE)) for one in running] == [[paused.line_item_id]] * 4


def test_a_start_is_noticed_by_servers_that_had_nothing_to_offer(
    on_sale: Published, valkey_server: ValkeyServer
) -> None:
    on_sale.put_up()
    with servers(valkey_server.url, 3) as running:
        assert [one.ask(ONE).no_fill_reason for one in running] == ["no_line_item"] * 3
        on_sale.put_up(BUYER)
        assert [names(one.ask(ONE)) for one in running] == [[BUYER.line_item_id]] * 3


def test_a_new_placement_is_noticed_by_servers_that_did_not_know_it(
    on_sale: Published, valkey_server: ValkeyServer
) -> None:
    made = on_sale.put_up(BUYER)
    with servers(valkey_server.url, 2) as running:
        asked = [one.ask("placement=new") for one in running]
        assert [one.no_fill_reason for one in asked] == ["unknown_placement"] * 2
        placement = made.placements["preroll"]
        more = {**made.placements, "new": placement}
        changed = replace(made, placements=more, built_at=made.built_at + DAY)
        publish(valkey_server.url, changed, tokens_micros=PLENTY)
        assert [names(one.ask("placement=new")) for one in running] == [[BUYER.line_item_id]] * 2


Damage = Callable[[bytes], bytes | None]
DAMAGES: dict[str, Damage] = {
    "is missing": lambda _: None,
    "is empty": lambda _: b"",
    "is cut": lambda document: document[: len(document) // 2],
    "has a bit turned": lambda document: bytes([document[0] ^ 1]) + document[1:],
    "has a bit turned at its end": lambda document: document[:-1] + bytes([document[-1] ^ 1]),
    "is something else": lambda _: b"{}",
}


@pytest.mark.parametrize("part", ["root", "segment"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_snapshot_is_refused_and_the_last_good_one_serves_on(
    part: str,
    damage: Damage,
    valkey: redis.Redis,
    on_sale: Published,
    valkey_server: ValkeyServer,
) -> None:
    on_sale.put_up(BUYER)
    with servers(valkey_server.url, 2) as (old, new):
        assert names(old.ask(ONE)) == [BUYER.line_item_id]
        known: set[bytes] = set(valkey.scan_iter())
        on_sale.put_up(buyer())
        _damage(valkey, part, damage, known)
        for _ in range(3):
            assert names(old.ask(ONE)) == [BUYER.line_item_id]
        fresh = new.ask(ONE)
        assert (fresh.status, fresh.no_fill_reason) == (200, "inventory_unavailable")
        # What is damaged is not fetched again for some seconds; what is newer is, at once.
        other = buyer()
        on_sale.put_up(other)
        assert [names(one.ask(ONE)) for one in (old, new)] == [[other.line_item_id]] * 2


def _damage(valkey: redis.Redis, part: str, damage: Damage, known: set[bytes]) -> None:
    current: Any = valkey.get(CURRENT_KEY)
    root = root_key(current.decode()).encode()
    documents = [key for key in valkey.scan_iter() if b"segment" in key and key not in known]
    for key in [root] if part == "root" else documents:
        whole: Any = valkey.get(key)
        damaged = damage(whole)
        if damaged is None:
            valkey.delete(key)
        else:
            valkey.set(key, damaged)
    assert documents, "there is a segment to be damaged"


SERVERS = 3
GRANTED = 300 * PRICE


def test_a_valkey_that_dies_under_load_costs_no_error_and_no_money() -> None:
    context = multiprocessing.get_context("spawn")
    has_begun, is_over = context.Semaphore(0), context.Event()
    valkey = ValkeyServer(free_port())
    valkey.start()
    try:
        on_sale = Published(valkey.url)
        on_sale.put_up(BUYER, HOUSE, tokens_micros=GRANTED)
        crowd = in_processes(watch_until, [(valkey.url, ONE, has_begun, is_over)] * SERVERS)
        assert all(has_begun.acquire(timeout=60) for _ in range(SERVERS))
        _wait_for_spending(valkey.url, below=GRANTED)
        _kill(valkey)
        time.sleep(0.3)
        valkey.start()
        time.sleep(0.3)  # empty: nothing published, no tokens, and not even the function
        after = buyer()
        on_sale.put_up(after, HOUSE, tokens_micros=GRANTED)
        _wait_for_spending(valkey.url, below=GRANTED // 2)
        time.sleep(0.3)
        is_over.set()
        seen = crowd.answers()
    finally:
        is_over.set()
        valkey.stop()
    assert {one.status for one in seen} == {200}
    views = Counter(chain(*map(names, seen)))
    assert 0 < views[BUYER.line_item_id] * PRICE <= GRANTED
    assert GRANTED // 2 < views[after.line_item_id] * PRICE <= GRANTED
    assert views[HOUSE.line_item_id] > 0, "house ads need no Valkey"
    assert {one.no_fill_reason for one in seen if not one.ads} <= {"no_tokens"}


def _kill(valkey: ValkeyServer) -> None:
    assert valkey.process is not None
    valkey.process.send_signal(signal.SIGKILL)
    valkey.process.wait()


def _wait_for_spending(url: str, *, below: int) -> None:
    """Return once some line item has less than that left."""
    until = time.monotonic() + 30
    with redis.Redis.from_url(url) as client:
        while time.monotonic() < until:
            held: Any = client.hgetall("tok:{s0}")
            left = [int(one.partition(b":")[2]) for name, one in held.items() if name != b"v"]
            if min(left, default=below) < below:
                return
            time.sleep(0.01)
    raise AssertionError("nobody served")


def test_servers_that_never_had_an_inventory_answer_without_an_ad() -> None:
    with RespConnection(f"redis://127.0.0.1:{free_port()}/0", timeout_ms=50) as nowhere:
        seen = Server(nowhere).ask(ONE)
    assert (seen.status, seen.ads, seen.no_fill_reason) == (200, (), "inventory_unavailable")
