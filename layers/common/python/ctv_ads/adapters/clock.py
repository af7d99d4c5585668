"""The present moment: the only place that asks the machine for it."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the present moment, UTC."""
    return datetime.now(UTC)
