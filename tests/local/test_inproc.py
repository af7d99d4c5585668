"""All functions in one process: each runs with its own environment, and fails alone."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from functions.manifest import Function
from local import inproc
from local.inproc import InProcessRuntime
from local.invocation import FunctionFailedError


def a_function(name: str, entry_point: str = "told") -> Function:
    return Function(
        name=name, entry_point=entry_point, purpose="test", memory_mib=128, timeout_s=1, needs=()
    )


def handler(event: dict[str, Any], context: inproc.Context) -> dict[str, Any]:
    if event.get("raise"):
        raise ValueError(event["raise"])
    return {
        "event": event,
        "environment": dict(os.environ),
        "function": context.function_name,
        "request": context.aws_request_id,
    }


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcessRuntime]:
    module = ModuleType("functions.told")
    vars(module)["lambda_handler"] = handler
    monkeypatch.setitem(sys.modules, "functions.told", module)
    runtime = InProcessRuntime(
        [a_function("one"), a_function("other"), a_function("broken", "no_such_module")],
        environment_of=lambda function: {"OWN": function.name},
    )
    yield runtime
    asyncio.run(runtime.stop())


def invoke(runtime: InProcessRuntime, name: str, event: dict[str, Any]) -> Any:
    async def call() -> bytes:
        await runtime.start()
        return await runtime.pools[name].invoke(event)

    return json.loads(asyncio.run(call()))


def test_a_handler_sees_only_its_own_environment(runtime: InProcessRuntime) -> None:
    before = dict(os.environ)
    for name in ("one", "other"):
        answer = invoke(runtime, name, {"n": 1})
        assert answer["environment"] == {"OWN": name}
        assert answer["function"] == name
        assert answer["event"] == {"n": 1}
    assert dict(os.environ) == before


def test_each_call_has_a_request_id_of_its_own(runtime: InProcessRuntime) -> None:
    assert invoke(runtime, "one", {})["request"] != invoke(runtime, "one", {})["request"]


def test_a_failure_is_told_as_lambda_tells_it_and_leaves_the_environment(
    runtime: InProcessRuntime,
) -> None:
    before = dict(os.environ)
    with pytest.raises(FunctionFailedError, match="boom") as failed:
        invoke(runtime, "one", {"raise": "boom"})
    assert failed.value.error_type == "ValueError"
    assert any("boom" in line for line in failed.value.stack_trace)
    assert dict(os.environ) == before


def test_warming_tells_whether_the_handler_can_be_imported(runtime: InProcessRuntime) -> None:
    assert asyncio.run(runtime.pools["one"].warm())
    assert not asyncio.run(runtime.pools["broken"].warm())
    runtime.pools["broken"].stop()
