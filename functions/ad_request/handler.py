"""Decide which ad a viewer sees and answer as VAST or JSON: the hot path.

No framework here: the imports of this function are counted by a test.
"""

import logging
from typing import Any

from ctv_ads.bootstrap.decision_plane import ad_server, ad_server_settings
from ctv_ads.domain.ad_break import AdBreak
from ctv_ads.errors import InvalidRequestError
from functions.ad_request.query import ad_break_of_body, ad_break_of_query
from functions.ad_request.responses import (
    invalid_request,
    json_response,
    preflight,
    vast_response,
)

_LOG = logging.getLogger(__name__)


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Answer one API Gateway request; no ad is HTTP 200, never an error."""
    request = event["requestContext"]
    origin = event.get("headers", {}).get("origin")
    method = request["http"]["method"]
    if method == "OPTIONS":
        return preflight(origin)
    try:
        ad_break = _ad_break(event, method)
    except InvalidRequestError as error:
        return invalid_request(error, request_id=request["requestId"], origin=origin)
    decision = ad_server()(ad_break)
    if decision.degraded:
        _LOG.error("decided without inventory: %s", decision.degraded)
    respond = vast_response if method == "GET" else json_response
    return respond(decision, _base_url(request["domainName"]), origin)


def _ad_break(event: dict[str, Any], method: str) -> AdBreak:
    if method == "GET":
        return ad_break_of_query(event.get("queryStringParameters") or {})
    return ad_break_of_body(event)


def _base_url(domain_name: str) -> str:
    return ad_server_settings().public_base_url or f"https://{domain_name}"
