"""The beacon collector with a queue in memory, and what is sent to it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_network
from time import monotonic
from typing import Any

import pytest

from ctv_ads.adapters.key_ring import KeyRing
from ctv_ads.adapters.memory.queues import MemoryBeaconQueue
from ctv_ads.adapters.traffic_lists import TrafficLists
from ctv_ads.domain.beacon_token import issue_token
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.use_cases.collect_beacon import CollectBeacon
from ctv_ads.web.hops import Believed
from functions.impressions import handler
from tests.builders import KEYS, NOON, some_claims
from tests.functions.conftest import Answer, answer_of
from tests.functions.recorded import Event


class RefusingQueue:
    def send(self, beacons: Any) -> None:
        raise DependencyUnavailableError("sqs", "SendMessage: 503 ServiceUnavailable")


@dataclass(slots=True)
class Collector:
    queue: MemoryBeaconQueue
    patch: Callable[[Any, datetime], None]

    def call(self, event: Event) -> Answer:
        answer = answer_of(handler.lambda_handler(event, object()))
        answer.assert_for_machines()
        return answer


LISTS = TrafficLists(["198.51.100.128/25", "2001:db8:bad::/48"], ["ExampleBot/"])
BELIEVED = Believed(trusted_proxies=(ip_network("10.0.0.0/8"),))
CLAIMS = some_claims()
TOKEN = issue_token(CLAIMS, KEYS)


def a_collector(monkeypatch: pytest.MonkeyPatch) -> Collector:
    """Return a collector that stands in the handler, at noon."""

    def patch(queue: Any, now: datetime) -> None:
        collect = CollectBeacon(
            queue=queue,
            tokens=KeyRing(lambda: KEYS, seconds=monotonic),
            lists=LISTS,
            clock=lambda: now,
        )
        monkeypatch.setattr(handler, "collector", lambda: collect)

    monkeypatch.setattr(handler, "believed", lambda: BELIEVED)
    queue = MemoryBeaconQueue()
    patch(queue, NOON)
    return Collector(queue, patch)
