"""The ad request: event in, answer out, against floors and the origin taken in the same run."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, cycle
from pathlib import Path
from typing import Any

import redis

from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.decision_notes import encode_note
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.valkey.inventory_reader import ValkeySnapshotReader
from ctv_ads.adapters.valkey.inventory_store import ValkeyInventoryStore
from ctv_ads.adapters.valkey.pod_filler import ValkeyPodFiller
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.adapters.valkey.snapshot import tokens_key
from ctv_ads.bootstrap.decision_plane import new_seed
from ctv_ads.domain.beacon_token import TokenKeys
from ctv_ads.domain.decision_record import DecisionNote
from ctv_ads.domain.inventory import Inventory
from ctv_ads.settings import AdServerSettings
from ctv_ads.use_cases.serve_pod import ServePod
from ctv_ads.use_cases.sign_ads import SignAds
from ctv_ads.web.door import Door
from functions.ad_request import asking, handler
from local.bench.measuring import Figures, measure
from local.bench.origin import fill_origin, serve_as_the_origin
from local.bench.targeted import COUNTRIES, events, targeted_inventory

FLOOR = "echo + constant VAST, 4 ads"
ONE_AD, FOUR_ADS = "ad request, 1 ad", "ad request, pod of 4"
UNEXPLAINED = "the same without its record"
_ORIGIN = "the origin's algorithm"
_TIMEOUT_MS = 2000
_REQUESTS = 2_000
_GRANTED_MICROS = 10**13
_ORIGIN_CALLS_UP_TO = 10_000
_DOOR = Door(key=b"the key of a bench, of 32 bytes.")


@dataclass(frozen=True, slots=True)
class Measured:
    """What one size of inventory costs."""

    figures: dict[str, Figures]
    compile_s: float
    load_ms: float
    memory_mib: float
    """What this process has grown by with the snapshot loaded and used."""
    ads: float
    """Mean number of ads in the pods."""


def measure_decisions(valkey_url: str, *, line_items: int, calls: int) -> Measured:
    """Return figures of the handler and of its floors with that many line items published."""
    inventory = targeted_inventory(line_items)
    with (
        redis.Redis.from_url(valkey_url) as raw,
        redis.Redis.from_url(valkey_url, decode_responses=True) as client,
    ):
        raw.flushall()
        compile_s = _publish(raw, inventory)
        if line_items <= _ORIGIN_CALLS_UP_TO:
            fill_origin(client, line_items)
        settings = AdServerSettings(
            valkey_url=valkey_url,
            beacon_secret_id="-",  # noqa: S106 - not read: the keys are given below
            public_base_url="http://localhost:3000",
        )
        with RespConnection(valkey_url, timeout_ms=_TIMEOUT_MS) as connection:
            before_mib = _resident_mib()
            reader = ValkeySnapshotReader(connection)
            load_ms = _loaded_ms(reader, inventory)
            vars(handler).update(ad_server_settings=lambda: settings)
            vars(asking).update(front_door=lambda: _DOOR)
            candidates, ads = _candidates(reader, connection)
            if line_items <= _ORIGIN_CALLS_UP_TO:
                countries = cycle(COUNTRIES)
                origin_calls = max(1, 20_000 // line_items)
                figures = measure(
                    {_ORIGIN: lambda: serve_as_the_origin(client, next(countries))},
                    calls=min(calls, origin_calls),
                )
            else:
                figures = {}
            figures = measure(candidates, calls=calls) | figures
            return Measured(
                figures, compile_s, load_ms, round(_resident_mib() - before_mib, 1), ads()
            )


def _publish(client: redis.Redis, inventory: Inventory) -> float:
    items = list(chain(*inventory.line_items.values()))
    for first in range(0, len(items), 1000):
        mapping = {
            item.line_item_id: f"1:{_GRANTED_MICROS}" for item in items[first : first + 1000]
        }
        client.hset(tokens_key(0), mapping=mapping)  # type: ignore[arg-type]
    started = time.perf_counter()
    ValkeyInventoryStore(client).publish(inventory)
    return round(time.perf_counter() - started, 3)


def _loaded_ms(reader: ValkeySnapshotReader, inventory: Inventory) -> float:
    started = time.perf_counter()
    reader.current()
    for organization in inventory.line_items:
        reader.line_items(organization)
    return round((time.perf_counter() - started) * 1000, 1)


def _candidates(
    reader: ValkeySnapshotReader, connection: RespConnection
) -> tuple[dict[str, Callable[[], object]], Callable[[], float]]:
    filler = ValkeyPodFiller(connection)
    servers = {
        True: server_on(reader, filler, encode_note),
        False: server_on(reader, filler, _no_note),
    }

    def asking_with(server: ServePod, asked: Sequence[dict[str, Any]]) -> Callable[[], Any]:
        following = cycle(asked)

        def ask() -> Any:  # noqa: ANN401 - an answer of API Gateway
            vars(asking).update(ad_server=lambda: server)
            return handler.lambda_handler(next(following), None)

        return ask

    pods = events(_REQUESTS, duration_ms=120_000, max_ads=4)
    ask_four = asking_with(servers[True], pods)
    constant = ask_four()
    counted = [ask_four()["body"].count("<Ad ") for _ in range(100)]

    def echo_and_constant_vast() -> object:
        connection.call("ECHO", "x")
        return dict(constant)

    return {
        "empty handler": lambda: dict(constant),
        "one Valkey echo": lambda: connection.call("ECHO", "x"),
        FLOOR: echo_and_constant_vast,
        ONE_AD: asking_with(servers[True], events(_REQUESTS)),
        FOUR_ADS: ask_four,
        UNEXPLAINED: asking_with(servers[False], pods),
    }, lambda: sum(counted) / len(counted)


def server_on(
    reader: ValkeySnapshotReader,
    filler: ValkeyPodFiller,
    encode: Callable[[DecisionNote], bytes],
) -> ServePod:
    """Return the ad server as the function has it, with settings of its own."""
    return ServePod(
        inventory=reader,
        filler=filler,
        encode_note=encode,
        sign=SignAds(
            keys=TokenKeys.from_secret({"current": "k1", "k1": "b" * 43}),
            beacon_lifetime=timedelta(days=1),
            reservation=timedelta(minutes=15),
        ),
        clock=utc_now,
        new_id=new_id,
        new_seed=new_seed,
    )


def _no_note(_: DecisionNote) -> bytes:
    return b""


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    return pages * 4096 / 2**20
