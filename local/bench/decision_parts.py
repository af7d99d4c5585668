"""What `make bench` measures of the decision plane, part by part."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any

from local.bench.busy import busy_cores
from local.bench.changes import LIMIT_MS, measure_changes
from local.bench.decisions import (
    FLOOR,
    FOUR_ADS,
    JSON_FLOOR,
    JSON_FOUR_ADS,
    UNEXPLAINED,
    Measured,
    measure_decisions,
    measure_flatness,
)
from local.bench.gateway import measure_gateway
from local.bench.index import measure_index
from local.bench.measuring import Figures, as_document, table
from local.bench.memory import REQUESTS
from local.bench.pods import measure_pods
from local.bench.targeted import targeted_inventory
from local.bench.vast import measure_documents
from local.ports import HOST, free_port
from local.valkey import ValkeyServer

_ROOT = Path(__file__).parents[2]
_IMPORT = "import functions.ad_request.handler"
SIZES = (100, 1_000, 10_000, 100_000)
_LOADED_SIZE = 1_000


def imports(_: Path) -> dict[str, Any]:
    """Measure the import of the ad request's handler, over an empty interpreter."""
    empty = min(_start_ms("pass") for _ in range(5))
    took_ms = round(min(_start_ms(_IMPORT) for _ in range(5)) - empty, 1)
    print(f"\nimport of the ad request's handler, over an empty interpreter: {took_ms} ms")
    return {"import_ms": took_ms}


def _start_ms(code: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], cwd=_ROOT, check=True)
    return (time.perf_counter() - started) * 1000


def documents(_: Path) -> dict[str, Any]:
    """Measure writing documents alone."""
    figures = measure_documents(calls=2_000)
    print("\n" + table("documents alone", figures, floor="VAST 4.2, 4 ads"))
    return {"figures": as_document(figures)}


def index(_: Path) -> dict[str, Any]:
    """Measure the compiled segment: making, loading, searching, holding it."""
    found = {}
    print(f"\nsegments, by line items: {', '.join(map(str, SIZES))}")
    for size in SIZES:
        items = list(chain(*targeted_inventory(size).line_items.values()))
        found[str(size)] = measure_index(items)
    for name in found[str(SIZES[0])]:
        figures = "".join(f"{each[name]:>12}" for each in found.values())
        print(f"  {name:<34}{figures}")
    return {"line_items": found}


def decisions(folder: Path) -> dict[str, Any]:
    """Measure the handler, event in and answer out, against its floors."""
    found: dict[int, Measured] = {}
    for size in SIZES:
        with _valkey(folder / str(size)) as url:
            found[size] = measure_decisions(url, line_items=size, calls=200)
        one, took = found[size], found[size].footprint
        print("\n" + table(f"ad requests, {size} line items", one.figures, floor=FLOOR))
        print(
            f"  {one.ads:.2f} ads a pod; compiled in {one.compile_s} s; in a new process loaded in"
            f" {took.load_ms} ms, {took.loaded_mib} MiB of memory,\n  {took.used_mib} MiB after"
            f" {REQUESTS} requests, of {took.process_mib} MiB in all"
        )
    ratios = _ratios(found) | {"flatness": _flatness(folder)}
    print(f"\n  CPU of a pod, {SIZES[-1]} line items over {SIZES[0]}: {ratios['flatness']:.2f}")
    for name in ("over_floor", "over_floor_with_json", "explaining_share"):
        print(f"  {name:<22}" + "".join(f"{one:>8.2f}" for one in ratios[name]))
    sizes = {
        str(size): {
            "figures": as_document(one.figures),
            "compile_s": one.compile_s,
            **asdict(one.footprint),
            "ads_per_pod": one.ads,
        }
        for size, one in found.items()
    }
    return {"line_items": sizes, **ratios}


def loaded(folder: Path) -> dict[str, Any]:
    """Measure the handler while every core is busy with something else."""
    with _valkey(folder / "valkey") as url, busy_cores():
        found = measure_decisions(url, line_items=_LOADED_SIZE, calls=200)
    title = f"ad requests, {_LOADED_SIZE} line items, every core busy with something else"
    print("\n" + table(title, found.figures, floor=FLOOR))
    return {"line_items": _LOADED_SIZE, "figures": as_document(found.figures)}


def _flatness(folder: Path) -> float:
    """Return how the CPU of a pod grows with the inventory, the two taken in turns."""
    few, many = SIZES[0], SIZES[-1]
    with _valkey(folder / "few") as of_few, _valkey(folder / "many") as of_many:
        found = measure_flatness({few: of_few, many: of_many}, calls=600)
    return round(found[many].cpu_us / found[few].cpu_us, 3)


def _ratios(found: dict[int, Measured]) -> dict[str, Any]:
    """Return by size what a pod is a multiple of.

    `explaining_share` is the record's share of what a pod costs the function and Valkey together.
    """
    figures = [found[size].figures for size in SIZES]

    def both(one: Mapping[str, Figures], name: str) -> float:
        return one[name].cpu_us + one[name].server_us

    return {
        "over_floor": [round(one[FOUR_ADS].cpu_us / one[FLOOR].cpu_us, 2) for one in figures],
        "over_floor_with_json": [
            round(one[JSON_FOUR_ADS].cpu_us / one[JSON_FLOOR].cpu_us, 2) for one in figures
        ],
        "explaining_share": [
            round(1 - both(one, UNEXPLAINED) / both(one, FOUR_ADS), 3) for one in figures
        ],
    }


def pods(folder: Path) -> dict[str, Any]:
    """Measure filling breaks: the caller, and Valkey's main thread."""
    with _valkey(folder / "valkey") as url:
        found = measure_pods(url, calls=300)
    print(f"\nfilling breaks{'':<22}{'CPU µs':>10}{'p50 µs':>10}{'p99 µs':>10}{'Valkey µs':>12}")
    for name, (item, valkey_us) in found.items():
        print(
            f"  {name:<34}{item.cpu_us:>10.1f}{item.wall_p50_us:>10.1f}{item.wall_p99_us:>10.1f}"
            f"{valkey_us:>12.1f}"
        )
    figures = as_document({name: item for name, (item, _) in found.items()})
    return {"figures": figures, "valkey_us": {name: us for name, (_, us) in found.items()}}


def changes(folder: Path) -> dict[str, Any]:
    """Measure how long the running product goes on showing what a change has taken off the air."""
    found = measure_changes(folder, rounds=16)
    print(f"\nfrom a change, over the API, to the last ad (limit {LIMIT_MS} ms)")
    for kind, one in found.items():
        print(f"  {kind:<10} p50 {one['p50_ms']} ms, p99 {one['p99_ms']} ms of {one['changes']}")
    return {"changes": found}


def gateway(folder: Path) -> dict[str, Any]:
    """Measure requests per second through the local gateway, in both modes."""
    found = {}
    print(f"\nlocal gateway{'':<22}{'requests/s':>12}{'p50 ms':>10}{'p99 ms':>10}")
    for name, options in (("processes", ()), ("--inproc", ("--inproc",))):
        found[name] = measure_gateway(folder / name.strip("-"), options, seconds=5)
        one = found[name]
        print(f"  {name:<34}{one['per_s']:>11}{one['p50_ms']:>10}{one['p99_ms']:>10}")
    return {"modes": found}


@contextmanager
def _valkey(folder: Path) -> Iterator[str]:
    with ValkeyServer(free_port(), data_dir=folder) as server:
        yield f"redis://{HOST}:{server.port}/0"
