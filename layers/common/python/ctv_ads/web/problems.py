"""Errors as RFC 9457 problem documents: one table from error class to HTTP status.

Every problem has a stable `type`, the request id, and for wrong fields a list `errors` of
{path, code, message}.
"""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from ctv_ads.errors import (
    ConflictError,
    CtvAdsError,
    DependencyUnavailableError,
    FieldProblem,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    PreconditionFailedError,
    RateLimitedError,
    ShownOnceError,
    UnauthenticatedError,
    UploadGoneError,
)

PROBLEM_JSON = "application/problem+json"

STATUS_BY_ERROR: Mapping[type[CtvAdsError], HTTPStatus] = {
    InvalidRequestError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    NotFoundError: HTTPStatus.NOT_FOUND,
    ConflictError: HTTPStatus.CONFLICT,
    ShownOnceError: HTTPStatus.CONFLICT,
    PreconditionFailedError: HTTPStatus.PRECONDITION_FAILED,
    RateLimitedError: HTTPStatus.TOO_MANY_REQUESTS,
    UploadGoneError: HTTPStatus.CONFLICT,
    DependencyUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
}

TYPE_BY_STATUS: Mapping[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "malformed-request",
    HTTPStatus.UNAUTHORIZED: "unauthenticated",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method-not-allowed",
    HTTPStatus.CONFLICT: "conflict",
    HTTPStatus.PRECONDITION_FAILED: "changed-meanwhile",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too-large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported-media-type",
    HTTPStatus.UNPROCESSABLE_ENTITY: "invalid-request",
    HTTPStatus.TOO_MANY_REQUESTS: "rate-limited",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal-error",
    HTTPStatus.SERVICE_UNAVAILABLE: "dependency-unavailable",
}
"""The last part of `type`; the whole is `/problems/<part>`. Never renamed."""


def problem(
    status: HTTPStatus,
    detail: str,
    *,
    request_id: str,
    errors: Sequence[FieldProblem] = (),
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a problem document."""
    document: dict[str, Any] = {
        "type": f"/problems/{TYPE_BY_STATUS[status]}",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "request_id": request_id,
        **(extra or {}),
    }
    if errors:
        document["errors"] = [
            {"path": error.path, "code": error.code, "message": error.message} for error in errors
        ]
    return document


def problem_of(error: CtvAdsError, *, request_id: str) -> dict[str, Any]:
    """Return the problem document of an error raised on purpose.

    What the operator must mend is told by name only: its details belong in the log.
    """
    status = _status_of(error)
    if isinstance(error, DependencyUnavailableError):
        return problem(
            status,
            f"{error.dependency} does not answer; try again shortly",
            request_id=request_id,
            extra={"dependency": error.dependency},
        )
    if isinstance(error, PreconditionFailedError):
        versions = {
            "expected_version": error.expected_version,
            "current_version": error.current_version,
        }
        return problem(status, str(error), request_id=request_id, extra=versions)
    if isinstance(error, ShownOnceError):
        return problem(status, str(error), request_id=request_id, extra=error.made)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return problem(status, "something went wrong on our side", request_id=request_id)
    return problem(status, str(error), request_id=request_id, errors=getattr(error, "problems", ()))


def _status_of(error: CtvAdsError) -> HTTPStatus:
    """Return the status of an error's class, or of the nearest class that it refines."""
    known = (STATUS_BY_ERROR[kind] for kind in type(error).__mro__ if kind in STATUS_BY_ERROR)
    return next(known, HTTPStatus.INTERNAL_SERVER_ERROR)


def problem_response(document: Mapping[str, Any], **headers: str) -> dict[str, Any]:
    """Return the API Gateway answer that carries a problem document."""
    return {
        "statusCode": document["status"],
        "headers": {"content-type": PROBLEM_JSON, "cache-control": "no-store", **headers},
        "body": json.dumps(document),
    }
