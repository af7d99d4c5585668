"""A function for the tests of the local runtime: it does what its event says."""

import itertools
import os
import time
from collections.abc import Callable
from typing import Any

_calls = itertools.count(1)


def _sleep(event: dict[str, Any], _: Any) -> object:
    time.sleep(event["s"])
    return {"pid": os.getpid()}


def _exit(_event: dict[str, Any], _: Any) -> object:
    os._exit(3)


def _raise(_event: dict[str, Any], _: Any) -> object:
    raise ValueError("as told")


def _grow(event: dict[str, Any], _: Any) -> object:
    return "x" * event["bytes"]


def _tell(_event: dict[str, Any], context: Any) -> object:
    return {
        "environment": dict(os.environ),
        "function": context.function_name,
        "request_id": context.aws_request_id,
        "remaining_ms": context.get_remaining_time_in_millis(),
    }


_ACTIONS: dict[str, Callable[[dict[str, Any], Any], object]] = {
    "sleep": _sleep,
    "exit": _exit,
    "raise": _raise,
    "grow": _grow,
    "tell": _tell,
}


def lambda_handler(event: dict[str, Any], context: Any) -> object:
    if "do" in event:
        return _ACTIONS[event["do"]](event, context)
    if "Records" in event:
        return {"batchItemFailures": []}
    if "routeKey" in event:
        return {"statusCode": 200, "body": event["routeKey"]}
    return {"pid": os.getpid(), "calls": next(_calls)}
