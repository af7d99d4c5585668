"""Starts a server again when it dies, as RDS and ElastiCache do."""

import asyncio
import subprocess
from typing import Protocol

from local.pool import Report
from local.processes import LocalError

# Long enough that functions meet the dead server and name it, as they must on AWS.
_FIRST_PAUSE_S = 2.0
_LONGEST_PAUSE_S = 30.0
_LOOK_EVERY_S = 0.2


class Server(Protocol):
    """A server process that can be started again."""

    process: subprocess.Popen[bytes] | None

    def spawn(self) -> None:
        """Start the process."""
        ...

    def wait(self) -> None:
        """Return once it answers, or raise LocalError."""
        ...


async def keep_alive(name: str, server: Server, *, report: Report) -> None:
    """Watch the server until cancelled; start it again, with longer pauses while it fails."""
    pause_s = _FIRST_PAUSE_S
    while True:
        if server.process is None or server.process.poll() is None:
            await asyncio.sleep(_LOOK_EVERY_S)
            continue
        report(name, f"{_how_it_ended(server.process)}; starting it again in {pause_s:.0f} s")
        await asyncio.sleep(pause_s)
        server.spawn()  # here, not in a thread: a child ends with the thread that started it
        try:
            await asyncio.to_thread(server.wait)
        except LocalError as error:
            report(name, str(error))
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        else:
            report(name, "runs again")
            pause_s = _FIRST_PAUSE_S


async def fail_with(name: str, server: Server) -> None:
    """Watch the server until cancelled.

    Raises:
        LocalError: it died.
    """
    while True:
        if server.process is not None and server.process.poll() is not None:
            raise LocalError(f"{name} {_how_it_ended(server.process)}")
        await asyncio.sleep(_LOOK_EVERY_S)


def _how_it_ended(process: subprocess.Popen[bytes]) -> str:
    status = process.returncode
    return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
