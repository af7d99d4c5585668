"""Take beacons from players, verify them, hand them to the queue.

A player is told 204 whatever its token says; only when the queue refuses is it told 503, so
that it may retry. HEAD and OPTIONS are answered and not counted.
"""

import json
import logging
from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from ctv_ads.bootstrap.collector import believed, collector
from ctv_ads.errors import DependencyUnavailableError, FieldProblem, InvalidRequestError
from ctv_ads.use_cases.collect_beacon import BeaconCall, BeaconOutcome
from ctv_ads.web.problems import problem, problem_of, problem_response
from ctv_ads.web.security import MACHINE_HEADERS
from functions.impressions.calls import call_of_address, calls_of_body, impression_of_body
from functions.impressions.client import caller_of

_LOG = logging.getLogger(__name__)
_HEADERS = {
    **MACHINE_HEADERS,
    "access-control-allow-origin": "*",
    "cache-control": "no-store",
}
_PREFLIGHT_HEADERS = {
    **_HEADERS,
    "access-control-allow-methods": "GET, HEAD, POST, OPTIONS",
    "access-control-allow-headers": "content-type",
    "access-control-max-age": "86400",
}
_EVENTS_ROUTE = "POST /api/v1/events"
# The smallest transparent picture, for players that fire beacons as images.
_GIF = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Answer one tracking call, or many in one."""
    method = event["requestContext"]["http"]["method"]
    if method == "OPTIONS":
        return _no_content(_PREFLIGHT_HEADERS)
    if method == "HEAD":
        return _seen(event)
    request_id = event["requestContext"]["requestId"]
    try:
        if event["routeKey"] == _EVENTS_ROUTE:
            return _many(event)
        _collect([call_of_address(event) if method == "GET" else impression_of_body(event)], event)
    except InvalidRequestError as error:
        document = problem(
            HTTPStatus.BAD_REQUEST, str(error), request_id=request_id, errors=error.problems
        )
        return problem_response(document, **_HEADERS)
    except DependencyUnavailableError as error:
        _LOG.error("beacon not taken: %s", error)
        document = problem_of(error, request_id=request_id)
        return problem_response(document, **_HEADERS, **{"retry-after": "1"})
    return _seen(event)


def _many(event: dict[str, Any]) -> dict[str, Any]:
    found = calls_of_body(event)
    calls = [item for item in found if isinstance(item, BeaconCall)]
    outcomes = iter(_collect(calls, event))
    results = [
        _taken(next(outcomes)) if isinstance(item, BeaconCall) else _rejected(item)
        for item in found
    ]
    body = {"accepted": len(calls), "rejected": len(found) - len(calls), "results": results}
    return {
        "statusCode": HTTPStatus.OK.value,
        "headers": {**_HEADERS, "content-type": "application/json"},
        "body": json.dumps(body),
    }


def _taken(outcome: BeaconOutcome) -> dict[str, Any]:
    """Tell what the caller may know: nothing of what the token says."""
    return {"status": "duplicate" if outcome is BeaconOutcome.DUPLICATE else "accepted"}


def _rejected(item: FieldProblem) -> dict[str, Any]:
    error = {"path": item.path, "code": item.code, "message": item.message}
    return {"status": "rejected", "error": error}


def _collect(calls: Sequence[BeaconCall], event: dict[str, Any]) -> Sequence[BeaconOutcome]:
    source_ip = event["requestContext"]["http"]["sourceIp"]
    outcomes = collector()(calls, caller_of(event.get("headers", {}), source_ip, believed()))
    uncounted = Counter(one for one in outcomes if one is not BeaconOutcome.QUEUED)
    for outcome, number in uncounted.items():
        _LOG.warning("beacons not counted: %s, %d of %d", outcome, number, len(calls))
    return outcomes


def _seen(event: dict[str, Any]) -> dict[str, Any]:
    if "gif" not in (event.get("queryStringParameters") or {}):
        return _no_content(_HEADERS)
    return {
        "statusCode": HTTPStatus.OK.value,
        "headers": {**_HEADERS, "content-type": "image/gif"},
        "body": _GIF,
        "isBase64Encoded": True,
    }


def _no_content(headers: dict[str, str]) -> dict[str, Any]:
    return {"statusCode": HTTPStatus.NO_CONTENT.value, "headers": headers, "body": ""}
