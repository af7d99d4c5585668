"""The targeting index by itself: compile, load, search, memory, at any number of line items."""

import gc
import json
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from tempfile import NamedTemporaryFile

from ctv_ads.adapters.clock import utc_now
from ctv_ads.decisioning.segments.compile import compile_segment
from ctv_ads.decisioning.segments.index import LineItemIndex
from ctv_ads.decisioning.segments.layers import Layer
from ctv_ads.decisioning.segments.query import Query, normalized
from ctv_ads.decisioning.segments.segment import Segment
from ctv_ads.domain.ids import OrganizationId, PlacementId
from ctv_ads.domain.inventory import PublishedPlacement, ServableLineItem

_SEARCHES = 2000
_LOADS = 9
_PLACEMENT = PublishedPlacement(PlacementId("-"), OrganizationId("-"))


def measure_index(line_items: Sequence[ServableLineItem]) -> dict[str, float]:
    """Return what compiling these costs here, and what using it costs a process of its own."""
    started = time.process_time()
    segment = compile_segment(line_items)
    compile_ms = (time.process_time() - started) * 1000
    with NamedTemporaryFile(suffix=".segment") as file, NamedTemporaryFile("w") as values:
        file.write(segment)
        file.flush()
        json.dump(_values(line_items), values)
        values.flush()
        command = [sys.executable, "-m", "local.bench.index", file.name, values.name]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    sizes = {"compile_ms": round(compile_ms, 1), "segment_kib": round(len(segment) / 1024, 1)}
    return sizes | found


def _values(line_items: Sequence[ServableLineItem]) -> dict[str, list[str]]:
    """Return what is targeted, so that requests meet it."""
    found: dict[str, set[str]] = defaultdict(set)
    for item in line_items:
        for name, rule in item.targeting.items():
            found[name].update(normalized(name, value) for value in rule.include + rule.exclude)
    return {name: sorted(values) for name, values in found.items()}


def _use(segment: Path, values: Path) -> dict[str, float]:
    data = segment.read_bytes()
    queries = _queries(json.loads(values.read_text("utf-8")))
    gc.collect()
    memory = _memory_mib()
    loads = [_timed(lambda: Segment(data))[0] for _ in range(_LOADS)]
    index = LineItemIndex([Layer(Segment(data))])
    cold = [_timed(partial(index.search, query))[0] for query in queries[:200]]
    for query in queries:
        index.search(query)
    warm = [_timed(partial(index.search, query)) for query in queries]
    return {
        "load_ms": round(median(loads) * 1000, 2),
        "first_searches_p99_us": round(sorted(cold)[-3] * 1e6),
        "search_p50_us": round(median(wall for wall, _ in warm) * 1e6, 1),
        "search_p99_us": round(sorted(wall for wall, _ in warm)[-_SEARCHES // 100] * 1e6, 1),
        "search_cpu_us": round(sum(cpu for _, cpu in warm) / len(warm) * 1e6, 1),
        "memory_mib": round(_memory_mib() - memory + len(data) / 2**20, 1),
    }


def _queries(values: dict[str, list[str]]) -> list[Query]:
    random = Random(1)  # noqa: S311 - the same requests in every run
    now = utc_now()
    return [
        Query(
            terms={name: (random.choice(known),) for name, known in values.items()},
            placement=_PLACEMENT,
            now=now,
            seed=random.getrandbits(32),
        )
        for _ in range(_SEARCHES)
    ]


def _timed(call: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that a call takes, by the wall and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def _memory_mib() -> float:
    status = Path("/proc/self/status").read_text("utf-8")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


if __name__ == "__main__":
    print(json.dumps(_use(Path(sys.argv[1]), Path(sys.argv[2]))))
