"""The two planes around one Valkey: what is published by one, the other serves."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

import redis

from ctv_ads.adapters.decision_notes import encode_note
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.valkey.inventory_reader import ValkeySnapshotReader
from ctv_ads.adapters.valkey.inventory_store import ValkeyInventoryStore
from ctv_ads.adapters.valkey.pod_filler import ValkeyPodFiller, library
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.adapters.valkey.snapshot import tokens_key
from ctv_ads.domain.inventory import ServableLineItem
from ctv_ads.use_cases.publish_inventory import PublishInventory
from ctv_ads.use_cases.serve_pod import PodDecision, ServePod
from tests.builders import NOON, Tenant
from tests.serving import SIGN, question
from tests.worlds import World


@dataclass(slots=True)
class Planes:
    """Publisher and ad server around one Valkey."""

    world: World
    valkey: redis.Redis
    reader: ValkeySnapshotReader
    filler: ValkeyPodFiller
    uptime_s: list[float]
    now: datetime = NOON

    @classmethod
    def around(cls, world: World, client: redis.Redis, connection: RespConnection) -> "Planes":
        uptime_s = [0.0]
        reader = ValkeySnapshotReader(connection, clock_s=lambda: uptime_s[0])
        return cls(world, client, reader, ValkeyPodFiller(connection), uptime_s)

    def calls_of(self, tenant: Tenant) -> tuple[int, int]:
        """Ask, have an ad, and return how often Valkey was read and asked to fill a pod."""
        self.valkey.config_resetstat()
        assert len(self.ask(tenant).ads) == 1
        stats = self.valkey.info("commandstats")
        return tuple(
            stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("get", "fcall")
        )

    def publish(self) -> str:
        self.now += timedelta(seconds=1)
        store = ValkeyInventoryStore(self.valkey)
        version = PublishInventory(self.world.source, store, lambda: self.now)()
        for line_item in self._servable():
            self.valkey.hset(tokens_key(0), line_item.line_item_id, "1:1000000")
        return version

    def ask(self, tenant: Tenant) -> PodDecision:
        serve = ServePod(
            inventory=self.reader,
            filler=self.filler,
            encode_note=encode_note,
            sign=SIGN,
            clock=lambda: self.now,
            new_id=new_id,
            new_seed=lambda: 0,
        )
        return serve(question(tenant.placement_key))

    def _servable(self) -> Iterable[ServableLineItem]:
        return chain(*self.world.source.load(now=self.now).line_items.values())


@contextmanager
def planes_around(world: World, valkey_url: str) -> Iterator[Planes]:
    with (
        redis.Redis.from_url(valkey_url) as client,
        RespConnection(valkey_url, timeout_ms=1000) as connection,
    ):
        client.flushall()
        client.function_load(library()[1], replace=True)  # else the first ask would do it
        yield Planes.around(world, client, connection)
