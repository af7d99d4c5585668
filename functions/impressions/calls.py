"""Turn requests into tracking calls: one of an address, one of a JSON body, or many at once."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from ctv_ads.domain.beacon import MAX_BEACONS_OF_A_CALL, BeaconEvent
from ctv_ads.errors import FieldProblem, InvalidRequestError
from ctv_ads.use_cases.collect_beacon import BeaconCall

_EVENTS = frozenset(event.value for event in BeaconEvent)


def call_of_address(event: Mapping[str, Any]) -> BeaconCall:
    """Return the call that a beacon address makes; whatever its query says, it is one."""
    path = event["pathParameters"]
    code = (event.get("queryStringParameters") or {}).get("code", "")
    return _call(path["event"], path["token"], code)


def impression_of_body(event: Mapping[str, Any]) -> BeaconCall:
    """Return the impression that `{"token": "…"}` reports.

    Raises:
        InvalidRequestError: the body is no JSON object with a token.
    """
    document = _document(event)
    token = document.get("token") if isinstance(document, dict) else None
    if not isinstance(token, str) or not token:
        problem = FieldProblem("token", "missing", "send the token of the ad that was shown")
        raise InvalidRequestError("no token is named", [problem])
    return BeaconCall(BeaconEvent.IMPRESSION, token)


def calls_of_body(event: Mapping[str, Any]) -> list[BeaconCall | FieldProblem]:
    """Return the calls of `{"events": [{"event", "token", "code"?}, …]}`, in their order.

    An item that is none is told by its own problem and costs the others nothing.

    Raises:
        InvalidRequestError: there is no list of 1 to 500 events.
    """
    document = _document(event)
    items = document.get("events") if isinstance(document, dict) else None
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_BEACONS_OF_A_CALL:
        message = f"send a list of 1 to {MAX_BEACONS_OF_A_CALL} events"
        raise InvalidRequestError(message, [FieldProblem("events", "wrong_number", message)])
    return [_item(number, item) for number, item in enumerate(items)]


def _item(number: int, item: object) -> BeaconCall | FieldProblem:
    if not isinstance(item, dict):
        return FieldProblem(f"events.{number}", "malformed", "must be an object")
    name, token = item.get("event"), item.get("token")
    if not isinstance(name, str) or name not in _EVENTS:
        message = f"must be one of {', '.join(BeaconEvent)}"
        return FieldProblem(f"events.{number}.event", "unknown_event", message)
    if not isinstance(token, str) or not token:
        message = "send the token of the ad"
        return FieldProblem(f"events.{number}.token", "missing", message)
    return _call(name, token, str(item.get("code", "")))


def _call(name: str, token: str, code: str) -> BeaconCall:
    return BeaconCall(name, token, _vast_error(code) if name == BeaconEvent.ERROR else None)


def _vast_error(text: str) -> int | None:
    """Return the VAST error code (VAST 4.2 §2.3.6), or None for a macro left in place."""
    return int(text) if text.isascii() and text.isdigit() and len(text) == 3 else None


def _document(event: Mapping[str, Any]) -> object:
    try:
        text = event.get("body") or ""
        return json.loads(base64.b64decode(text) if event.get("isBase64Encoded") else text)
    except (ValueError, RecursionError, binascii.Error) as error:
        raise InvalidRequestError("the body is not valid JSON") from error
