"""The whole product under load: ad requests over HTTP, as many as its gateway can take."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from local.bench.product import running_product
from local.ports import HOST

_CONNECTIONS = 8
_ASK = "GET /api/v1/vast?placement=demo&duration_ms=60000&max_ads=4 HTTP/1.1\r\nhost: bench\r\n\r\n"


def measure_gateway(folder: Path, options: Sequence[str], *, seconds: float) -> dict[str, float]:
    """Start the product with its demo data, ask for pods, and return requests per second."""
    with running_product(folder, *options) as base_url:
        port = urlsplit(base_url).port or 80
        asyncio.run(_load(port, seconds=1))
        taken = asyncio.run(_load(port, seconds=seconds))
    taken.sort()
    return {
        "per_s": round(len(taken) / seconds),
        "p50_ms": round(taken[len(taken) // 2] * 1000, 1),
        "p99_ms": round(taken[len(taken) * 99 // 100] * 1000, 1),
    }


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
