"""Take beacons from players, verify them, hand them to the queue.

A player is told 204 whatever its token says; only when the queue refuses is it told 503, so
that it may retry.
"""

import base64
import binascii
import json
import logging
from http import HTTPStatus
from typing import Any

from ctv_ads.bootstrap.decision_plane import collector
from ctv_ads.domain.beacon import BeaconEvent
from ctv_ads.errors import DependencyUnavailableError, FieldProblem, InvalidRequestError
from ctv_ads.use_cases.collect_beacon import BeaconCall, BeaconOutcome
from ctv_ads.web.problems import problem, problem_of, problem_response
from ctv_ads.web.security import MACHINE_HEADERS
from functions.impressions.client import device_of

_LOG = logging.getLogger(__name__)
_HEADERS = {
    **MACHINE_HEADERS,
    "access-control-allow-origin": "*",
    "cache-control": "no-store",
}
_PREFLIGHT_HEADERS = {
    **_HEADERS,
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "access-control-allow-headers": "content-type",
    "access-control-max-age": "86400",
}


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Answer one tracking call."""
    method = event["requestContext"]["http"]["method"]
    if method == "OPTIONS":
        return _no_content(_PREFLIGHT_HEADERS)
    request_id = event["requestContext"]["requestId"]
    try:
        call = _beacon_call(event) if method == "GET" else _impression_call(event)
        _collect(call)
    except InvalidRequestError as error:
        document = problem(
            HTTPStatus.BAD_REQUEST, str(error), request_id=request_id, errors=error.problems
        )
        return problem_response(document, **_HEADERS)
    except DependencyUnavailableError as error:
        _LOG.error("beacon not taken: %s", error)
        document = problem_of(error, request_id=request_id)
        return problem_response(document, **_HEADERS, **{"retry-after": "1"})
    return _no_content(_HEADERS)


def _collect(call: BeaconCall) -> None:
    outcome = collector()(call)
    if outcome is not BeaconOutcome.QUEUED:
        _LOG.warning("beacon not counted: %s event=%.40r", outcome, call.event)


def _beacon_call(event: dict[str, Any]) -> BeaconCall:
    path = event["pathParameters"]
    code = (event.get("queryStringParameters") or {}).get("code", "")
    is_error = path["event"] == BeaconEvent.ERROR
    return _call(event, path["event"], path["token"], _vast_error(code) if is_error else None)


def _impression_call(event: dict[str, Any]) -> BeaconCall:
    """Read `{"token": "…"}`.

    Raises:
        InvalidRequestError: the body is no JSON object with a token.
    """
    try:
        text = event.get("body") or ""
        document = json.loads(base64.b64decode(text) if event.get("isBase64Encoded") else text)
    except (ValueError, RecursionError, binascii.Error) as error:
        raise InvalidRequestError("the body is not valid JSON") from error
    token = document.get("token") if isinstance(document, dict) else None
    if not isinstance(token, str) or not token:
        problem = FieldProblem("token", "missing", "send the token of the ad that was shown")
        raise InvalidRequestError("no token is named", [problem])
    return _call(event, BeaconEvent.IMPRESSION, token, None)


def _call(event: dict[str, Any], name: str, token: str, error_code: int | None) -> BeaconCall:
    source_ip = event["requestContext"]["http"]["sourceIp"]
    network, agent = device_of(event.get("headers", {}), source_ip)
    return BeaconCall(name, token, network, agent, error_code)


def _vast_error(text: str) -> int | None:
    """Return the VAST error code (VAST 4.2 §2.3.6), or None for a macro left in place."""
    return int(text) if text.isascii() and text.isdigit() and len(text) == 3 else None


def _no_content(headers: dict[str, str]) -> dict[str, Any]:
    return {"statusCode": HTTPStatus.NO_CONTENT.value, "headers": headers, "body": ""}
