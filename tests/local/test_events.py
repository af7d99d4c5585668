"""Requests become payload format 2.0, results become responses, as AWS documents both."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from local.events import HttpRequest, MalformedResultError, http_api_event, http_response
from local.routes import RouteTable
from tests.local.test_routes import a_function

NOW = datetime(2020, 3, 12, 19, 3, 58, 390_000, tzinfo=UTC)
TABLE = RouteTable([a_function("f", "POST /my/{thing}/path")])


def event_of(
    *,
    path: str = "/my/own/path",
    query: str = "",
    headers: list[tuple[str, str]] | None = None,
    body: bytes = b"",
) -> dict[str, Any]:
    request = HttpRequest(
        method="POST",
        raw_path=path,
        raw_query=query,
        protocol="HTTP/1.1",
        headers=[("host", "localhost:3000"), *(headers or [])],
        body=body,
        peer="192.0.2.1",
        port=3000,
    )
    match = TABLE.find("POST", path)
    assert match is not None
    return http_api_event(request, match, request_id="JKJaXmPLvHcESHA=", now=NOW)


def test_event_has_the_documented_shape() -> None:
    event = event_of(
        path="/my/o%20n/path",
        query="parameter1=value1&parameter1=value2&parameter2=a%20b&flag",
        headers=[
            ("cookie", "cookie1=a; cookie2=b"),
            ("header1", "value1"),
            ("header2", "value1"),
            ("header2", "value2"),
            ("user-agent", "tv/1"),
            ("x-forwarded-for", "203.0.113.7"),
            ("connection", "keep-alive"),
            ("content-type", "application/json"),
        ],
        body=b'{"a":1}',
    )
    assert event == {
        "version": "2.0",
        "routeKey": "POST /my/{thing}/path",
        "rawPath": "/my/o n/path",
        "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=a%20b&flag",
        "cookies": ["cookie1=a", "cookie2=b"],
        "headers": {
            "host": "localhost:3000",
            "header1": "value1",
            "header2": "value1,value2",
            "user-agent": "tv/1",
            "x-forwarded-for": "203.0.113.7, 192.0.2.1",
            "x-forwarded-port": "3000",
            "x-forwarded-proto": "http",
            "content-type": "application/json",
        },
        "queryStringParameters": {
            "parameter1": "value1,value2",
            "parameter2": "a b",
            "flag": "",
        },
        "pathParameters": {"thing": "o n"},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": "localhost",
            "domainPrefix": "localhost",
            "http": {
                "method": "POST",
                "path": "/my/o n/path",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "tv/1",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "POST /my/{thing}/path",
            "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1584039838390,
        },
        "body": '{"a":1}',
        "isBase64Encoded": False,
    }


def test_absent_parts_are_left_out() -> None:
    assert {"cookies", "queryStringParameters", "body"}.isdisjoint(event_of())


@pytest.mark.parametrize(
    ("content_type", "body", "encoding"),
    [
        ("application/json", b'{"name":"caf\xc3\xa9"}', "text"),
        ("text/plain; charset=utf-8", b"hello", "text"),
        ("application/xml", b"<a/>", "text"),
        ("application/x-www-form-urlencoded", b"a=b", "base64"),
        ("application/octet-stream", b"hello", "base64"),
        ("application/json", b"\x1f\x8b\x08", "base64"),
    ],
)
def test_only_text_travels_as_text(content_type: str, body: bytes, encoding: str) -> None:
    event = event_of(headers=[("content-type", content_type)], body=body)
    assert event["isBase64Encoded"] is (encoding == "base64")
    text = event["body"]
    assert (base64.b64decode(text) if encoding == "base64" else text.encode()) == body


def test_result_becomes_the_response() -> None:
    response = http_response(
        json.dumps(
            {
                "statusCode": 201,
                "headers": {"Content-Type": "image/gif", "X-Count": 3, "X-Flag": True},
                "cookies": ["a=1; HttpOnly", "b=2"],
                "body": base64.b64encode(b"GIF89a").decode(),
                "isBase64Encoded": True,
            }
        ).encode()
    )
    assert (response.status, response.body) == (201, b"GIF89a")
    assert list(response.headers) == [
        ("content-type", "image/gif"),
        ("x-count", "3"),
        ("x-flag", "true"),
        ("set-cookie", "a=1; HttpOnly"),
        ("set-cookie", "b=2"),
    ]


@pytest.mark.parametrize(
    ("result", "body"),
    [(b'{"message":"hi"}', b'{"message":"hi"}'), (b'"hello"', b"hello"), (b"[1]", b"[1]")],
)
def test_result_without_status_is_the_body(result: bytes, body: bytes) -> None:
    response = http_response(result)
    assert (response.status, response.body) == (200, body)
    assert list(response.headers) == [("content-type", "application/json")]


def test_text_without_a_type_is_plain() -> None:
    response = http_response(b'{"statusCode":200,"body":"hi"}')
    assert list(response.headers) == [("content-type", "text/plain;charset=UTF-8")]


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": "many"},
        {"statusCode": 200, "body": {"a": 1}},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "body": "%%%", "isBase64Encoded": True},
    ],
)
def test_malformed_results_are_refused(result: dict[str, Any]) -> None:
    with pytest.raises(MalformedResultError):
        http_response(json.dumps(result).encode())
