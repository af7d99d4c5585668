"""What `make bench` measures of the control plane and the books, part by part."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg

from ctv_ads.migrate import ensure_role, migrate_up, packaged_migrations
from local.bench.control_plane import LIMIT_MS, measure_routes, plans, prepare, routes
from local.bench.filling import CAMPAIGNS, LINE_ITEMS_EACH
from local.bench.granting import measure_granting
from local.bench.measuring import as_document
from local.bench.publishing import measure_publishing
from local.bench.recording import (
    IMPRESSIONS,
    ROWS_BEFORE,
    WHOLE_ADS,
    measure_recording,
    measure_two_writers,
    prepare_database,
)
from local.bench.storm import measure_storm
from local.ports import HOST, free_port
from local.postgres import DATABASE, PostgresServer
from local.valkey import ValkeyServer

_PASSWORD = "bench"  # noqa: S105 - of a database that lives for one run
_STORM_S = 60
_PUBLISHED = 100_000


@dataclass(frozen=True, slots=True)
class _World:
    """An empty PostgreSQL and Valkey."""

    dsn: str
    """The owner's."""
    address: dict[str, Any]
    valkey_url: str

    def migrate(self) -> dict[str, Any]:
        """Bring the schema up to date, and return how the pipeline connects."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            for role in ("ctv_api", "ctv_pipeline"):
                ensure_role(connection, role, _PASSWORD)
            migrate_up(connection, packaged_migrations())
        pipeline = {"username": "ctv_pipeline", "password": _PASSWORD, "sslmode": "disable"}
        return self.address | pipeline


@contextmanager
def _world(folder: Path) -> Iterator[_World]:
    port = free_port()
    with (
        ValkeyServer(free_port(), data_dir=folder / "valkey") as valkey,
        PostgresServer(folder / "postgres", port, password=_PASSWORD) as server,
    ):
        address = {"host": HOST, "port": port, "dbname": DATABASE}
        yield _World(server.dsn, address, f"redis://{HOST}:{valkey.port}/0")


def publishing(folder: Path) -> dict[str, Any]:
    """Measure publishing a whole inventory, and a single change of it."""
    with _world(folder) as world:
        found = measure_publishing(
            world.dsn, world.address, world.valkey_url, line_items=_PUBLISHED
        )
    print(f"\npublishing {_PUBLISHED} line items")
    _print_all(found)
    return found


def granting(folder: Path) -> dict[str, Any]:
    """Measure the controller's looks at budgets."""
    with _world(folder) as world:
        found = measure_granting(world.dsn, world.migrate(), world.valkey_url)
    print(f"\ngranting, ms a look{'':<14}{'first':>10}{'idle':>10}{'busy':>10}{'grants':>10}")
    for one in found:
        print(
            f"  {f'{one.active} active line items':<30}"
            f"{one.first_ms:>10}{one.idle_ms:>10}{one.busy_ms:>10}{one.busy_grants:>10}"
        )
    return {"looks": [asdict(one) for one in found]}


def storm(folder: Path) -> dict[str, Any]:
    """Spend tiny budgets as fast as it goes, and see that nothing is overspent."""
    with _world(folder) as world:
        found = measure_storm(world.dsn, world.migrate(), world.valkey_url, seconds=_STORM_S)
    print("\na storm on tiny budgets")
    _print_all(asdict(found))
    return asdict(found)


def recording(folder: Path) -> dict[str, Any]:
    """Measure recording into a full day: billed, counted, in the books."""
    with _world(folder) as world:
        bookings = prepare_database(world.dsn)
        found: dict[str, Any] = {
            name: measure_recording(world.address, bookings, events)
            for name, events in (("whole ads", WHOLE_ADS), ("impressions", IMPRESSIONS))
        }
        found["two writers"] = measure_two_writers(world.address, bookings)
    print(
        f"\nrecording, fsync on, into a day of {ROWS_BEFORE} events: billed, counted, in the books"
    )
    for name in ("whole ads", "impressions"):
        for size, figures in found[name].items():
            print(
                f"  {name:<12} batches of {size:>6}: {figures['events_per_s']:>8} events/s,"
                f" {figures['ms_per_100']:>6} ms per 100"
            )
    print(f"  two writers of whole ads, batches of 1000: {found['two writers']:>8.0f} events/s")
    return found


def control_plane(folder: Path) -> dict[str, Any]:
    """Measure the API's routes in their handlers, with the plans of their queries."""
    with _world(folder) as world:
        filled = prepare(world.dsn, world.address, world.valkey_url)
        asked = routes(filled)
        indexes = plans(world.dsn, filled, asked)
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


def _print_all(figures: dict[str, Any]) -> None:
    for name, value in figures.items():
        print(f"  {name:<34}{value:>14}")
