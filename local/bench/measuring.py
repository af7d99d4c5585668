"""Timing calls: wall and CPU per call, the candidates taking turns within each round."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """One candidate. CPU is this process's, wall includes waiting; all in microseconds.

    `server_us` is the CPU of the server that it called, 0 where that is not measured.
    """

    calls: int
    cpu_us: float
    wall_p50_us: float
    wall_p95_us: float
    wall_p99_us: float
    server_us: float = 0


def measure(
    candidates: Mapping[str, Callable[[], object]],
    *,
    calls: int,
    rounds: int = 5,
    server_cpu_us: Callable[[], float] = float,
) -> dict[str, Figures]:
    """Call every candidate `calls` times per round, in turn, and return each one's figures.

    CPU is the median over rounds, so that one noisy round does not speak for all. `server_cpu_us`
    tells what the server that is called has spent so far.
    """
    cpu: dict[str, list[float]] = {name: [] for name in candidates}
    wall: dict[str, list[float]] = {name: [] for name in candidates}
    server: dict[str, list[float]] = {name: [] for name in candidates}
    for call in candidates.values():
        for _ in range(calls // 10 + 1):
            call()
    gc.collect()
    for _ in range(rounds):
        for name, call in candidates.items():
            spent_us, started = server_cpu_us(), time.process_time()
            wall[name] += [_wall(call) for _ in range(calls)]
            cpu[name].append((time.process_time() - started) / calls)
            server[name].append((server_cpu_us() - spent_us) / calls)
    return {
        name: Figures(
            calls=calls * rounds,
            cpu_us=round(statistics.median(cpu[name]) * 1e6, 1),
            wall_p50_us=round(_percentile(wall[name], 50) * 1e6, 1),
            wall_p95_us=round(_percentile(wall[name], 95) * 1e6, 1),
            wall_p99_us=round(_percentile(wall[name], 99) * 1e6, 1),
            server_us=round(statistics.median(server[name]), 1),
        )
        for name in candidates
    }


def _wall(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _percentile(values: list[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def table(title: str, figures: Mapping[str, Figures], *, floor: str) -> str:
    """Return the figures as text, each CPU also as a multiple of the floor's."""
    has_server = any(item.server_us for item in figures.values())
    head = f"  {'':<34}{'CPU µs':>10}{'p50 µs':>10}{'p99 µs':>10}{'x floor':>9}"
    lines = [title, head + (f"{'Valkey µs':>11}" if has_server else "")]
    for name, item in figures.items():
        ratio = item.cpu_us / figures[floor].cpu_us
        lines.append(
            f"  {name:<34}{item.cpu_us:>10.1f}{item.wall_p50_us:>10.1f}"
            f"{item.wall_p99_us:>10.1f}{ratio:>9.2f}"
            + (f"{item.server_us:>11.1f}" if has_server else "")
        )
    return "\n".join(lines)


def as_document(figures: Mapping[str, Figures]) -> dict[str, dict[str, float]]:
    """Return the figures as JSON wants them."""
    return {name: asdict(item) for name, item in figures.items()}
