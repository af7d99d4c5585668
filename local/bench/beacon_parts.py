"""Parts of the bench that begin with a beacon."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from local.bench.beacons import LIMIT_US, cpu_us_per_beacon, measure_collector
from local.bench.measuring import as_document
from local.bench.visibility import LIMIT_S, measure_visibility

_CALLS = 200


def collector(folder: Path) -> dict[str, Any]:  # noqa: ARG001 - as every part
    """Measure what the collector takes of the CPU, in its handler."""
    figures = measure_collector(calls=_CALLS)
    per_beacon = cpu_us_per_beacon(figures)
    print(
        f"collector, in the handler, with the client of its queue; at most {LIMIT_US} µs of CPU per beacon"
    )
    for name, cpu_us in per_beacon.items():
        print(f"  {name:<34}{cpu_us:>10.1f} µs per beacon")
    return {"figures": as_document(figures), "cpu_us_per_beacon": per_beacon}


def visibility(folder: Path) -> dict[str, Any]:
    """Measure how long people wait for a beacon, through the whole product."""
    found = measure_visibility(folder)
    print(
        f"beacon to statistics, {found.beacons} beacons: p50 {found.p50_s} s, p99 {found.p99_s} s"
        f" (at most {LIMIT_S} s), longest {found.longest_s} s"
    )
    return asdict(found)
