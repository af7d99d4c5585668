"""Time and identifiers, which come in as arguments everywhere."""

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
"""Returns the present moment, UTC."""

NewId = Callable[[], str]
"""Returns a new UUIDv7."""

CheckVersion = Callable[[int], None]
"""Takes the version of the row that a change has locked; raises `PreconditionFailedError`."""


def any_version(_: int) -> None:
    """Take every version."""
