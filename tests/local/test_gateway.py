"""The gateway answers over the wire as an HTTP API does."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx

from functions.manifest import EVERYTHING_ELSE, Function
from local.asgi import Scope, Send, Server, bind, respond
from local.gateway import BODY_LIMIT_BYTES, Gateway
from local.invocation import FunctionFailedError
from tests.local.test_routes import a_function

KEYS = ("GET /api/{thing}", "POST /api/{thing}", "HEAD /api/{thing}")
FUNCTION = a_function("f", *KEYS)
FUNCTION_FOR_ALL = replace(FUNCTION, routes=(*FUNCTION.routes, EVERYTHING_ELSE))


class Handler:
    """Stands for a function: remembers its events, answers what it was told to."""

    def __init__(self, answer: object = None, *, takes_s: float = 0.0) -> None:
        self.answer = {"statusCode": 200, "body": "ok"} if answer is None else answer
        self.takes_s = takes_s
        self.events: list[Any] = []

    async def invoke(self, event: object) -> bytes:
        self.events.append(event)
        await asyncio.sleep(self.takes_s)
        if isinstance(self.answer, Exception):
            raise self.answer
        return json.dumps(self.answer).encode()


class NoMedia:
    async def serve(self, key: str, scope: Scope, send: Send) -> None:
        await respond(send, 200, [], f"media {key}".encode())


Check = Callable[[httpx.AsyncClient], Awaitable[None]]


def with_gateway(
    handler: Handler, check: Check, function: Function = FUNCTION
) -> list[tuple[str, str]]:
    """Run `check` against a gateway; return what it reported."""
    reports: list[tuple[str, str]] = []

    async def run() -> None:
        gateway = Gateway(
            [function],
            {"f": handler},
            media=NoMedia(),
            report=lambda who, what: reports.append((who, what)),
            integration_timeout_s=0.5,
        )
        listener = bind("127.0.0.1")
        port = listener.getsockname()[1]
        server = Server(gateway, [listener])
        await server.start()
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                await check(client)
        finally:
            await server.stop()

    asyncio.run(run())
    return reports


def test_a_request_reaches_the_function_as_an_event() -> None:
    handler = Handler({"statusCode": 201, "headers": {"X-A": "b"}, "cookies": ["s=1"], "body": "é"})

    async def check(client: httpx.AsyncClient) -> None:
        response = await client.post(
            "/api/caf%C3%A9?a=1&a=2",
            json={"k": "v"},
            headers={"Cookie": "a=b; c=d", "X-Forwarded-For": "203.0.113.7"},
        )
        assert (response.status_code, response.text) == (201, "é")
        assert response.headers["x-a"] == "b"
        assert response.headers["set-cookie"] == "s=1"
        assert len(response.headers["apigw-requestid"]) == 16

    with_gateway(handler, check)
    (event,) = handler.events
    assert event["pathParameters"] == {"thing": "café"}
    assert event["queryStringParameters"] == {"a": "1,2"}
    assert event["cookies"] == ["a=b", "c=d"]
    assert json.loads(event["body"]) == {"k": "v"}
    assert event["headers"]["x-forwarded-for"] == "203.0.113.7, 127.0.0.1"
    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"


def test_without_a_default_route_the_gateway_itself_refuses() -> None:
    async def check(client: httpx.AsyncClient) -> None:
        for method, path in (("GET", "/nothing"), ("DELETE", "/api/x"), ("OPTIONS", "/api/x")):
            response = await client.request(method, path)
            assert (response.status_code, response.text) == (404, '{"message":"Not Found"}')

    handler = Handler()
    with_gateway(handler, check)
    assert handler.events == []


def test_what_no_route_fits_reaches_the_default_route() -> None:
    async def check(client: httpx.AsyncClient) -> None:
        for method, path in (("GET", "/nothing"), ("DELETE", "/api/x"), ("POST", "/")):
            assert (await client.request(method, path)).text == "ok"
        assert (await client.get("/media/a.mp4")).text == "media a.mp4"
        assert "/api/docs" in (await client.get("/")).text

    handler = Handler()
    with_gateway(handler, check, FUNCTION_FOR_ALL)
    assert [event["routeKey"] for event in handler.events] == ["$default"] * 3
    assert [event["rawPath"] for event in handler.events] == ["/nothing", "/api/x", "/"]
    assert all("pathParameters" not in event for event in handler.events)


def test_a_head_route_answers_without_a_body() -> None:
    async def check(client: httpx.AsyncClient) -> None:
        response = await client.head("/api/x")
        assert (response.status_code, response.content) == (200, b"")
        assert response.headers["content-length"] == "2"

    with_gateway(Handler(), check)


def test_a_failure_shows_nothing_of_itself() -> None:
    async def check(client: httpx.AsyncClient) -> None:
        response = await client.get("/api/x")
        assert (response.status_code, response.text) == (
            500,
            '{"message":"Internal Server Error"}',
        )

    with_gateway(Handler(FunctionFailedError("f", "ValueError", "secret")), check)


def test_a_malformed_result_is_reported() -> None:
    async def check(client: httpx.AsyncClient) -> None:
        assert (await client.get("/api/x")).status_code == 500

    reports = with_gateway(Handler({"statusCode": 200, "body": {"a": 1}}), check)
    assert reports == [("f", "malformed response: body must be a string, not dict")]


def test_a_function_without_an_answer_is_unavailable() -> None:
    async def check(client: httpx.AsyncClient) -> None:
        response = await client.get("/api/x")
        assert (response.status_code, response.text) == (503, '{"message":"Service Unavailable"}')

    assert with_gateway(Handler(takes_s=5), check) == [
        ("f", "no answer within the integration timeout")
    ]


def test_ten_megabytes_are_the_limit() -> None:
    handler = Handler()

    async def check(client: httpx.AsyncClient) -> None:
        largest = await client.post("/api/x", content=b"x" * BODY_LIMIT_BYTES)
        assert largest.status_code == 200
        too_large = await client.post("/api/x", content=b"x" * (BODY_LIMIT_BYTES + 1))
        assert too_large.status_code == 413
        assert (await client.post("/api/x", content=b"x")).status_code == 200

    with_gateway(handler, check)
    assert len(handler.events) == 2


def test_media_and_the_start_page_have_their_paths() -> None:
    async def check(client: httpx.AsyncClient) -> None:
        assert (await client.get("/media/a/b%20c.mp4")).text == "media a/b c.mp4"
        page = await client.get("/")
        assert "/api/docs" in page.text
        assert page.headers["content-type"] == "text/html; charset=utf-8"

    with_gateway(Handler(), check)


def test_answers_do_not_wait_for_acknowledgements() -> None:
    # asyncio sets TCP_NODELAY only on sockets that name their protocol.
    with bind("127.0.0.1") as listener:
        assert listener.proto == socket.IPPROTO_TCP
