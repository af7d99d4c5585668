"""Functions run under the real runtime client, and fail as they do in Lambda."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil
import pytest

from functions.manifest import Function, Route
from local.environment import function_environment
from local.invocation import FunctionFailedError
from local.pool import FunctionPool
from local.runtime import Runtime

HANDLERS = Path(__file__).parent / "handlers"

TINY = Function(
    name="tiny",
    entry_point="tiny",
    purpose="test",
    memory_mib=128,
    timeout_s=1,
    needs=(),
    routes=(Route("GET", "/tiny"),),
)


@dataclass
class Bench:
    runtime: Runtime
    pool: FunctionPool
    reports: list[tuple[str, str]] = field(default_factory=list)

    async def invoke(self, **event: object) -> Any:
        return json.loads(await self.pool.invoke(event))

    async def failure(self, **event: object) -> FunctionFailedError:
        with pytest.raises(FunctionFailedError) as failed:
            await self.pool.invoke(event)
        return failed.value


@asynccontextmanager
async def bench(folder: Path, function: Function = TINY) -> AsyncIterator[Bench]:
    reports: list[tuple[str, str]] = []
    runtime = Runtime(
        [function],
        environment_of=lambda function: function_environment(
            function, values={}, endpoint_url="http://127.0.0.1:9", python_path=[HANDLERS], outer={}
        ),
        log_dir=folder,
        report=lambda who, what: reports.append((who, what)),
    )
    await runtime.start()
    try:
        yield Bench(runtime, runtime.pools[function.name], reports)
    finally:
        await runtime.stop()


def with_bench(
    folder: Path, check: Callable[[Bench], Awaitable[None]], function: Function = TINY
) -> None:
    async def run() -> None:
        async with bench(folder, function) as running:
            await check(running)

    asyncio.run(run())


def wait_for_end(process: psutil.Process) -> None:
    # psutil's own wait would take the exit status from the runtime.
    with suppress(psutil.NoSuchProcess):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            sleep(0.01)


def test_one_process_handles_one_event_after_the_other(tmp_path: Path) -> None:
    async def check(bench: Bench) -> None:
        first, second = await bench.invoke(), await bench.invoke()
        assert first["pid"] == second["pid"]
        assert second["calls"] == 2

    with_bench(tmp_path, check)


def test_events_at_once_use_more_processes(tmp_path: Path) -> None:
    async def check(bench: Bench) -> None:
        answers = await asyncio.gather(*(bench.invoke(do="sleep", s=0.4) for _ in range(2)))
        assert len({answer["pid"] for answer in answers}) == 2

    with_bench(tmp_path, check)


def test_never_more_processes_than_workers(tmp_path: Path) -> None:
    async def check(bench: Bench) -> None:
        answers = await asyncio.gather(*(bench.invoke(do="sleep", s=0.1) for _ in range(12)))
        assert len({answer["pid"] for answer in answers}) <= 4

    with_bench(tmp_path, check)


def test_the_function_sees_lambda_around_it(tmp_path: Path) -> None:
    async def check(bench: Bench) -> None:
        told = await bench.invoke(do="tell")
        assert told["function"] == "tiny"
        assert len(told["request_id"]) == 36
        assert 0 < told["remaining_ms"] <= 1000
        assert told["environment"]["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9"
        assert told["environment"]["TZ"] == "UTC"
        assert not {"PYTEST_CURRENT_TEST", "VIRTUAL_ENV"} & set(told["environment"])

    with_bench(tmp_path, check)


def test_an_exception_is_the_callers_failure_and_no_more(tmp_path: Path) -> None:
    async def check(bench: Bench) -> None:
        before = await bench.invoke()
        error = await bench.failure(do="raise")
        assert (error.error_type, error.message) == ("ValueError", "as told")
        assert "tiny.py" in "".join(error.stack_trace)
        assert bench.reports == [("tiny", "ValueError: as told")]
        assert (await bench.invoke())["pid"] == before["pid"]

    with_bench(tmp_path, check)


def test_a_function_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    async def check(bench: Bench) -> None:
        before = await bench.invoke()
        error = await bench.failure(do="sleep", s=60)
        assert error.error_type == "Sandbox.Timedout"
        assert "Task timed out after 1.00 seconds" in error.message
        assert not psutil.pid_exists(before["pid"])
        assert (await bench.invoke())["pid"] != before["pid"]

    with_bench(tmp_path, check)


def test_a_process_that_dies_is_replaced(tmp_path: Path) -> None:
    async def check(bench: Bench) -> None:
        before = await bench.invoke()
        error = await bench.failure(do="exit")
        assert error.error_type == "Runtime.ExitError"
        assert "exit status 3" in error.message
        assert (await bench.invoke())["pid"] != before["pid"]

    with_bench(tmp_path, check)


def test_a_process_killed_while_idle_costs_no_event(tmp_path: Path) -> None:
    async def check(bench: Bench) -> None:
        before = await bench.invoke()
        process = psutil.Process(before["pid"])
        process.kill()
        await asyncio.to_thread(wait_for_end, process)
        assert (await bench.invoke())["pid"] != before["pid"]

    with_bench(tmp_path, check)


def test_a_function_that_cannot_start_says_why(tmp_path: Path) -> None:
    async def check(bench: Bench) -> None:
        assert not await bench.pool.warm()
        error = await bench.failure()
        assert (error.error_type, error.message) == ("RuntimeError", "no such luck")
        assert bench.reports[0] == ("broken", "does not start: RuntimeError: no such luck")

    with_bench(tmp_path, check, replace(TINY, name="broken", entry_point="broken"))
    assert "no such luck" in (tmp_path / "broken.log").read_text()


def test_all_who_wait_for_a_function_that_cannot_start_are_told(tmp_path: Path) -> None:
    async def check(bench: Bench) -> None:
        errors = await asyncio.gather(*(bench.failure() for _ in range(3)))
        assert {error.message for error in errors} == {"no such luck"}

    with_bench(tmp_path, check, replace(TINY, name="broken", entry_point="broken"))


def test_a_missing_handler_is_named(tmp_path: Path) -> None:
    async def check(bench: Bench) -> None:
        error = await bench.failure()
        assert error.error_type == "Runtime.ImportModuleError"
        assert "functions.absent" in error.message

    with_bench(tmp_path, check, replace(TINY, entry_point="absent"))


def test_payloads_have_lambdas_limit(tmp_path: Path) -> None:
    async def check(bench: Bench) -> None:
        error = await bench.failure(padding="x" * (6 * 1024 * 1024))
        assert error.error_type == "RequestEntityTooLarge"
        error = await bench.failure(do="grow", bytes=7 * 1024 * 1024)
        assert error.error_type == "Function.ResponseSizeTooLarge"
        assert (await bench.invoke())["calls"] >= 1

    with_bench(tmp_path, check, replace(TINY, timeout_s=10))


def test_a_caller_that_gives_up_leaves_nothing_waiting(tmp_path: Path) -> None:
    async def check(bench: Bench) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await bench.invoke(do="sleep", s=0.5)
        assert (await bench.invoke())["pid"] > 0

    with_bench(tmp_path, check)


def test_stopping_ends_every_process_and_every_wait(tmp_path: Path) -> None:
    async def check(bench: Bench) -> None:
        pid = (await bench.invoke())["pid"]
        waiting = asyncio.create_task(bench.failure(do="sleep", s=60))
        await asyncio.sleep(0.1)
        since = monotonic()
        await bench.runtime.stop()
        assert (await waiting).error_type == "Runtime.Stopped"
        assert not psutil.pid_exists(pid)
        assert monotonic() - since < 2

    with_bench(tmp_path, check)
