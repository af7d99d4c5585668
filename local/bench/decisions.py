"""The ad request: event in, answer out, against floors and the origin taken in the same run."""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain, cycle
from typing import Any, cast

import redis

from ctv_ads.adapters.decision_notes import encode_note
from ctv_ads.adapters.valkey.inventory_reader import ValkeySnapshotReader
from ctv_ads.adapters.valkey.inventory_store import ValkeyInventoryStore
from ctv_ads.adapters.valkey.pod_filler import ValkeyPodFiller, library
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.adapters.valkey.snapshot import tokens_key
from ctv_ads.domain.decision_record import DecisionNote
from ctv_ads.domain.inventory import Inventory
from ctv_ads.use_cases.serve_pod import ServePod
from functions.ad_request import asking, handler
from local.bench.measuring import Figures, measure
from local.bench.memory import Footprint, measure_memory
from local.bench.origin import fill_origin, serve_as_the_origin
from local.bench.serving import TIMEOUT_MS, be_the_function, server_on, valkey_cpu_us
from local.bench.targeted import COUNTRIES, events, targeted_inventory

FLOOR = "echo + constant VAST, 4 ads"
ONE_AD, FOUR_ADS = "ad request, 1 ad", "ad request, pod of 4"
UNEXPLAINED = "the same without its record"
JSON_FLOOR, JSON_FOUR_ADS = "floor, JSON in and out", "pod of 4, JSON in and out"
"""As the runtime calls: an event comes as text and an answer goes as text."""
_ORIGIN = "the origin's algorithm"
_REQUESTS = 2_000
_GRANTED_MICROS = 10**13
_ORIGIN_CALLS_UP_TO = 10_000


@dataclass(frozen=True, slots=True)
class Measured:
    """What one size of inventory costs."""

    figures: dict[str, Figures]
    compile_s: float
    footprint: Footprint
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
        footprint = measure_memory(valkey_url)
        be_the_function(valkey_url)
        with RespConnection(valkey_url, timeout_ms=TIMEOUT_MS) as connection:
            reader = ValkeySnapshotReader(connection)
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
            spent_us = partial(valkey_cpu_us, raw)
            figures = measure(candidates, calls=calls, server_cpu_us=spent_us) | figures
            return Measured(figures, compile_s, footprint, ads())


def measure_flatness(valkey_urls: Mapping[int, str], *, calls: int) -> dict[int, Figures]:
    """Return what a pod of four costs with each number of line items, each in a Valkey of its own.

    They take turns, so that a slow moment of the machine is none of one inventory's.
    """
    with ExitStack() as open_until_then:
        asked: dict[str, Callable[[], object]] = {}
        for line_items, url in valkey_urls.items():
            with redis.Redis.from_url(url) as raw:
                _publish(raw, targeted_inventory(line_items))
            be_the_function(url)
            connection = RespConnection(url, timeout_ms=TIMEOUT_MS)
            open_until_then.enter_context(connection)
            candidates, _ = _candidates(ValkeySnapshotReader(connection), connection)
            asked[str(line_items)] = candidates[FOUR_ADS]
        figures = measure(asked, calls=calls)
    return {int(name): found for name, found in figures.items()}


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


def _candidates(
    reader: ValkeySnapshotReader, connection: RespConnection
) -> tuple[dict[str, Callable[[], object]], Callable[[], float]]:
    filler = ValkeyPodFiller(connection)
    explained = server_on(reader, filler, encode_note)

    def asking_with(server: ServePod, asked: Sequence[dict[str, Any]]) -> Callable[[], Any]:
        following = cycle(asked)

        def ask() -> Any:  # noqa: ANN401 - an answer of API Gateway
            vars(asking).update(ad_server=lambda: server)
            return handler.lambda_handler(next(following), None)

        return ask

    pods = events(_REQUESTS, duration_ms=120_000, max_ads=4)
    ask_four = asking_with(explained, pods)
    constant = ask_four()
    counted = [ask_four()["body"].count("<Ad ") for _ in range(100)]

    def echo_and_constant_vast() -> object:
        connection.call("ECHO", "x")
        return dict(constant)

    texts = cycle([json.dumps(event) for event in pods])

    def echo_with_json() -> object:
        json.loads(next(texts))
        return json.dumps(echo_and_constant_vast())

    def ask_with_json() -> object:
        vars(asking).update(ad_server=lambda: explained)
        return json.dumps(handler.lambda_handler(json.loads(next(texts)), None))

    return {
        "empty handler": lambda: dict(constant),
        "one Valkey echo": lambda: connection.call("ECHO", "x"),
        FLOOR: echo_and_constant_vast,
        ONE_AD: asking_with(explained, events(_REQUESTS)),
        FOUR_ADS: ask_four,
        UNEXPLAINED: asking_with(_unexplained(reader, connection), pods),
        JSON_FLOOR: echo_with_json,
        JSON_FOUR_ADS: ask_with_json,
    }, lambda: sum(counted) / len(counted)


class _Unexplained(ServePod):
    """Makes no note of what it decides."""

    __slots__ = ()

    def _note(self, *_: object) -> DecisionNote:
        return _NO_NOTE


_NO_NOTE = cast("DecisionNote", None)


def _unexplained(reader: ValkeySnapshotReader, connection: RespConnection) -> ServePod:
    """Return a server that leaves no record: neither made, nor sent, nor kept."""
    filler = ValkeyPodFiller(connection)
    name, code = library()
    other = f"{name}_bare"
    kept = re.sub(r"(?m)^  ask\('XADD'.*$", "", code.replace(name, other))
    if kept == code.replace(name, other):
        raise RuntimeError("the function keeps its records in a way that this bench does not know")
    vars(filler).update(_function=other, _code=kept)
    return server_on(reader, filler, lambda _: b"", kind=_Unexplained)
