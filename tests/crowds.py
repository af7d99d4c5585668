"""Ad servers in processes of their own, one Valkey, and viewers who are few: for races."""

import multiprocessing
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from random import Random
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
from ctv_ads.domain.beacon_token import read_token
from ctv_ads.domain.ids import CreativeId, LineItemId
from ctv_ads.domain.inventory import Inventory
from ctv_ads.use_cases.serve_pod import ServePod
from functions.ad_request import asking, breaks, handler
from tests.builders import KEYS, NOON
from tests.functions.recorded import api_event
from tests.serving import BASE_URL, DOOR, SIGN

_IMPRESSION = re.compile(r"/t/impression/([A-Za-z0-9_-]+)")


class _Settings:
    public_base_url = BASE_URL


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer: when, to whom, and which creatives of which line items, in play order."""

    at_s: int
    viewer: int
    status: int
    decision_id: str
    ads: tuple[tuple[LineItemId, CreativeId], ...]
    no_fill_reason: str | None = None


class Server:
    """An ad server with a connection of its own, asked through the real handler."""

    def __init__(self, connection: RespConnection, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self.serve = ServePod(
            inventory=ValkeySnapshotReader(connection),
            filler=ValkeyPodFiller(connection),
            encode_note=encode_note,
            sign=SIGN,
            clock=clock,
            new_id=new_id,
            new_seed=lambda: 1,
        )

    def ask(self, query: str, viewer: int = 0) -> Seen:
        """Return what `query` is answered."""
        for module in (asking, breaks):
            vars(module).update(ad_server=lambda: self.serve)
        vars(asking).update(front_door=lambda: DOOR)
        vars(handler).update(ad_server_settings=_Settings)
        at_s = int(self._clock().timestamp())
        answer = handler.lambda_handler(api_event("GET", f"/api/v1/vast?{query}"), None)
        claims = [read_token(token, KEYS) for token in _IMPRESSION.findall(answer["body"])]
        return Seen(
            at_s,
            viewer,
            answer["statusCode"],
            answer["headers"]["x-decision-id"],
            tuple((one.line_item_id, one.creative_id) for one in claims),
            answer["headers"].get("x-no-fill-reason"),
        )


@contextmanager
def servers(url: str, count: int) -> Iterator[list[Server]]:
    """So many servers, each with a connection of its own."""
    connections = [RespConnection(url, timeout_ms=5_000) for _ in range(count)]
    try:
        yield [Server(connection) for connection in connections]
    finally:
        for connection in connections:
            connection.close()


def publish(url: str, inventory: Inventory, *, tokens_micros: int, bucket: int = 1) -> None:
    """Publish, and grant every line item that many tokens."""
    with redis.Redis.from_url(url) as client:
        for line_item in chain(*inventory.line_items.values()):
            client.hset(tokens_key(0), line_item.line_item_id, f"{bucket}:{tokens_micros}")
        ValkeyInventoryStore(client).publish(inventory)


def in_processes(work: Callable[..., None], arguments: Sequence[tuple[Any, ...]]) -> "Crowd":
    """Start `work(*arguments, results)` in a process for each of `arguments`."""
    processes = multiprocessing.get_context("spawn")
    results: Any = processes.Queue()
    started = [processes.Process(target=work, args=(*each, results)) for each in arguments]
    for process in started:
        process.start()
    return Crowd(started, results)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Processes at work."""

    processes: Sequence[Any]
    results: Any

    def answers(self) -> list[Any]:
        """Wait for all of them and return what they put, such as `Seen`, one after another."""
        found = [self.results.get(timeout=120) for _ in self.processes]
        for process in self.processes:
            process.join(timeout=30)
        assert [process.exitcode for process in self.processes] == [0] * len(self.processes)
        return list(chain(*found))


def most_in_window(views: Mapping[Any, Sequence[int]], window_s: int) -> int:
    """The most views by one key in any window, by the clocks of those who showed them."""
    return max(
        sum(start <= at <= start + window_s for at in times)
        for times in views.values()
        for start in times
    )


def watch(url: str, seed: int, query: str, requests: int, viewers: int, results: Any) -> None:
    """Ask `requests` times, as any of a few viewers; time moves on, and clocks disagree."""
    chance = Random(seed)  # noqa: S311 - repeatable viewers
    now = NOON
    with RespConnection(url, timeout_ms=5_000) as connection:
        server = Server(connection, lambda: now)
        seen = []
        for number in range(requests):
            now = NOON + timedelta(seconds=8 * number + chance.randrange(60))
            viewer = chance.randrange(viewers)
            # Two devices to a household.
            who = f"ifa=device-{viewer}&session_id=session-{viewer}&ip=192.0.2.{viewer // 2}"
            seen.append(server.ask(f"{query}&{who}", viewer))
    results.put(seen)


def watch_until(url: str, query: str, has_begun: Any, is_over: Any, results: Any) -> None:
    """Ask until it is over, by the real clock and with the deadline of production."""
    with RespConnection(url, timeout_ms=50) as connection:
        server, seen = Server(connection), []
        while not server.ask(query).ads:
            pass
        has_begun.release()
        while not is_over.wait(0.002):
            seen.append(server.ask(query))
    results.put(seen)
