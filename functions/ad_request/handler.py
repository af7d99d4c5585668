"""Decide which ads a viewer sees and answer as VAST, VMAP or JSON: the hot path.

No framework here: the imports of this function are counted by a test.
"""

from typing import Any

from ctv_ads.bootstrap.decision_plane import ad_server_settings, warm_up
from ctv_ads.domain.decision_record import AnswerForm
from ctv_ads.errors import InvalidRequestError
from ctv_ads.settings import is_under_runtime
from functions.ad_request.asking import decide
from functions.ad_request.breaks import vmap_of
from functions.ad_request.query import asked_by
from functions.ad_request.responses import (
    invalid_request,
    json_response,
    preflight,
    vast_response,
    vmap_response,
)
from functions.ad_request.user_agents import device_of


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Answer one API Gateway request; no ad is HTTP 200, never an error."""
    request = event["requestContext"]
    origin = (event.get("headers") or {}).get("origin")
    if request["http"]["method"] == "OPTIONS":
        return preflight(origin)
    try:
        asked = asked_by(event)
    except InvalidRequestError as error:
        return invalid_request(error, request_id=request["requestId"], origin=origin)
    base_url = ad_server_settings().public_base_url or f"https://{request['domainName']}"
    path = request["http"]["path"]
    if path == "/api/v1/vmap":
        parameters = event.get("queryStringParameters") or {}
        return vmap_response(vmap_of(asked, parameters, base_url), origin)
    if path == "/api/v1/ad-request":
        return json_response(decide(asked, AnswerForm.JSON, base_url), base_url, origin)
    return vast_response(decide(asked, AnswerForm.VAST, base_url), base_url, origin)


if is_under_runtime():
    # Environments of provisioned concurrency run this long before anybody asks.
    warm_up()
    device_of("what no list of televisions knows")
