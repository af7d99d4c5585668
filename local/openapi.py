"""Write the OpenAPI document of the whole API: `python -m local.openapi [--check]`.

One document for all functions, made from their routes. The decision plane uses no framework,
so its part is declared in `contract.py` beside its handler.
"""

import argparse
import json
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer
from pydantic import BaseModel

from ctv_ads.web.fields import Problem
from ctv_ads.web.resolver import BEARER
from functions.ad_request import contract as ad_request
from functions.analytics import decision_routes as decisions
from functions.analytics import delivery, ledger, ledger_events, supply
from functions.analytics import routes as analytics
from functions.auth.routes import accounts, api_keys, people, profile, sessions
from functions.campaigns.routes import (
    advertisers,
    assignments,
    audit,
    campaign_changes,
    campaign_lists,
    campaigns,
    line_items,
    placements,
)
from functions.creatives import routes as creatives
from functions.impressions import contract as impressions
from functions.platform import routes as platform
from local.openapi_links import add_links

TARGET = Path(__file__).parents[1] / "functions" / "platform" / "openapi.json"
_ROUTERS = (
    sessions,
    accounts,
    profile,
    people,
    api_keys,
    campaigns,
    campaign_lists,
    campaign_changes,
    audit,
    line_items,
    assignments,
    advertisers,
    placements,
    creatives,
    analytics,
    delivery,
    ledger,
    ledger_events,
    supply,
    decisions,
    ad_request,
    impressions,
    platform,
)
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_POWERTOOLS_ERRORS = ("HTTPValidationError", "ValidationError", "ResponseValidationError")
_DOWN = {503: "A dependency does not answer"}
_SIGNED_IN = {
    401: "There is no valid access token",
    403: "The role does not allow it",
    429: "Too many requests; `Retry-After` says in how many seconds to come again",
    **_DOWN,
}
_SIGNING_IN = {
    401: "What was shown as proof is wrong, used up or expired",
    429: "Too many requests; `Retry-After` says in how many seconds to come again",
    **_DOWN,
}
_THING = {404: "There is no such thing in your organization"}
_STATUS = {409: "The present state does not allow it; says why"}
_BODY = {400: "The body is not valid JSON", 415: "The body is not application/json"}
_ONCE = {409: "The Idempotency-Key was used for another request"}
_FIELDS = {422: "At least one field is wrong; says which"}

_MATCHED = {412: "It was changed since it was read; says both versions"}

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key and body get the same answer, and only one thing is made",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}


def openapi_document() -> dict[str, Any]:
    """Return the document, with every error as a problem document."""
    app = APIGatewayHttpResolver(enable_validation=True)
    for module in _ROUTERS:
        app.include_router(module.router)
    text = app.get_openapi_json_schema(
        title="CTV Ad Server",
        version="1",
        description="Decide, count, bill and explain ads for connected TV.",
        openapi_version="3.1.0",
        security_schemes={BEARER: HTTPBearer(bearerFormat="JWT")},
    )
    document: dict[str, Any] = json.loads(text)
    schemas = document["components"]["schemas"]
    for name in _POWERTOOLS_ERRORS:
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schemas["Problem"].pop("$defs", {}))
    for path, model in ad_request.QUERY_MODELS.items():
        _tell_types(document["paths"][path]["get"], model, schemas)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _tell_errors(path, operation)
    add_links(document)
    return document


def _tell_types(operation: dict[str, Any], model: type[BaseModel], schemas: dict[str, Any]) -> None:
    """Write the types of a model's query parameters, all of which Powertools calls strings."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.get("$defs", {}))
    for parameter in operation["parameters"]:
        told = dict(schema["properties"][parameter["name"]])
        for name in ("title", "description", "default"):
            told.pop(name, None)
        options = [each for each in told.pop("anyOf", []) if each != {"type": "null"}]
        parameter["schema"] = {**told, **options[0]} if options else told


def _tell_errors(path: str, operation: dict[str, Any]) -> None:
    """Write each error answer of an operation as a problem document."""
    responses = operation["responses"]
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = _as_sent(parameter["schema"])
    for body in operation.get("requestBody", {}).get("content", {}).values():
        body["schema"] = _as_sent(body["schema"])
    if _happens_once(operation):
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    responses.pop("422", None)
    for status, meaning in _errors(path, operation).items():
        own = responses.get(str(status), {}).get("description")
        responses[str(status)] = {"description": f"{own}. {meaning}" if own else meaning}
    for status, response in responses.items():
        if int(status) in {HTTPStatus.ACCEPTED, HTTPStatus.NO_CONTENT}:
            response.pop("content", None)
        if int(status) >= HTTPStatus.BAD_REQUEST and path != "/health":
            response["content"] = _PROBLEM


def _is_matched(operation: dict[str, Any]) -> bool:
    """Tell whether it takes an If-Match."""
    return any(parameter["name"] == "if-match" for parameter in operation.get("parameters", ()))


def _as_sent(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what a parameter or body may be when it is there: it is left out, never null."""
    sorts = [sort for sort in schema.get("anyOf", ()) if sort != {"type": "null"}]
    if len(sorts) != 1:
        return schema
    return {**sorts[0], **{name: value for name, value in schema.items() if name != "anyOf"}}


def _happens_once(operation: dict[str, Any]) -> bool:
    """Tell whether it takes an Idempotency-Key."""
    return bool(operation.get("security")) and "201" in operation["responses"]


def _errors(path: str, operation: dict[str, Any]) -> dict[int, str]:
    """Return the errors that follow from how the control plane's routes are made."""
    if {"decisions", "beacons"} & set(operation["tags"]):
        return {}
    signed_in = bool(operation.get("security"))
    takes_body = "requestBody" in operation
    rules = (
        (signed_in, _SIGNED_IN),
        (not signed_in and "auth" in operation["tags"], _SIGNING_IN),
        (signed_in and "{" in path, _THING),
        (_happens_once(operation), _ONCE),
        (_is_matched(operation), _MATCHED),
        (path.endswith("/status"), _STATUS),
        (takes_body, _BODY),
        (takes_body or "parameters" in operation, _FIELDS),
    )
    return {status: text for holds, errors in rules if holds for status, text in errors.items()}


def main() -> int:
    """Write the document, or with --check tell whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    text = json.dumps(openapi_document(), indent=1, ensure_ascii=False) + "\n"
    if not parser.parse_args().check:
        TARGET.write_text(text, "utf-8")
        return 0
    if TARGET.exists() and TARGET.read_text("utf-8") == text:
        return 0
    print(f"{TARGET.name} is out of date: run `make openapi`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
