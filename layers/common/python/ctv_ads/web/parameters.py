"""Query parameters that several routes share, declared once as the fields of a dataclass.

Its fields are keywords. Powertools reads parameters off a route's signature; of a pydantic model it
would document the fields without their limits, patterns and choices.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

_Answer = TypeVar("_Answer")
_Route = Callable[..., _Answer]


def asks(declared: type) -> Callable[[_Route[_Answer]], _Route[_Answer]]:
    """Return what gives a route the fields of `declared` as parameters, in place of `asked`.

    The route itself takes them together: `asked` is a `declared`. Put it below `@router.get`.
    """
    fields = inspect.signature(declared).parameters

    def decorate(route: _Route[_Answer]) -> _Route[_Answer]:
        @wraps(route)
        def taking_fields(**given: Any) -> _Answer:  # noqa: ANN401 - whatever the fields are
            asked = declared(**{name: given.pop(name) for name in fields})
            return route(asked=asked, **given)

        signature = inspect.signature(route)
        parameters: list[inspect.Parameter] = []
        for name, parameter in signature.parameters.items():
            parameters += fields.values() if name == "asked" else [parameter]
        taking_fields.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        return taking_fields

    return decorate
