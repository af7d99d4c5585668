"""The ad request: event in, answer out, against floors taken in the same run."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import redis

from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.decision_notes import encode_note
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.valkey.inventory_reader import ValkeySnapshotReader
from ctv_ads.adapters.valkey.inventory_store import ValkeyInventoryStore
from ctv_ads.adapters.valkey.pod_filler import ValkeyPodFiller
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.bootstrap.decision_plane import new_seed
from ctv_ads.domain.beacon_token import TokenKeys
from ctv_ads.settings import AdServerSettings
from ctv_ads.use_cases.serve_pod import ServePod
from ctv_ads.use_cases.sign_ads import SignAds
from ctv_ads.web.door import Door
from functions.ad_request import asking, handler
from local.bench.inventory import inventory_of
from local.bench.measuring import Figures, measure

EVENT: dict[str, Any] = {
    "version": "2.0",
    "routeKey": "GET /api/v1/vast",
    "rawPath": "/api/v1/vast",
    "rawQueryString": "placement=bench",
    "headers": {"host": "localhost", "user-agent": "Roku/DVP-12.0"},
    "queryStringParameters": {"placement": "bench"},
    "requestContext": {
        "domainName": "localhost",
        "http": {"method": "GET", "path": "/api/v1/vast", "sourceIp": "203.0.113.9"},
        "requestId": "bench",
    },
    "isBase64Encoded": False,
}
_TIMEOUT_MS = 2000
_DOOR = Door(key=b"the key of a bench, of 32 bytes.")


def measure_decisions(valkey_url: str, *, line_items: int, calls: int) -> dict[str, Figures]:
    """Return figures of the handler and of its floors with that many line items published."""
    with redis.Redis.from_url(valkey_url) as client:
        client.flushall()
        ValkeyInventoryStore(client).publish(inventory_of(line_items))
    settings = AdServerSettings(
        valkey_url=valkey_url,
        beacon_secret_id="-",  # noqa: S106 - not read: the keys are given below
        public_base_url="http://localhost:3000",
    )
    with RespConnection(valkey_url, timeout_ms=_TIMEOUT_MS) as connection:
        server = ServePod(
            inventory=ValkeySnapshotReader(connection),
            filler=ValkeyPodFiller(connection),
            encode_note=encode_note,
            sign=SignAds(
                keys=TokenKeys.from_secret({"current": "k1", "k1": "b" * 43}),
                beacon_lifetime=timedelta(days=1),
                reservation=timedelta(minutes=15),
            ),
            clock=utc_now,
            new_id=new_id,
            new_seed=new_seed,
        )
        return measure(_candidates(server, settings, connection), calls=calls)


def _candidates(
    server: ServePod, settings: AdServerSettings, connection: RespConnection
) -> dict[str, Callable[[], object]]:
    vars(handler).update(ad_server_settings=lambda: settings)
    vars(asking).update(ad_server=lambda: server, front_door=lambda: _DOOR)
    constant = handler.lambda_handler(EVENT, None)

    def echo() -> object:
        return connection.call("ECHO", "x")

    def echo_and_constant_vast() -> object:
        connection.call("ECHO", "x")
        return dict(constant)

    return {
        "one Valkey echo": echo,
        "echo + constant VAST": echo_and_constant_vast,
        "ad request, VAST": lambda: handler.lambda_handler(EVENT, None),
    }
