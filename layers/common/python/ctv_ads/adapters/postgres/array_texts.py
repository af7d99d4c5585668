"""Long lists as PostgreSQL reads them. psycopg writes lists value by value in Python, ten times slower."""

from collections.abc import Iterable


def plain_array(values: Iterable[object]) -> str:
    """Return an array of numbers, ids or moments: nothing in their text has a meaning in an array."""
    return f"{{{','.join(map(str, values))}}}"


def text_array(values: Iterable[str]) -> str:
    """Return an array of texts, whatever they hold."""
    return plain_array(map(_quoted, values))


def bytes_array(values: Iterable[bytes]) -> str:
    """Return an array of binary values."""
    return plain_array(f'"\\\\x{value.hex()}"' for value in values)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
