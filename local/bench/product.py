"""The whole product, started for a measurement and stopped after it."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.ports import Ports, is_free
from local.processes import REPOSITORY, LocalError

_READY_WITHIN_S, _STOPPED_WITHIN_S = 120.0, 60.0
# Below the ports that the kernel gives to outgoing connections.
_FIRST_PORTS = range(5500, 9500, 4)


@contextmanager
def running_product(folder: Path, *options: str) -> Iterator[str]:
    """Run the product as `make run` does, with seeds, and yield its address.

    Raises:
        LocalError: it did not start.
    """
    ports = next(
        Ports(port)
        for port in random.sample(_FIRST_PORTS, len(_FIRST_PORTS))
        if all(is_free(one) for one in Ports(port).by_name().values())
    )
    folder.mkdir(parents=True, exist_ok=True)
    environment = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    environment |= {
        "PORT": str(ports.gateway),
        "DATA_DIR": str(folder / "data"),
        "SEED": "1",
        "USER_RATE_LIMIT": "1000000",
    }
    terminal = folder / "terminal.log"
    with terminal.open("wb") as log:
        command = [sys.executable, "-m", "local", "run", *options]
        process = subprocess.Popen(command, env=environment, cwd=REPOSITORY, stdout=log, stderr=log)
    try:
        _wait_until_ready(process, terminal)
        yield f"http://localhost:{ports.gateway}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_STOPPED_WITHIN_S)


def _wait_until_ready(process: "subprocess.Popen[bytes]", terminal: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while b"\nready in " not in terminal.read_bytes():
        if process.poll() is not None or time.monotonic() > deadline:
            raise LocalError(f"the product did not start:\n{terminal.read_text()[-2000:]}")
        time.sleep(0.1)
