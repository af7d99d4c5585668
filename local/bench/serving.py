"""The ad server as the function has it, with settings of the bench."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import redis

from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.valkey.inventory_reader import ValkeySnapshotReader
from ctv_ads.adapters.valkey.pod_filler import ValkeyPodFiller
from ctv_ads.bootstrap.decision_plane import new_seed
from ctv_ads.domain.beacon_token import TokenKeys
from ctv_ads.domain.decision_record import DecisionNote
from ctv_ads.settings import AdServerSettings
from ctv_ads.use_cases.serve_pod import ServePod
from ctv_ads.use_cases.sign_ads import SignAds
from ctv_ads.web.door import Door
from functions.ad_request import asking, handler

TIMEOUT_MS = 2000
TOKEN_KEYS = TokenKeys.from_secret({"current": "k1", "k1": "b" * 43})
_DOOR = Door(key=b"the key of a bench, of 32 bytes.")


def be_the_function(valkey_url: str) -> None:
    """Let the handler find what it reads from its environment."""
    settings = AdServerSettings(
        valkey_url=valkey_url,
        beacon_secret_id="-",  # noqa: S106 - not read: the keys are given below
        public_base_url="http://localhost:3000",
    )
    vars(handler).update(ad_server_settings=lambda: settings)
    vars(asking).update(front_door=lambda: _DOOR)


def server_on(
    reader: ValkeySnapshotReader,
    filler: ValkeyPodFiller,
    encode: Callable[[DecisionNote], bytes],
    *,
    reservation: timedelta = timedelta(minutes=15),
    kind: type[ServePod] = ServePod,
) -> ServePod:
    """Return the ad server as the function has it, with settings of its own."""
    return kind(
        inventory=reader,
        filler=filler,
        encode_note=encode,
        sign=SignAds(
            keys=TOKEN_KEYS,
            beacon_lifetime=timedelta(days=1),
            reservation=reservation,
        ),
        clock=utc_now,
        new_id=new_id,
        new_seed=new_seed,
    )


def valkey_cpu_us(client: redis.Redis) -> float:
    """Return what Valkey's main thread has spent so far, sockets included."""
    info: Any = client.info("cpu")
    spent_s = info["used_cpu_user_main_thread"] + info["used_cpu_sys_main_thread"]
    return float(spent_s) * 1e6
