"""New identifiers."""

import uuid_utils


def new_id() -> str:
    """Return a new UUIDv7: unique, and later ids sort after earlier ones."""
    return str(uuid_utils.uuid7())
