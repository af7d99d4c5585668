"""`ETag` and `If-Match` (RFC 9110 §8.8.3, §13.1.1): a thing's version, quoted."""

import re
from http import HTTPStatus
from typing import Annotated, TypeVar

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header
from pydantic import BaseModel

from ctv_ads.errors import FieldProblem, InvalidRequestError, PreconditionFailedError

_ETAG = re.compile(r'(?:W/)?"?(?P<version>[0-9]{1,9})"?')
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="The ETag that was read; the change is refused if it is no longer in force",
        json_schema_extra={"pattern": r'^(\*|(W/)?"?[0-9]{1,9}"?)$'},  # `*`, or as `_ETAG`
    ),
]
_Body = TypeVar("_Body", bound=BaseModel)


def with_etag(body: _Body, version: int, status: HTTPStatus = HTTPStatus.OK) -> Response[_Body]:
    """Return `body` with the ETag of its version."""
    return Response(status, "application/json", body, headers={"ETag": f'"{version}"'})


def check_version(if_match: str | None, current_version: int) -> None:
    """Let a change go on only if it was made to the version in force.

    Call it on the row that the change has locked. No header, or `*`, means any version.

    Raises:
        InvalidRequestError: the header holds none of our ETags.
        PreconditionFailedError: another version is in force.
    """
    if if_match is None or if_match.strip() == "*":
        return
    etag = _ETAG.fullmatch(if_match.strip())
    if etag is None:
        problem = FieldProblem("If-Match", "not_an_etag", "send the ETag as it was received")
        raise InvalidRequestError("the header If-Match is wrong", [problem])
    expected_version = int(etag["version"])
    if expected_version != current_version:
        raise PreconditionFailedError(
            expected_version=expected_version, current_version=current_version
        )
