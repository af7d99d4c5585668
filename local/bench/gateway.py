"""The whole product under load: ad requests over HTTP, as many as its gateway can take."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from local.ports import HOST, Ports, free_port, is_free

_CONNECTIONS = 8
_READY_WITHIN_S = 120
_STOPPED_WITHIN_S = 60
_ASK = "GET /api/v1/vast?placement=demo&duration_ms=60000&max_ads=4 HTTP/1.1\r\nhost: bench\r\n\r\n"


def measure_gateway(folder: Path, options: Sequence[str], *, seconds: float) -> dict[str, float]:
    """Start the product with its demo data, ask for pods, and return requests per second."""
    ports = _free_ports()
    folder.mkdir(parents=True)
    log = folder / "terminal.log"
    environment = {**os.environ, "PORT": str(ports.gateway), "DATA_DIR": str(folder / "data")}
    with log.open("wb") as terminal:
        command = [sys.executable, "-m", "local", "run", *options]
        product = subprocess.Popen(command, env=environment, stdout=terminal, stderr=terminal)
    try:
        _wait_until_ready(product, log)
        asyncio.run(_load(ports.gateway, seconds=1))
        taken = asyncio.run(_load(ports.gateway, seconds=seconds))
    finally:
        product.send_signal(signal.SIGTERM)
        product.wait(_STOPPED_WITHIN_S)
    taken.sort()
    return {
        "per_s": round(len(taken) / seconds),
        "p50_ms": round(taken[len(taken) // 2] * 1000, 1),
        "p99_ms": round(taken[len(taken) * 99 // 100] * 1000, 1),
    }


def _free_ports() -> Ports:
    while True:
        ports = Ports(free_port())
        if ports.gateway < 60_000 and all(map(is_free, ports.by_name().values())):
            return ports


def _wait_until_ready(product: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _READY_WITHIN_S
    while b"\nready in " not in log.read_bytes():
        if product.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"the product does not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.1)


async def _load(port: int, *, seconds: float) -> list[float]:
    until = time.perf_counter() + seconds
    found = await asyncio.gather(*[_ask_until(port, until) for _ in range(_CONNECTIONS)])
    return [each for taken in found for each in taken]


async def _ask_until(port: int, until: float) -> list[float]:
    reader, writer = await asyncio.open_connection(HOST, port)
    taken = []
    while time.perf_counter() < until:
        started = time.perf_counter()
        writer.write(_ASK.encode())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        taken.append(time.perf_counter() - started)
        if b" 200 " not in head[:20]:
            raise AssertionError(f"{head!r}: the bench measures a failure")
    writer.close()
    await writer.wait_closed()
    return taken
