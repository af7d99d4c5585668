"""Cursors on the wire: opaque text that a client hands back as it came."""

import base64
import binascii
import json

from ctv_ads.domain.ids import is_id
from ctv_ads.domain.listing import Cursor
from ctv_ads.errors import FieldProblem, InvalidRequestError


def write_cursor(cursor: Cursor | None) -> str | None:
    """Return the cursor as text; None at the end of the list."""
    if cursor is None:
        return None
    text = json.dumps([cursor.sort, cursor.value, cursor.item_id], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def read_cursor(text: str | None, *, sort: str) -> Cursor | None:
    """Return the cursor of a text that `write_cursor` made for a list in this order.

    Raises:
        InvalidRequestError: it is none, or was made for another order.
    """
    if not text:
        return None
    try:
        parts = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise _bad_cursor("it is not a cursor of this API") from error
    is_cursor = (
        isinstance(parts, list) and len(parts) == 3 and all(isinstance(p, str) for p in parts)
    )
    if not is_cursor or not is_id(parts[2]) or _is_broken(parts[1]):
        raise _bad_cursor("it is not a cursor of this API")
    if parts[0] != sort:
        raise _bad_cursor(f"it was made for the order {parts[0]!r}")
    return Cursor(*parts)


def _is_broken(text: str) -> bool:
    """Tell whether `text` holds halves of characters, which JSON can spell and nothing stores."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def _bad_cursor(message: str) -> InvalidRequestError:
    problem = FieldProblem("cursor", "bad_cursor", message)
    return InvalidRequestError("the cursor is wrong", [problem])
