"""The beacon collector: CPU per beacon in its handler, with the client of its queue."""

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import timedelta
from itertools import cycle
from time import monotonic
from typing import Any

from ctv_ads.adapters.aws.beacon_queue import SqsBeaconQueue
from ctv_ads.adapters.aws.json_api import SQS, AwsIdentity, JsonApi
from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.key_ring import KeyRing
from ctv_ads.adapters.traffic_lists import TrafficLists
from ctv_ads.domain.beacon import BeaconClaims
from ctv_ads.domain.beacon_token import TokenKeys, issue_token
from ctv_ads.domain.ids import CreativeId, DecisionId, LineItemId, PlacementId
from ctv_ads.use_cases.collect_beacon import CollectBeacon
from ctv_ads.web.hops import Believed
from functions.impressions import handler
from local.bench.measuring import Figures, measure
from local.bench.queue_server import queue_server

BATCH = 100
SINGLE, IN_BATCHES = "one beacon a call", f"a call of {BATCH} beacons"
LIMIT_US = 300
"""Of CPU, per beacon."""
_TOKENS = 2_000
_KEYS = TokenKeys("k1", {"k1": b"the key of a bench, of 32 bytes."})


def measure_collector(*, calls: int) -> dict[str, Figures]:
    """Return the figures of a call with one beacon, and of one with `BATCH`.

    The lists of invalid traffic are those that are packaged, the queue's client is the shipped one;
    what answers it stands in another process.
    """
    tokens = [_token() for _ in range(_TOKENS)]
    singles = [_event("GET", token=token) for token in tokens]
    batches = [
        _event("POST", tokens=tokens[start : start + BATCH]) for start in range(0, _TOKENS, BATCH)
    ]
    with queue_server() as address:
        identity = AwsIdentity("AKIDEXAMPLE", "a secret", "a session token", "us-east-1", address)
        with closing(JsonApi(SQS, identity, utc_now)) as sqs:
            collect = CollectBeacon(
                queue=SqsBeaconQueue(sqs, f"{address}/123456789012/ad-events"),
                tokens=KeyRing(lambda: _KEYS, seconds=monotonic),
                lists=TrafficLists.from_files(None, None),
                clock=utc_now,
            )
            vars(handler).update(collector=lambda: collect, believed=Believed)
            candidates = {SINGLE: _caller(singles), IN_BATCHES: _caller(batches)}
            return measure(candidates, calls=calls)


def cpu_us_per_beacon(figures: dict[str, Figures]) -> dict[str, float]:
    """Return what each beacon takes of the CPU, in microseconds."""
    return {
        SINGLE: figures[SINGLE].cpu_us,
        IN_BATCHES: round(figures[IN_BATCHES].cpu_us / BATCH, 1),
    }


def _caller(events: Sequence[dict[str, Any]]) -> Callable[[], object]:
    upcoming = cycle(events)

    def call() -> object:
        answer = handler.lambda_handler(next(upcoming), None)
        if answer["statusCode"] not in (200, 204):
            raise RuntimeError(f"the collector answered {answer['statusCode']}")
        return answer

    return call


def _event(method: str, *, token: str = "", tokens: Sequence[str] = ()) -> dict[str, Any]:
    route = "GET /api/v1/t/{event}/{token}" if method == "GET" else "POST /api/v1/events"
    event: dict[str, Any] = {
        "routeKey": route,
        "headers": {
            "user-agent": "Roku/DVP-12.0 (12.0.0 build 4182)",
            "x-forwarded-for": "203.0.113.9",
        },
        "requestContext": {
            "http": {"method": method, "sourceIp": "203.0.113.9"},
            "requestId": "bench",
        },
        "pathParameters": {"event": "impression", "token": token},
    }
    if tokens:
        items = [{"event": "impression", "token": one} for one in tokens]
        event["body"] = json.dumps({"events": items})
    return event


def _token() -> str:
    now = utc_now()
    claims = BeaconClaims(
        decision_id=DecisionId(new_id()),
        slot=1,
        decided_at=now.replace(microsecond=0),
        expires_at=now.replace(microsecond=0) + timedelta(days=1),
        line_item_id=LineItemId(new_id()),
        creative_id=CreativeId(new_id()),
        placement_id=PlacementId(new_id()),
        price_micros=20_000,
        bucket=1_800_000_000,
        country="US",
        device_type="ctv",
        session=1,
    )
    return issue_token(claims, _KEYS)
