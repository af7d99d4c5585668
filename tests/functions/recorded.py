"""Recorded AWS events, changed where a test is about it."""

import base64
import copy
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

_EVENTS = Path(__file__).resolve().parent.parent / "events"
Event = dict[str, Any]
REQUEST_ID = "JKJaXmPLvHcESHA="


def recorded(name: str) -> Event:
    event: Event = json.loads((_EVENTS / f"{name}.json").read_text())
    return event


def api_event(
    method: str,
    path: str,
    *,
    body: object = None,
    headers: dict[str, str] | None = None,
    path_parameters: dict[str, str] | None = None,
    is_base64: bool = False,
) -> Event:
    """Return an API Gateway v2 event; a body that is no text is sent as JSON."""
    raw_path, _, query = path.partition("?")
    event = recorded("api_gateway_v2")
    event["rawPath"], event["rawQueryString"] = raw_path, query
    event["routeKey"] = f"{method} {raw_path}"
    event["requestContext"]["http"] |= {"method": method, "path": raw_path}
    if query:
        joined: dict[str, list[str]] = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            joined.setdefault(name, []).append(value)
        # API Gateway joins the values of a repeated parameter, and only there they can be told.
        event["queryStringParameters"] = {name: ",".join(values) for name, values in joined.items()}
    if path_parameters:
        event["pathParameters"] = path_parameters
    if body is not None:
        text = body if isinstance(body, str) else json.dumps(body)
        event["headers"]["content-type"] = "application/json"
        event["body"] = base64.b64encode(text.encode()).decode() if is_base64 else text
        event["isBase64Encoded"] = is_base64
    event["headers"] |= headers or {}
    return event


def sqs_event(*bodies: str) -> Event:
    """Return an SQS batch whose messages are called m0, m1, …"""
    (template,) = recorded("sqs")["Records"]
    records = []
    for number, body in enumerate(bodies):
        record = copy.deepcopy(template) | {"messageId": f"m{number}", "body": body}
        records.append(record)
    return {"Records": records}


def received(event: Event, times: int) -> Event:
    """Let the messages of a batch have been received so often."""
    for record in event["Records"]:
        record["attributes"]["ApproximateReceiveCount"] = str(times)
    return event


def failures(answer: Any) -> list[str]:
    """Return the ids of the messages that a handler reports as failed."""
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


class Context:
    """Lambda's context, as far as handlers look at it."""

    def __init__(self, *left_ms: int) -> None:
        """Take what is left of the timeout at each time of asking; the last holds."""
        self._left_ms = list(left_ms) or [30_000]

    def get_remaining_time_in_millis(self) -> int:
        return self._left_ms.pop(0) if len(self._left_ms) > 1 else self._left_ms[0]
