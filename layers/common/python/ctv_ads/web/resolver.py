"""The control plane's HTTP shell: Powertools' resolver with our errors."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Request, Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.exceptions import NotFoundError as NoSuchRouteError
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestUnsupportedContentType,
    RequestValidationError,
)

from ctv_ads.access_settings import WebSettings
from ctv_ads.errors import (
    CtvAdsError,
    FieldProblem,
    OperatorError,
    RateLimitedError,
)
from ctv_ads.web.problems import PROBLEM_JSON, problem, problem_of
from ctv_ads.web.request_state import begin_request
from ctv_ads.web.security import cors_headers, preflight, secured

BEARER = "bearer"
SIGNED_IN: list[dict[str, list[str]]] = [{BEARER: []}]
"""`security` of a route that needs an access token."""

_LOG = Logger()


Authenticate = Callable[[Request], object]
"""Raises `UnauthenticatedError` unless the request carries a valid access token."""


def api_resolver(
    *routers: Router, authenticate: Authenticate | None = None
) -> APIGatewayHttpResolver:
    """Return a resolver that serves `routers` and answers every error as a problem document.

    `authenticate` runs before a wrong body is complained about, so that strangers learn
    nothing of the API's rules.
    """
    app = _Resolver(enable_validation=True, serializer=_to_json)
    for router in routers:
        app.include_router(router)
    errors = _Errors(app, authenticate)
    app.exception_handler(CtvAdsError)(errors.ours)
    app.exception_handler(RequestValidationError)(errors.invalid_request)
    app.exception_handler(NoSuchRouteError)(errors.no_such_route)
    app.exception_handler(RequestUnsupportedContentType)(errors.wrong_media_type)
    app.exception_handler(Exception)(errors.unexpected)
    return app


class _Resolver(APIGatewayHttpResolver):
    """Adds to every answer, errors included, what belongs on every answer."""

    def resolve(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own
        """Answer one API Gateway request."""
        state = begin_request()
        origin = event.get("headers", {}).get("origin", "")
        if event["requestContext"]["http"]["method"] == "OPTIONS":
            return preflight_answer(origin)
        answer: dict[str, Any] = super().resolve(event, context)
        answer.setdefault("headers", {}).update(state.headers)
        return finished(answer, origin)


def finished(answer: dict[str, Any], origin: str) -> dict[str, Any]:
    """Add to an answer what pages of `origin` ("" for none) need, and the security headers."""
    if origin:
        answer["headers"].update(cors_headers(origin, _allowed_origins()))
    return secured(answer)


def preflight_answer(origin: str) -> dict[str, Any]:
    """Return the answer to OPTIONS, which browsers ask before a page of `origin` may send."""
    return secured(preflight(origin, _allowed_origins()))


@cache
def _allowed_origins() -> tuple[str, ...]:
    return WebSettings.from_environment().allowed_origins


@dataclass(frozen=True, slots=True)
class _Errors:
    """Each kind of error as its problem document."""

    app: APIGatewayHttpResolver
    authenticate: Authenticate | None

    def ours(self, error: CtvAdsError) -> Response[str]:
        if isinstance(error, OperatorError):
            _LOG.error("the operator must act", error=str(error), kind=type(error).__name__)
        answer = _answer(problem_of(error, request_id=self._request_id))
        if isinstance(error, RateLimitedError):
            answer.headers["Retry-After"] = str(error.retry_after_s)
        return answer

    def invalid_request(self, error: RequestValidationError) -> Response[str]:
        route = self.app.context.get("_route")
        if self.authenticate is not None and route is not None and route.security:
            try:
                self.authenticate(self.app.request)
            except CtvAdsError as error_before:  # a stranger, or one who asks too much
                return self.ours(error_before)
        return _answer(_invalid_request(error, request_id=self._request_id))

    def no_such_route(self, _: NoSuchRouteError) -> Response[str]:
        return self._problem(HTTPStatus.NOT_FOUND, "there is no such route")

    def wrong_media_type(self, _: RequestUnsupportedContentType) -> Response[str]:
        return self._problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json")

    def unexpected(self, error: Exception) -> Response[str]:
        if isinstance(error, ValueError) and not self._says_json():
            # A form that is none, such as multipart without its boundary.
            return self._problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json")
        # Powertools knows only one way of not being JSON; bytes that are no text, nesting
        # without end and figures without end come up as these.
        if isinstance(error, ValueError | RecursionError) and not self._body_is_json():
            fault = {"type": "json_invalid", "loc": ("body",), "msg": str(error)}
            return self.invalid_request(RequestValidationError([fault]))
        _LOG.exception("unexpected error", exc_info=error)
        return self._problem(HTTPStatus.INTERNAL_SERVER_ERROR, "something went wrong on our side")

    def _problem(self, status: HTTPStatus, detail: str) -> Response[str]:
        return _answer(problem(status, detail, request_id=self._request_id))

    def _says_json(self) -> bool:
        said: str = self.app.current_event.headers.get("content-type", "application/json")
        return said.strip().lower().startswith("application/json")

    def _body_is_json(self) -> bool:
        try:
            _ = self.app.current_event.json_body
        except (ValueError, RecursionError):
            return False
        return True

    @property
    def _request_id(self) -> str:
        return str(self.app.current_event.request_context.request_id)


def _invalid_request(error: RequestValidationError, *, request_id: str) -> dict[str, Any]:
    """Return what is wrong: 400 for a body that is no JSON, 422 with the fields otherwise."""
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return problem(HTTPStatus.BAD_REQUEST, "the body is not valid JSON", request_id=request_id)
    problems = [
        FieldProblem(
            path=".".join(str(part) for part in fault["loc"][1:]) or str(fault["loc"][0]),
            code=fault["type"],
            message=fault["msg"],
        )
        for fault in faults
    ]
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "at least one field is wrong",
        request_id=request_id,
        errors=problems,
    )


def _answer(document: dict[str, Any]) -> Response[str]:
    headers = {"Cache-Control": "no-store"}
    if document["status"] == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(document["status"], PROBLEM_JSON, json.dumps(document), headers=headers)


def _to_json(value: Any) -> str:  # noqa: ANN401 - whatever Powertools has made of an answer
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
