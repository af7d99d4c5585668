"""How long several servers under load go on showing a line item after its pause is published."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event, Semaphore

import redis

from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.decision_notes import encode_note
from ctv_ads.adapters.valkey.inventory_reader import ValkeySnapshotReader
from ctv_ads.adapters.valkey.inventory_store import ValkeyInventoryStore
from ctv_ads.adapters.valkey.pod_filler import ValkeyPodFiller
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.adapters.valkey.snapshot import tokens_key
from ctv_ads.domain.ad_request import AdRequest
from ctv_ads.domain.decision_record import AnswerForm
from ctv_ads.domain.inventory import Inventory
from ctv_ads.use_cases.serve_pod import Question
from local.bench.serving import server_on
from local.bench.targeted import targeted_inventory

SERVERS = 3
_TURN_S = 0.1
_BEGIN_WITHIN_S = 60
_TIMEOUT_MS = 2_000


def measure_pauses(valkey_url: str, *, line_items: int, rounds: int) -> dict[str, float]:
    """Return how many ms after a publication began the last ad was answered, of each server."""
    on_air, paused, name = _inventories(line_items)
    context = get_context("spawn")
    has_begun, is_over, results = context.Semaphore(0), context.Event(), context.Queue()
    with redis.Redis.from_url(valkey_url) as client:
        client.flushall()
        client.hset(tokens_key(0), name, "1:1000000000000")
        store = ValkeyInventoryStore(client)
        store.publish(replace(on_air, built_at=utc_now()))
        arguments = (valkey_url, next(iter(on_air.placements)), name, has_begun, is_over, results)
        servers = [
            context.Process(target=_serve, args=arguments, daemon=True) for _ in range(SERVERS)
        ]
        for server in servers:
            server.start()
        if not all(has_begun.acquire(timeout=_BEGIN_WITHIN_S) for _ in servers):
            raise RuntimeError("a server shows nothing: the bench measures a failure")
        cycles = [_cycle(store, on_air, paused) for _ in range(rounds)]
        is_over.set()
        shown = [results.get() for _ in servers]
    for server in servers:
        server.join()
    late_ms = sorted(_late_ms(times, cycle) for times in shown for cycle in cycles)
    return {
        "samples": len(late_ms),
        "p50_ms": late_ms[len(late_ms) // 2],
        "p99_ms": late_ms[len(late_ms) * 99 // 100],
    }


def _cycle(
    store: ValkeyInventoryStore, on_air: Inventory, paused: Inventory
) -> tuple[float, float]:
    """Pause and go on again; return when each began to be published."""
    began = time.time()
    store.publish(replace(paused, built_at=utc_now()))
    time.sleep(_TURN_S)
    ended = time.time()
    store.publish(replace(on_air, built_at=utc_now()))
    time.sleep(_TURN_S)
    return began, ended


def _late_ms(times: Sequence[float], cycle: tuple[float, float]) -> float:
    began, ended = cycle
    last = max((at for at in times if began <= at < ended), default=began)
    return round((last - began) * 1000, 1)


def _serve(
    url: str,
    placement: str,
    name: str,
    has_begun: Semaphore,
    is_over: Event,
    results: "Queue[list[float]]",
) -> None:
    """Ask until it is over; tell when each answer that showed the line item was there."""
    with RespConnection(url, timeout_ms=_TIMEOUT_MS) as connection:
        reader = ValkeySnapshotReader(connection)
        serve = server_on(reader, ValkeyPodFiller(connection), encode_note)
        asked = Question(placement, lambda _: AdRequest(placement), AnswerForm.VAST, "http://bench")
        times: list[float] = []
        while not is_over.is_set():
            ads = serve(asked).ads
            if any(ad.line_item.line_item_id == name for ad in ads):
                if not times:
                    has_begun.release()
                times.append(time.time())
    results.put(times)


def _inventories(line_items: int) -> tuple[Inventory, Inventory, str]:
    """Return one where a line item goes before all others, one without it, and its id."""
    whole = targeted_inventory(line_items)
    (key, items), *_ = whole.line_items.items()
    first = replace(
        items[0],
        priority=1,
        starts_at=whole.built_at - timedelta(days=1),
        targeting={},
        frequency_caps=(),
    )
    others = items[1:]
    on_air = replace(whole, line_items={**whole.line_items, key: (first, *others)})
    return on_air, replace(whole, line_items={**whole.line_items, key: others}), first.line_item_id
