"""What API Gateway has no route for: a path that is unknown, or a method that a path lacks."""

import json
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from importlib import resources
from typing import Any

from ctv_ads.web.problems import problem, problem_response
from ctv_ads.web.resolver import finished, preflight_answer

_OPTIONS = "OPTIONS"


def refusal(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return 404, or 405 with `Allow` (RFC 9110 §15.5.6) where the path has other methods."""
    origin = event.get("headers", {}).get("origin", "")
    methods = methods_of(event["rawPath"])
    method = event["requestContext"]["http"]["method"]
    if method in methods:
        return preflight_answer(origin)
    request_id = event["requestContext"]["requestId"]
    if not methods:
        document = problem(HTTPStatus.NOT_FOUND, "there is no such route", request_id=request_id)
        return finished(problem_response(document), origin)
    document = problem(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "this path does not have this method; `Allow` says which it has",
        request_id=request_id,
    )
    return finished(problem_response(document, allow=", ".join(methods)), origin)


def methods_of(path: str) -> tuple[str, ...]:
    """Return the methods of a path, sorted; none for a path that does not exist."""
    asked = path.split("/")
    found = {
        method
        for segments, methods in _methods_by_path()
        if _fits(segments, asked)
        for method in methods
    }
    return tuple(sorted(found | {_OPTIONS})) if found else ()


def _fits(segments: tuple[str, ...], asked: list[str]) -> bool:
    return len(segments) == len(asked) and all(
        bool(part) if segment.startswith("{") else segment == part
        for segment, part in zip(segments, asked, strict=True)
    )


@cache
def _methods_by_path() -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """Read the OpenAPI document, whose paths and methods a test holds to the manifest's."""
    text = resources.files("functions.platform").joinpath("openapi.json").read_text("utf-8")
    return tuple(
        (tuple(path.split("/")), tuple(method.upper() for method in operations))
        for path, operations in json.loads(text)["paths"].items()
    )
