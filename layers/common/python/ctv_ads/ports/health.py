"""Asking a dependency whether it is there."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dependency:
    """Something this system needs. `ask` makes one cheap round trip."""

    name: str
    ask: Callable[[], object]
    """Raises DependencyUnavailableError when there is no answer."""
