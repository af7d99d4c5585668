"""Pod fillers with what surrounds them, in Valkey and in memory; and ads by what matters."""

from datetime import datetime, timedelta
from typing import Any

import redis

from ctv_ads.adapters.memory.pod_filler import InMemoryPodFiller
from ctv_ads.adapters.valkey.pod_filler import ValkeyPodFiller, read_outcome
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.decisioning.pod_state import Grant
from ctv_ads.domain.frequency import CapKey, CapScope, FrequencyCap
from ctv_ads.domain.inventory import ServableLineItem
from ctv_ads.domain.line_item import (
    Separation,
    SeparationBy,
    SeparationExtent,
)
from ctv_ads.domain.pod import Candidate, FilledPod, PodSpec, ViewerKeys
from ctv_ads.domain.reasons import Reason
from ctv_ads.ports.decision_plane import PodFiller
from tests.builders import NOON, a_servable_creative, a_servable_line_item

MINUTE = timedelta(minutes=1)
HOUR_MS = 3_600_000
VIEWER = ViewerKeys("session", "device", "household")
BUCKET = 1_763_000_000


class Shelf:
    """A filler with what surrounds it: the version in force, tokens, and the records."""

    filler: PodFiller

    def publish(self, version: str) -> None:
        raise NotImplementedError

    def grant(self, line_item: ServableLineItem, micros: int) -> None:
        raise NotImplementedError

    def left(self, line_item: ServableLineItem) -> int:
        raise NotImplementedError

    def records(self) -> list[tuple[bytes, FilledPod]]:
        raise NotImplementedError

    def limit(self, nodes: int) -> None:
        """Let it try that many additions beyond the greedy ones."""
        raise NotImplementedError

    def fill(
        self,
        *offered: ServableLineItem | Candidate,
        spec: PodSpec | None = None,
        viewer: ViewerKeys = VIEWER,
        now: datetime = NOON,
        version: str | None = None,
        record: bytes = b"record",
        least_more_ms: int = 0,
    ) -> FilledPod:
        candidates = [
            one if isinstance(one, Candidate) else Candidate(one, one.creatives, one.price_micros)
            for one in offered
        ]
        return self.filler.fill(
            spec or PodSpec(None, 9),
            candidates,
            viewer,
            seed=1,
            now=now,
            version=version,
            record=record,
            least_more_ms=least_more_ms,
        )


class MemoryShelf(Shelf):
    def __init__(self) -> None:
        self.filler = self.twin = InMemoryPodFiller()

    def publish(self, version: str) -> None:
        self.twin.version = version

    def grant(self, line_item: ServableLineItem, micros: int) -> None:
        self.twin.grants[line_item.line_item_id.encode()] = Grant(BUCKET, micros)

    def left(self, line_item: ServableLineItem) -> int:
        return self.twin.grants[line_item.line_item_id.encode()].remaining_micros

    def records(self) -> list[tuple[bytes, FilledPod]]:
        return self.twin.records

    def limit(self, nodes: int) -> None:
        self.twin.node_limit = nodes


class ValkeyShelf(Shelf):
    def __init__(self, client: "redis.Redis", connection: RespConnection) -> None:
        self.client = client
        self.connection = connection
        self.filler = ValkeyPodFiller(connection)

    def publish(self, version: str) -> None:
        self.client.hset("tok:{s0}", "v", version)

    def grant(self, line_item: ServableLineItem, micros: int) -> None:
        self.client.hset("tok:{s0}", line_item.line_item_id, f"{BUCKET}:{micros}")

    def left(self, line_item: ServableLineItem) -> int:
        held: Any = self.client.hget("tok:{s0}", line_item.line_item_id)
        bucket, micros = held.decode().split(":")
        assert int(bucket) == BUCKET
        return int(micros)

    def records(self) -> list[tuple[bytes, FilledPod]]:
        entries: Any = self.client.xrange("rec:{s0}")
        return [(entry[b"d"], read_outcome(entry[b"r"])) for _, entry in entries]

    def limit(self, nodes: int) -> None:
        self.filler = ValkeyPodFiller(self.connection, node_limit=nodes)


def an_ad(duration_ms: int = 15_000, value: int = 10, **others: Any) -> ServableLineItem:
    """A line item of one creative that needs no tokens."""
    given: dict[str, Any] = {
        "creatives": [a_servable_creative(duration_ms=duration_ms)],
        "needs_tokens": False,
        "value_micros": value,
    }
    return a_servable_line_item(**given | others)


def capped(
    limit: int,
    window_ms: int | None = HOUR_MS,
    scope: CapScope = CapScope.LINE_ITEM,
    key: CapKey = CapKey.DEVICE,
) -> tuple[FrequencyCap, ...]:
    return (FrequencyCap(limit, window_ms, scope, key),)


def apart(
    extent: SeparationExtent, by: SeparationBy = SeparationBy.CATEGORY
) -> tuple[Separation, ...]:
    return (Separation(by, extent),)


def played(pod: FilledPod) -> list[int]:
    return [pick.candidate for pick in pod.picks]


def chosen(pod: FilledPod) -> bool:
    return pod.verdicts[0] is Reason.CHOSEN


def creative(pod: FilledPod) -> int:
    return pod.picks[0].creative
