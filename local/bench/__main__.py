"""Start real PostgreSQL and Valkey, measure, print, and write `build/bench/skeleton.json`."""

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from local.bench.control_plane import LIMIT_MS, measure_routes, plans, prepare, routes
from local.bench.decisions import measure_decisions
from local.bench.filling import CAMPAIGNS, LINE_ITEMS_EACH
from local.bench.measuring import as_document, table
from local.bench.recording import (
    IMPRESSIONS,
    ROWS_BEFORE,
    WHOLE_ADS,
    measure_recording,
    measure_two_writers,
    prepare_database,
)
from local.ports import HOST, free_port
from local.postgres import DATABASE, PostgresServer
from local.valkey import ValkeyServer

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "build" / "bench" / "skeleton.json"
_FLOOR = "echo + constant VAST"
_IMPORT = "import functions.ad_request.handler"


def main() -> int:
    """Measure everything and return the exit status."""
    report: dict[str, Any] = {"python": platform.python_version(), "cpus": os.cpu_count()}
    print(f"Python {report['python']}, {report['cpus']} CPUs; CPU of the client process only\n")
    report["import_ms"] = _import_ms()
    print(
        f"import of the ad request's handler, over an empty interpreter: {report['import_ms']} ms\n"
    )
    with TemporaryDirectory(prefix="ctv-bench-") as folder:
        report["decisions"] = _decisions(Path(folder))
        report["recording"] = _recording(Path(folder))
        report["control_plane"] = _control_plane(Path(folder))
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    print(f"\nwritten to {REPORT.relative_to(ROOT)}")
    return 0


def _decisions(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with ValkeyServer(free_port(), data_dir=folder / "valkey") as valkey:
        url = f"redis://{HOST}:{valkey.port}/0"
        for line_items in (4, 100, 1000):
            figures = measure_decisions(url, line_items=line_items, calls=500)
            print(table(f"decisions, {line_items} line items", figures, floor=_FLOOR) + "\n")
            found[str(line_items)] = as_document(figures)
    return found


def _recording(folder: Path) -> dict[str, Any]:
    port = free_port()
    with PostgresServer(folder / "postgres", port, password="bench") as server:  # noqa: S106
        bookings = prepare_database(server.dsn)
        address = {"host": HOST, "port": port, "dbname": DATABASE}
        found: dict[str, Any] = {
            name: measure_recording(address, bookings, events)
            for name, events in (("whole ads", WHOLE_ADS), ("impressions", IMPRESSIONS))
        }
        found["two writers"] = measure_two_writers(address, bookings)
    print(f"recording, fsync on, into a day of {ROWS_BEFORE} events: billed, counted, in the books")
    for name in ("whole ads", "impressions"):
        for size, figures in found[name].items():
            print(
                f"  {name:<12} batches of {size:>6}: {figures['events_per_s']:>8} events/s,"
                f" {figures['ms_per_100']:>6} ms per 100"
            )
    print(f"  two writers of whole ads, batches of 1000: {found['two writers']:>8.0f} events/s")
    return found


def _control_plane(folder: Path) -> dict[str, Any]:
    port = free_port()
    with (
        ValkeyServer(free_port(), data_dir=folder / "valkey-api") as valkey,
        PostgresServer(folder / "postgres-api", port, password="bench") as server,  # noqa: S106
    ):
        address = {"host": HOST, "port": port, "dbname": DATABASE}
        filled = prepare(server.dsn, address, f"redis://{HOST}:{valkey.port}/0")
        asked = routes(filled)
        indexes = plans(server.dsn, filled, asked)
        figures = measure_routes(filled, asked, calls=100)
    print(f"\ncontrol plane, {CAMPAIGNS} campaigns of {LINE_ITEMS_EACH} line items, in the handler")
    print(f"  {'':<34}{'p50 ms':>10}{'p95 ms':>10}  indexes")
    for name, item in figures.items():
        slow = "  SLOW" if name != "login" and item.wall_p95_us > LIMIT_MS * 1000 else ""
        print(
            f"  {name:<34}{item.wall_p50_us / 1000:>10.2f}{item.wall_p95_us / 1000:>10.2f}"
            f"  {', '.join(indexes.get(name, ()))}{slow}"
        )
    print(f"  {'search, inside':<54}  {', '.join(indexes['search, inside'])}")
    return {"figures": as_document(figures), "indexes": indexes}


def _import_ms() -> float:
    empty = min(_start_ms("pass") for _ in range(5))
    return round(min(_start_ms(_IMPORT) for _ in range(5)) - empty, 1)


def _start_ms(code: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    sys.exit(main())
