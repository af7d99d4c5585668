"""All processes of one function, used as Lambda uses its execution environments."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic

from functions.manifest import Function
from local.invocation import PAYLOAD_LIMIT_BYTES, FunctionFailedError, Invocation
from local.worker import Worker

Report = Callable[[str, str], None]
"""Tells the person at the terminal: (who, what)."""

# A process that starts costs half a second of processor time, so on one machine it is better to
# let an event wait for a moment than to start one for every event of a burst, as Lambda does.
_SCALE_OUT_AFTER_S = 0.05
_INIT_LIMIT_S = 30.0
_SPARE_IDLE_LIMIT_S = 300.0


class FunctionPool:
    """Invokes one function, on at most as many processes as there are workers."""

    def __init__(self, function: Function, workers: Sequence[Worker], *, report: Report) -> None:
        self.function = function
        self.workers = tuple(workers)
        self._report = report
        self._pending: deque[Invocation] = deque()

    async def invoke(self, event: object) -> bytes:
        """Return what the handler returns for `event`, as JSON.

        Raises:
            FunctionFailedError: it raised, ran too long, died, or could not be started.
        """
        payload = json.dumps(event, separators=(",", ":")).encode()
        if len(payload) > PAYLOAD_LIMIT_BYTES:
            raise FunctionFailedError(
                self.function.name, "RequestEntityTooLarge", f"{len(payload)} bytes"
            )
        invocation = Invocation(payload)
        self._pending.append(invocation)
        self.dispatch()
        try:
            return await invocation.result
        finally:
            if invocation in self._pending:  # the caller gave up
                self._pending.remove(invocation)

    async def warm(self) -> bool:
        """Start the first process; tell whether it became ready."""
        worker = self.workers[0]
        if worker.process is None:
            worker.start()
        await worker.settled()
        return worker.is_alive

    def dispatch(self) -> None:
        """Give waiting events to idle processes; start another process when there are too few."""
        for worker in self.workers:
            if self._pending and worker.is_idle:
                self._hand(worker, self._pending.popleft())
        if not self._pending:
            return
        if not any(worker.is_alive or worker.is_starting for worker in self.workers):
            self._scale_out()
        else:
            asyncio.get_running_loop().call_later(_SCALE_OUT_AFTER_S, self._scale_out)

    def check(self) -> None:
        """Notice processes that ended, hang while starting, or are no longer needed."""
        for worker in self.workers:
            if worker.process is None:
                continue
            idle_s = monotonic() - worker.since
            if worker.process.poll() is not None:
                self._ended(worker, worker.process.returncode)
            elif worker.is_starting and idle_s > _INIT_LIMIT_S:
                worker.init_error = self._failure("Sandbox.Timedout", "init took over 30 s")
                worker.clear()
                self._init_failed(worker)
            elif worker is not self.workers[0] and worker.is_idle and idle_s > _SPARE_IDLE_LIMIT_S:
                worker.clear()

    def stop(self) -> None:
        """End all processes; events in hand fail."""
        error = self._failure("Runtime.Stopped", "the product is stopping")
        self._fail_pending(error)
        for worker in self.workers:
            if worker.current is not None:
                worker.current.fail(error)
            worker.clear()

    def succeed(self, worker: Worker, response: bytes) -> None:
        """The process answered the event in its hand."""
        if worker.current is not None:
            worker.current.succeed(response)
            worker.finish()

    def fail(self, worker: Worker, error: FunctionFailedError) -> None:
        """The handler raised on the event in the process' hand."""
        if worker.current is not None:
            self._report(self.function.name, f"{error.error_type}: {error.message}")
            worker.current.fail(error)
            worker.finish()

    def _hand(self, worker: Worker, invocation: Invocation) -> None:
        worker.hand(
            invocation,
            timeout_s=self.function.timeout_s,
            on_timeout=lambda: self._timed_out(worker, invocation),
        )

    def _scale_out(self) -> None:
        if not self._pending or any(worker.is_starting for worker in self.workers):
            return
        for worker in self.workers:
            if worker.process is None:
                worker.start()
                return

    def _timed_out(self, worker: Worker, invocation: Invocation) -> None:
        message = (
            f"RequestId: {invocation.request_id} Error:"
            f" Task timed out after {self.function.timeout_s:.2f} seconds"
        )
        error = self._failure("Sandbox.Timedout", message)
        self._report(self.function.name, message)
        worker.clear()
        invocation.fail(error)
        self.dispatch()

    def _ended(self, worker: Worker, status: int) -> None:
        was_starting, invocation = worker.is_starting, worker.current
        worker.clear()
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        error = self._failure("Runtime.ExitError", f"Runtime exited with error: {how}")
        if was_starting:
            worker.init_error = worker.init_error or error
            self._init_failed(worker)
            return
        self._report(self.function.name, error.message)
        if invocation is not None:
            invocation.fail(error)
        self.dispatch()

    def _init_failed(self, worker: Worker) -> None:
        error = worker.init_error or self._failure("Runtime.Unknown", "init failed")
        self._report(
            self.function.name, f"does not start: {error.error_type}: {error.message.strip()}"
        )
        if any(other.is_alive for other in self.workers):
            self.dispatch()
        else:  # trying again for those who wait would only fail again
            self._fail_pending(error)

    def _fail_pending(self, error: FunctionFailedError) -> None:
        while self._pending:
            self._pending.popleft().fail(error)

    def _failure(self, error_type: str, message: str) -> FunctionFailedError:
        return FunctionFailedError(self.function.name, error_type, message)
