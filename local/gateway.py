"""The one address of the product: API Gateway for the functions, CloudFront for the media."""

import asyncio
import base64
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from http import HTTPStatus
from typing import Any, Protocol

from functions.manifest import Function
from local.asgi import (
    BodyTooLargeError,
    Receive,
    Scope,
    Send,
    read_body,
    respond,
    respond_json,
)
from local.events import (
    HttpRequest,
    HttpResponse,
    MalformedResultError,
    http_api_event,
    http_response,
)
from local.invocation import FunctionFailedError, Invokes
from local.pool import Report
from local.routes import Match, RouteTable

BODY_LIMIT_BYTES = 10 * 1024 * 1024
INTEGRATION_TIMEOUT_S = 30.0

_MEDIA = "/media/"


class Media(Protocol):
    """Something that serves media files."""

    async def serve(self, key: str, scope: Scope, send: Send) -> None:
        """Answer the request for the object."""
        ...


class Gateway:
    """An ASGI application that answers as API Gateway would."""

    def __init__(
        self,
        functions: Sequence[Function],
        invokers: Mapping[str, Invokes],
        *,
        media: Media,
        report: Report,
        integration_timeout_s: float = INTEGRATION_TIMEOUT_S,
    ) -> None:
        self._routes = RouteTable(functions)
        self._invokers = invokers
        self._media = media
        self._report = report
        self._integration_timeout_s = integration_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method = scope["method"]
        raw_path = scope["raw_path"].decode("latin-1")
        match = self._routes.find(method, raw_path)
        if match is not None:
            await self._call_function(match, scope, receive, send)
        elif raw_path.startswith(_MEDIA):
            await self._media.serve(scope["path"].removeprefix(_MEDIA), scope, send)
        elif raw_path == "/" and method in {"GET", "HEAD"}:
            await respond(
                send,
                HTTPStatus.OK,
                [("content-type", "text/html; charset=utf-8")],
                _start_page(scope),
            )
        elif self._routes.everything_else is not None:
            await self._call_function(self._routes.everything_else, scope, receive, send)
        else:
            await _refuse(send, HTTPStatus.NOT_FOUND, "Not Found", _request_id())

    async def _call_function(
        self, match: Match, scope: Scope, receive: Receive, send: Send
    ) -> None:
        request_id = _request_id()
        try:
            body = await read_body(receive, limit=BODY_LIMIT_BYTES)
        except BodyTooLargeError:
            await _refuse(
                send,
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "Request Entity Too Large",
                request_id,
                close=True,  # the rest of the body is not worth reading
            )
            return
        event = http_api_event(
            _http_request(scope, body), match, request_id=request_id, now=datetime.now(UTC)
        )
        try:
            response = await self._invoke(match.function, event)
        except TimeoutError:
            self._report(match.function.name, "no answer within the integration timeout")
            await _refuse(send, HTTPStatus.SERVICE_UNAVAILABLE, "Service Unavailable", request_id)
        except (FunctionFailedError, MalformedResultError) as error:
            if isinstance(error, MalformedResultError):
                self._report(match.function.name, f"malformed response: {error}")
            await _refuse(
                send, HTTPStatus.INTERNAL_SERVER_ERROR, "Internal Server Error", request_id
            )
        else:
            await respond(
                send,
                response.status,
                [*response.headers, ("apigw-requestid", request_id)],
                response.body,
            )

    async def _invoke(self, function: Function, event: dict[str, Any]) -> HttpResponse:
        async with asyncio.timeout(self._integration_timeout_s):
            return http_response(await self._invokers[function.name].invoke(event))


def _http_request(scope: Scope, body: bytes) -> HttpRequest:
    return HttpRequest(
        method=scope["method"],
        raw_path=scope["raw_path"].decode("latin-1"),
        raw_query=scope["query_string"].decode("latin-1"),
        protocol=f"HTTP/{scope['http_version']}",
        headers=[
            (name.decode("latin-1").lower(), value.decode("latin-1"))
            for name, value in scope["headers"]
        ],
        body=body,
        peer=scope["client"][0],
        port=scope["server"][1],
    )


async def _refuse(
    send: Send, status: int, message: str, request_id: str, *, close: bool = False
) -> None:
    headers = [("apigw-requestid", request_id)]
    if close:
        headers.append(("connection", "close"))
    await respond_json(send, status, {"message": message}, headers)


def _request_id() -> str:
    # As API Gateway's look: 15 characters of base64 and a padding.
    return base64.b64encode(secrets.token_bytes(11)).decode()


def _start_page(scope: Scope) -> bytes:
    host = next(
        (value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), ""
    )
    links = "".join(
        f'<li><a href="{path}">http://{escape(host)}{path}</a> {what}</li>'
        for path, what in (
            ("/api/docs", "the API's documentation"),
            ("/api/openapi.json", "the same for programs"),
            ("/health", "how each dependency is"),
            ("/api/v1/vast?placement=demo", "an ad, as VAST"),
        )
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>CTV ad server</title>"
        f"<h1>CTV ad server</h1><p>It runs. Try:</p><ul>{links}</ul></html>"
    ).encode()
