"""Time and identifiers, which come in as arguments everywhere."""

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
"""Returns the present moment, UTC."""

NewId = Callable[[], str]
"""Returns a new UUIDv7."""
