"""What the published inventory takes of a process that has done nothing before."""

import gc
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from ctv_ads.adapters.decision_notes import encode_note
from ctv_ads.adapters.valkey.inventory_reader import ValkeySnapshotReader
from ctv_ads.adapters.valkey.pod_filler import ValkeyPodFiller
from ctv_ads.adapters.valkey.resp import RespConnection
from functions.ad_request import asking, handler
from local.bench.serving import TIMEOUT_MS, be_the_function, server_on
from local.bench.targeted import events

REQUESTS = 2_000


@dataclass(frozen=True, slots=True)
class Footprint:
    """What loading took, and what is resident: of the inventory alone, and in all."""

    load_ms: float
    loaded_mib: float
    """What the process has grown by with the inventory loaded."""
    used_mib: float
    """The same after `REQUESTS` ad requests, with all that they left behind."""
    process_mib: float


def measure_memory(valkey_url: str) -> Footprint:
    """Return what the inventory in force costs a process of its own."""
    command = [sys.executable, "-m", "local.bench.memory", valkey_url]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Footprint(**json.loads(done.stdout))


def _use(valkey_url: str) -> Footprint:
    be_the_function(valkey_url)
    asked = events(REQUESTS, duration_ms=120_000, max_ads=4)
    with RespConnection(valkey_url, timeout_ms=TIMEOUT_MS) as connection:
        connection.call("PING")
        reader = ValkeySnapshotReader(connection)
        server = server_on(reader, ValkeyPodFiller(connection), encode_note)
        vars(asking).update(ad_server=lambda: server)
        before_mib = _resident_mib()
        started = time.perf_counter()
        for organization in reader.current().segments:
            reader.line_items(organization)
        load_ms = (time.perf_counter() - started) * 1000
        loaded_mib = _resident_mib() - before_mib
        for event in asked:
            handler.lambda_handler(event, None)
        process_mib = _resident_mib()
    return Footprint(
        round(load_ms, 1),
        round(loaded_mib, 1),
        round(process_mib - before_mib, 1),
        round(process_mib, 1),
    )


def _resident_mib() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    return pages * 4096 / 2**20


if __name__ == "__main__":
    print(json.dumps(asdict(_use(sys.argv[1]))))
