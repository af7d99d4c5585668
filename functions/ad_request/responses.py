"""Write a decision as VAST, VMAP or JSON."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from ctv_ads.errors import InvalidRequestError
from ctv_ads.use_cases.serve_pod import PodDecision
from ctv_ads.vast.document import vast_document
from ctv_ads.web.ad_answers import json_answer
from ctv_ads.web.problems import problem, problem_response
from ctv_ads.web.security import MACHINE_HEADERS
from functions.ad_request.breaks import VmapAnswer

_COMMON = {
    **MACHINE_HEADERS,
    "cache-control": "no-store, private, max-age=0",
    "access-control-expose-headers": "x-decision-id, x-no-fill-reason",
}
_VAST_HEADERS = {**_COMMON, "content-type": "application/xml; charset=utf-8"}
_JSON_HEADERS = {**_COMMON, "content-type": "application/json"}
_PREFLIGHT_HEADERS = {
    **MACHINE_HEADERS,
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "access-control-allow-headers": "content-type",
    "access-control-max-age": "86400",
}


def cors_headers(origin: str | None) -> dict[str, str]:
    """Return what lets a web player read the answer (VAST 4.2 §3, "CORS").

    The origin is echoed with credentials allowed; a null or absent one gets `*` without.
    """
    if origin is None or origin == "null":
        return {"access-control-allow-origin": "*"}
    return {
        "access-control-allow-origin": origin,
        "access-control-allow-credentials": "true",
        "vary": "origin",
    }


def preflight(origin: str | None) -> dict[str, Any]:
    """Answer a browser's preflight."""
    return {
        "statusCode": HTTPStatus.NO_CONTENT.value,
        "headers": {**_PREFLIGHT_HEADERS, **cors_headers(origin)},
        "body": "",
    }


def vast_response(decision: PodDecision, base_url: str, origin: str | None) -> dict[str, Any]:
    """Return the decision as VAST; no ad is HTTP 200 with an empty document."""
    document = vast_document(decision.ads, version=decision.vast_version, base_url=base_url)
    return {
        "statusCode": HTTPStatus.OK.value,
        "headers": {**_VAST_HEADERS, **_decision_headers(decision), **cors_headers(origin)},
        "body": document,
    }


def vmap_response(answer: VmapAnswer, origin: str | None) -> dict[str, Any]:
    """Return a VMAP document; its header names the decision of each break, in their order."""
    headers: dict[str, str] = {**_VAST_HEADERS, **cors_headers(origin)}
    if answer.decision_ids:
        headers["x-decision-id"] = ",".join(answer.decision_ids)
    if answer.no_fill_reason is not None:
        headers["x-no-fill-reason"] = answer.no_fill_reason
    return {"statusCode": HTTPStatus.OK.value, "headers": headers, "body": answer.document}


def json_response(decision: PodDecision, base_url: str, origin: str | None) -> dict[str, Any]:
    """Return the decision as JSON."""
    body = json_answer(
        decision.decision_id,
        decision.ads,
        decision.no_fill_reason,
        optimality_gap_bp=decision.optimality_gap_bp,
        base_url=base_url,
    )
    return {
        "statusCode": HTTPStatus.OK.value,
        "headers": {**_JSON_HEADERS, **cors_headers(origin)},
        "body": body,
    }


def invalid_request(
    error: InvalidRequestError, *, request_id: str, origin: str | None
) -> dict[str, Any]:
    """Return what is wrong with a request that names no placement or is no JSON."""
    document = problem(
        HTTPStatus.BAD_REQUEST, str(error), request_id=request_id, errors=error.problems
    )
    return problem_response(document, **MACHINE_HEADERS, **cors_headers(origin))


def _decision_headers(decision: PodDecision) -> Mapping[str, str]:
    headers: dict[str, str] = {"x-decision-id": decision.decision_id}
    if decision.no_fill_reason is not None:
        headers["x-no-fill-reason"] = decision.no_fill_reason
    return headers
