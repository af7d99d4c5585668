"""HTTP to Lambda and back, as an API Gateway HTTP API does it with payload format 2.0.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from local.emulator import ACCOUNT_ID
from local.routes import Match

API_ID = "local"
STAGE = "$default"

_TEXT_TYPES = ("application/json", "application/javascript", "application/xml")
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "te"})


class MalformedResultError(Exception):
    """The function returned something that API Gateway cannot turn into a response."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it came over the wire; header names in lower case, in the order sent."""

    method: str
    raw_path: str
    raw_query: str
    protocol: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    peer: str
    port: int


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response to put on the wire."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


def http_api_event(
    request: HttpRequest, match: Match, *, request_id: str, now: datetime
) -> dict[str, Any]:
    """Return the event that API Gateway would send for the request."""
    headers = _joined_headers(request)
    domain = urlsplit(f"//{headers.get('host', '')}").hostname or "localhost"
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": match.route.key,
        "rawPath": unquote(request.raw_path),
        "rawQueryString": request.raw_query,
    }
    if cookies := _cookies(request):
        event["cookies"] = cookies
    event["headers"] = headers
    if request.raw_query:
        event["queryStringParameters"] = _joined_query(request.raw_query)
    if match.path_parameters:
        event["pathParameters"] = dict(match.path_parameters)
    event["requestContext"] = {
        "accountId": ACCOUNT_ID,
        "apiId": API_ID,
        "domainName": domain,
        "domainPrefix": domain.split(".", 1)[0],
        "http": {
            "method": request.method,
            "path": unquote(request.raw_path),
            "protocol": request.protocol,
            "sourceIp": request.peer,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": request_id,
        "routeKey": match.route.key,
        "stage": STAGE,
        "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now.timestamp() * 1000),
    }
    return event | _body_fields(request.body, headers.get("content-type", ""))


def http_response(result: bytes) -> HttpResponse:
    """Return the response that API Gateway would make of a function's result.

    Raises:
        MalformedResultError: it would answer 500 instead.
    """
    document = json.loads(result)
    if not (isinstance(document, dict) and "statusCode" in document):
        # The function left it to API Gateway to infer: the whole result is the body.
        body = document if isinstance(document, str) else result.decode()
        return HttpResponse(HTTPStatus.OK, [("content-type", "application/json")], body.encode())
    try:
        status = int(document["statusCode"])
        headers = [
            (str(name).lower(), _header_value(value))
            for name, value in (document.get("headers") or {}).items()
        ]
        cookies = [("set-cookie", str(cookie)) for cookie in document.get("cookies") or []]
        body_bytes = _response_body(document)
    except (AttributeError, TypeError, ValueError) as error:
        raise MalformedResultError(str(error)) from error
    if body_bytes and not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain;charset=UTF-8"))
    return HttpResponse(status, headers + cookies, body_bytes)


def _joined_headers(request: HttpRequest) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in request.headers:
        if name not in _HOP_BY_HOP and name != "cookie":
            headers[name] = f"{headers[name]},{value}" if name in headers else value
    forwarded = headers.get("x-forwarded-for")
    headers["x-forwarded-for"] = f"{forwarded}, {request.peer}" if forwarded else request.peer
    headers["x-forwarded-port"] = str(request.port)
    headers["x-forwarded-proto"] = "http"
    return headers


def _cookies(request: HttpRequest) -> list[str]:
    lines = [value for name, value in request.headers if name == "cookie"]
    return [cookie.strip() for line in lines for cookie in line.split(";") if cookie.strip()]


def _joined_query(raw_query: str) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in parse_qsl(raw_query, keep_blank_values=True):
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _body_fields(body: bytes, content_type: str) -> dict[str, Any]:
    if not body:
        return {"isBase64Encoded": False}
    if _is_text(content_type):
        try:
            return {"body": body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass  # the type promises text, the bytes are something else, perhaps compressed
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def _is_text(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    # Forms are not among them: API Gateway hands them over in base64.
    return not kind or kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith("+json")


def _header_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    text.encode("latin-1")  # raises ValueError: such a header cannot be sent
    return text


def _response_body(document: dict[str, Any]) -> bytes:
    body = document.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise TypeError(f"body must be a string, not {type(body).__name__}")
    if not document.get("isBase64Encoded"):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise ValueError(f"body is not base64: {error}") from error
