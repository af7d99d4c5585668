"""Refuse a request for what is wrong with its fields."""

from collections.abc import Sequence

from ctv_ads.domain.remark import Remark
from ctv_ads.errors import ConflictError, FieldProblem, InvalidRequestError


def refuse_invalid(problems: Sequence[Remark]) -> None:
    """Let the call go on only if nothing is wrong with its fields.

    Raises:
        InvalidRequestError: something is.
    """
    if problems:
        raise InvalidRequestError("at least one field is wrong", _field_problems(problems))


def refuse_conflicting(
    problems: Sequence[Remark], message: str = "the present state does not allow it"
) -> None:
    """Let the call go on only if the state of the thing allows it.

    Raises:
        ConflictError: it does not.
    """
    if problems:
        raise ConflictError(message, _field_problems(problems))


def _field_problems(problems: Sequence[Remark]) -> list[FieldProblem]:
    return [FieldProblem(problem.path, problem.code, problem.message) for problem in problems]
