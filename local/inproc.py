"""All functions in this one process, for debuggers and load tests: `python -m local run --inproc`.

What it does not show: what a function imports, keeps or leaks of its own, and time limits. One
thread runs all handlers, each with only its own environment while it runs.
"""

import asyncio
import importlib
import json
import os
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar
from uuid import uuid4

from functions.manifest import Function
from local.invocation import FunctionFailedError

_Result = TypeVar("_Result")
Environments = Callable[[Function], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Context:
    """What handlers may ask of Lambda's context."""

    function_name: str
    aws_request_id: str
    memory_limit_in_mb: int
    invoked_function_arn: str = "arn:aws:lambda:local"
    function_version: str = "$LATEST"
    deadline: float = field(kw_only=True)
    """By `monotonic`; nothing ends a function here when it is over."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how much of its timeout is left."""
        return max(0, int((self.deadline - monotonic()) * 1000))


class InProcessFunction:
    """Invokes one function's handler on the thread that all of them share."""

    def __init__(
        self, function: Function, environment_of: Environments, executor: ThreadPoolExecutor
    ) -> None:
        self.function = function
        self._environment_of = environment_of
        self._executor = executor
        self._handler: Callable[[Any, Any], Any] | None = None

    async def invoke(self, event: object) -> bytes:
        """Return what the handler returns for `event`, as JSON.

        Raises:
            FunctionFailedError: it raised, or cannot be imported.
        """
        payload = json.dumps(event, separators=(",", ":"))
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._run, payload)

    async def warm(self) -> bool:
        """Import the handler; tell whether that worked."""
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._executor, self._with_environment, self._load)
        except FunctionFailedError:
            return False
        return True

    def stop(self) -> None:
        """Do nothing: there is no process of its own."""

    def _run(self, payload: str) -> bytes:
        def call() -> bytes:
            context = Context(
                self.function.name,
                str(uuid4()),
                self.function.memory_mib,
                deadline=monotonic() + self.function.timeout_s,
            )
            result = self._load()(json.loads(payload), context)
            return json.dumps(result, separators=(",", ":")).encode()

        return self._with_environment(call)

    def _load(self) -> Callable[[Any, Any], Any]:
        if self._handler is None:
            module, name = self.function.handler.rsplit(".", 1)
            self._handler = getattr(importlib.import_module(module), name)
        return self._handler

    def _with_environment(self, work: Callable[[], _Result]) -> _Result:
        before = dict(os.environ)
        os.environ.clear()
        os.environ.update(self._environment_of(self.function))
        try:
            return work()
        except Exception as error:
            lines = tuple(traceback.format_exception(error))
            raise FunctionFailedError(
                self.function.name, type(error).__name__, str(error), lines
            ) from error
        finally:
            os.environ.clear()
            os.environ.update(before)


class InProcessRuntime:
    """Stands in for `Runtime`, without processes."""

    def __init__(self, functions: Sequence[Function], *, environment_of: Environments) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="functions")
        self.pools = {
            function.name: InProcessFunction(function, environment_of, self._executor)
            for function in functions
        }

    async def start(self) -> None:
        """Do nothing: handlers are imported when they are first called."""

    async def stop(self) -> None:
        """Wait for what runs, and take no more."""
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)
