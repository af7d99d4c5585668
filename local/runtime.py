"""Lambda's runtime API for the real runtime client (`awslambdaric`), and the pools behind it.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from time import time_ns

from functions.manifest import Function
from local import processes
from local.asgi import (
    BodyTooLargeError,
    Receive,
    Scope,
    Send,
    Server,
    bind,
    read_body,
    respond,
    respond_json,
)
from local.emulator import ACCOUNT_ID, REGION
from local.invocation import PAYLOAD_LIMIT_BYTES, FunctionFailedError, Invocation
from local.pool import FunctionPool, Report
from local.ports import HOST
from local.worker import Worker

_PATH = re.compile(r"/2018-06-01/runtime/(init|invocation)/(?:([^/]+)/)?(next|response|error)")
_CHECK_EVERY_S = 0.1
_HTTP_CONCURRENCY = 4

Environments = Callable[[Function], Mapping[str, str]]


class Runtime:
    """Runs each function under the real runtime client, in processes of its own."""

    def __init__(
        self,
        functions: Sequence[Function],
        *,
        environment_of: Environments,
        log_dir: Path,
        report: Report,
    ) -> None:
        self._environment_of = environment_of
        self._log_dir = log_dir
        log_dir.mkdir(parents=True, exist_ok=True)
        self.pools = {
            function.name: FunctionPool(function, self._workers(function), report=report)
            for function in functions
        }
        self._by_port = {
            worker.port: (pool, worker) for pool in self.pools.values() for worker in pool.workers
        }
        listeners = [worker.listener for _, worker in self._by_port.values()]
        self._server = Server(self._answer, listeners)
        self._checking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Be ready to invoke; processes start when they are needed or warmed."""
        await self._server.start()
        self._checking = asyncio.create_task(self._check())

    async def stop(self) -> None:
        """End all processes."""
        if self._checking is not None:
            self._checking.cancel()
        for pool in self.pools.values():
            pool.stop()
        await self._server.stop()

    def _workers(self, function: Function) -> list[Worker]:
        def launch(port: int) -> subprocess.Popen[bytes]:
            environment = dict(self._environment_of(function))
            environment["AWS_LAMBDA_RUNTIME_API"] = f"{HOST}:{port}"
            # -P: without it the current folder would be importable beside the PYTHONPATH.
            return processes.spawn(
                [sys.executable, "-P", "-m", "awslambdaric", function.handler],
                environment=environment,
                log=self._log_dir / f"{function.name}.log",
            )

        return [Worker(bind(HOST), launch) for _ in range(_concurrency(function))]

    async def _check(self) -> None:
        while True:
            for pool in self.pools.values():
                pool.check()
            await asyncio.sleep(_CHECK_EVERY_S)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        pool, worker = self._by_port[scope["server"][1]]
        matched = _PATH.fullmatch(scope["path"])
        if matched is None:
            await respond_json(send, HTTPStatus.NOT_FOUND, {"errorType": "InvalidPath"})
            return
        kind, request_id, action = matched.groups()
        if action == "next":
            await _send_next(pool, worker, send)
            return
        try:
            body = await read_body(receive, limit=PAYLOAD_LIMIT_BYTES)
        except BodyTooLargeError:
            pool.fail(worker, _too_large(pool.function.name))
            await respond_json(
                send,
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                {"errorType": "RequestEntityTooLarge"},
                [("connection", "close")],
            )
            return
        if kind == "init":
            report = _parse_report(body)
            worker.init_error = FunctionFailedError.from_report(pool.function.name, report)
        elif worker.current is not None and worker.current.request_id == request_id:
            _settle(pool, worker, action, body)
        await respond_json(send, HTTPStatus.ACCEPTED, {"status": "OK"})


def _concurrency(function: Function) -> int:
    http = _HTTP_CONCURRENCY if function.routes else 0
    queue = function.queue_trigger.max_concurrency if function.queue_trigger else 0
    return http + queue + len(function.schedules) or 1


async def _send_next(pool: FunctionPool, worker: Worker, send: Send) -> None:
    waiting = worker.wait_for_event()
    pool.dispatch()
    try:
        invocation = await waiting
    except asyncio.CancelledError:
        # The slot was cleared: the process is dead and nobody reads this answer.
        await respond(send, HTTPStatus.GONE)
        return
    headers = _headers(pool.function, invocation)
    await respond(send, HTTPStatus.OK, headers, invocation.payload)


def _headers(function: Function, invocation: Invocation) -> list[tuple[str, str]]:
    deadline_ms = time_ns() // 1_000_000 + function.timeout_s * 1000
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{function.name}"
    return [
        ("content-type", "application/json"),
        ("lambda-runtime-aws-request-id", invocation.request_id),
        ("lambda-runtime-deadline-ms", str(deadline_ms)),
        ("lambda-runtime-invoked-function-arn", arn),
    ]


def _settle(pool: FunctionPool, worker: Worker, action: str, body: bytes) -> None:
    if action == "response":
        pool.succeed(worker, body)
        return
    report = _parse_report(body)
    pool.fail(worker, FunctionFailedError.from_report(pool.function.name, report))


def _parse_report(body: bytes) -> dict[str, object]:
    try:
        document = json.loads(body)
    except ValueError:
        return {"errorMessage": body.decode(errors="replace")}
    return document if isinstance(document, dict) else {"errorMessage": str(document)}


def _too_large(name: str) -> FunctionFailedError:
    return FunctionFailedError(
        name, "Function.ResponseSizeTooLarge", "the response passes Lambda's limit of 6 MB"
    )
