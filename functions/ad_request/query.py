"""Turn an API Gateway event into an `AdBreak`; what is malformed is ignored, never a failure."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import orjson

from ctv_ads.domain.ad_break import AdBreak
from ctv_ads.errors import FieldProblem, InvalidRequestError

_MAX_AD_MS = 10 * 60 * 1000


def ad_break_of_query(parameters: Mapping[str, str]) -> AdBreak:
    """Return the break that query parameters ask for.

    Raises:
        InvalidRequestError: no placement is named.
    """
    given = {name: value for name, value in parameters.items() if not _is_macro(value)}
    return _ad_break(given)


def ad_break_of_body(event: Mapping[str, Any]) -> AdBreak:
    """Return the break that a JSON body asks for; its Content-Type does not matter.

    Raises:
        InvalidRequestError: the body is no JSON object, or names no placement.
    """
    try:
        text: str = event.get("body") or ""
        raw = base64.b64decode(text) if event.get("isBase64Encoded") else text
        document = orjson.loads(raw)
    except (ValueError, binascii.Error) as error:
        raise InvalidRequestError("the body is not valid JSON") from error
    if not isinstance(document, dict):
        raise InvalidRequestError("the body must be a JSON object")
    return _ad_break(document)


def _ad_break(given: Mapping[str, Any]) -> AdBreak:
    placement = given.get("placement")
    if not isinstance(placement, str) or not placement.strip():
        problem = FieldProblem("placement", "missing", "say which placement asks")
        raise InvalidRequestError("no placement is named", [problem])
    return AdBreak(placement=placement.strip(), max_ad_ms=_milliseconds(given.get("max_ad_ms")))


def _milliseconds(value: object) -> int | None:
    """Return a length in milliseconds, or None for what cannot be one."""
    try:
        length = int(str(value))
    except ValueError:
        return None
    return length if 0 < length <= _MAX_AD_MS else None


def _is_macro(value: str) -> bool:
    """Tell whether a client left a VAST macro in place: `[CACHEBUSTING]` counts as absent."""
    return value.startswith("[") and value.endswith("]")
