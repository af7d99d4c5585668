"""Every error has one status and one stable type, and tells the caller only the caller's part."""

import json
from http import HTTPStatus

import pytest

from ctv_ads import errors
from ctv_ads.errors import (
    CallerError,
    CtvAdsError,
    DependencyUnavailableError,
    FieldProblem,
    InvalidRequestError,
    InvalidSettingsError,
    MigrationError,
    OperatorError,
    SnapshotCorruptError,
)
from ctv_ads.web.problems import (
    STATUS_BY_ERROR,
    TYPE_BY_STATUS,
    problem,
    problem_of,
    problem_response,
)


def leaves(of: type[CtvAdsError]) -> list[type[CtvAdsError]]:
    """The kinds of error; adapters refine some for themselves, which are no kinds of their own."""
    below = [kind for kind in of.__subclasses__() if kind.__module__ == errors.__name__]
    return [leaf for kind in below for leaf in leaves(kind)] if below else [of]


@pytest.mark.parametrize("kind", leaves(CallerError))
def test_every_error_that_the_caller_can_mend_has_a_status(kind: type[CtvAdsError]) -> None:
    assert 400 <= STATUS_BY_ERROR[kind] < 500


@pytest.mark.parametrize("kind", leaves(CtvAdsError))
def test_the_tree_drawn_in_errors_tells_each_status(kind: type[CtvAdsError]) -> None:
    status = STATUS_BY_ERROR.get(kind, HTTPStatus.INTERNAL_SERVER_ERROR)
    lines = (errors.__doc__ or "").splitlines()
    (line,) = [line for line in lines if f" {kind.__name__} " in line]
    assert f" {status.value} " in line


def test_what_an_adapter_refines_is_answered_like_what_it_refines() -> None:
    class CutOffError(DependencyUnavailableError):
        pass

    document = problem_of(CutOffError("valkey", "the connection was closed"), request_id="r1")
    assert (document["status"], document["dependency"]) == (503, "valkey")


def test_every_status_in_use_has_a_type() -> None:
    assert set(STATUS_BY_ERROR.values()) <= set(TYPE_BY_STATUS)


def test_types_are_never_renamed() -> None:
    published = {
        400: "malformed-request",
        401: "unauthenticated",
        403: "forbidden",
        404: "not-found",
        405: "method-not-allowed",
        409: "conflict",
        413: "too-large",
        415: "unsupported-media-type",
        422: "invalid-request",
        500: "internal-error",
        503: "dependency-unavailable",
    }
    present = {status.value: kind for status, kind in TYPE_BY_STATUS.items()}
    assert present | published == present


def test_field_problems_are_listed() -> None:
    error = InvalidRequestError("no", [FieldProblem("line_items.0.rate_micros", "too_low", "low")])
    document = problem_of(error, request_id="r1")
    assert document == {
        "type": "/problems/invalid-request",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "no",
        "request_id": "r1",
        "errors": [{"path": "line_items.0.rate_micros", "code": "too_low", "message": "low"}],
    }


def test_a_dependency_is_told_by_name_only() -> None:
    error = DependencyUnavailableError("postgresql", "password authentication failed for ctv_api")
    document = problem_of(error, request_id="r1")
    assert (document["status"], document["dependency"]) == (503, "postgresql")
    assert "ctv_api" not in json.dumps(document)


@pytest.mark.parametrize(
    "error",
    [
        InvalidSettingsError("VALKEY_URL: missing"),
        SnapshotCorruptError("snapshot 1"),
        MigrationError("0001: syntax error"),
        OperatorError("anything"),
    ],
)
def test_what_only_the_operator_can_mend_is_told_to_nobody_else(error: CtvAdsError) -> None:
    document = problem_of(error, request_id="r1")
    assert (document["status"], document["type"]) == (500, "/problems/internal-error")
    assert str(error) not in json.dumps(document)


def test_an_answer_is_problem_json_and_never_kept() -> None:
    document = problem(HTTPStatus.NOT_FOUND, "no", request_id="r1")
    answer = problem_response(document, **{"retry-after": "1"})
    assert answer["statusCode"] == 404
    assert answer["headers"] == {
        "content-type": "application/problem+json",
        "cache-control": "no-store",
        "retry-after": "1",
    }
    assert json.loads(answer["body"]) == document
