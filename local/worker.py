"""One process slot of a function, with the listening socket that only its process knows.

A socket of its own tells us which process asks for work, and so which one to kill when an
event takes too long.
"""

import asyncio
import socket
import subprocess
from collections.abc import Callable
from time import monotonic

from local import processes
from local.invocation import FunctionFailedError, Invocation

Launch = Callable[[int], subprocess.Popen[bytes]]
"""Starts a process that asks the runtime API on the given port for its work."""


class Worker:
    """At most one process, which handles one event at a time."""

    def __init__(self, listener: socket.socket, launch: Launch) -> None:
        self.listener = listener
        self.port: int = listener.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None
        self.init_error: FunctionFailedError | None = None
        self.current: Invocation | None = None
        self.since = monotonic()
        """When the process was started, or last became idle."""
        self._launch = launch
        self._waiting: asyncio.Future[Invocation] | None = None
        self._settled = asyncio.Event()
        self._timeout: asyncio.TimerHandle | None = None

    @property
    def is_starting(self) -> bool:
        """Tell whether the process runs but never asked for work yet."""
        return self.process is not None and not self._settled.is_set()

    @property
    def is_alive(self) -> bool:
        """Tell whether the process became ready and has not ended."""
        return self.process is not None and self._settled.is_set() and self.process.poll() is None

    @property
    def is_idle(self) -> bool:
        """Tell whether the process waits for an event."""
        return self.is_alive and self._waiting is not None and not self._waiting.done()

    def start(self) -> None:
        """Start the process."""
        self._settled.clear()
        self.init_error = None
        self.since = monotonic()
        self.process = self._launch(self.port)

    async def settled(self) -> None:
        """Return once the process asked for work, or ended."""
        await self._settled.wait()

    def wait_for_event(self) -> asyncio.Future[Invocation]:
        """The process asks for its next event: return where it will be put."""
        if self.process is None:  # it asked with its last breath: there is nobody to answer
            nowhere: asyncio.Future[Invocation] = asyncio.get_running_loop().create_future()
            nowhere.cancel()
            return nowhere
        self._settled.set()
        self.since = monotonic()
        self._waiting = asyncio.get_running_loop().create_future()
        return self._waiting

    def hand(
        self, invocation: Invocation, *, timeout_s: float, on_timeout: Callable[[], None]
    ) -> None:
        """Give the idle process an event; `on_timeout` is called if it takes too long."""
        if self._waiting is None:
            raise RuntimeError("the process does not wait for an event")
        self.current = invocation
        self._timeout = asyncio.get_running_loop().call_later(timeout_s, on_timeout)
        self._waiting.set_result(invocation)

    def finish(self) -> None:
        """The event in hand has its result."""
        self.current = None
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None

    def clear(self) -> None:
        """End the process, if it has not ended by itself, and make the slot free again."""
        if self.process is not None:
            processes.kill(self.process)
        self.process = None
        self.finish()
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        self._settled.set()
