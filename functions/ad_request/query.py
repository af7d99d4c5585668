"""Turn an API Gateway event into a request; what is malformed is ignored, never a failure.

In two steps, because the placement says whether its callers are believed:
`asked_by(event)` names the placement, `ad_request_of(asked, …)` makes the `AdRequest`.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import orjson

from ctv_ads.domain import ad_request
from ctv_ads.domain.ad_break import AdBreak
from ctv_ads.domain.ad_request import AdRequest, Content
from ctv_ads.errors import FieldProblem, InvalidRequestError
from ctv_ads.web.door import Door
from functions.ad_request.parameters import Given, given_in
from functions.ad_request.values import (
    BREAK,
    CONTENT,
    PLAYER,
    TRUSTED_ONLY,
    UNKNOWN_LENGTH_MS,
    is_writable,
)
from functions.ad_request.viewer import Caller, parsed, viewer_of

_MAX_AD_MS = 10 * 60 * 1000
_MAX_PLACEMENT = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that names its placement, and is not yet believed in anything else."""

    placement: str
    given: Given
    caller: Caller


def asked_by(event: Mapping[str, Any]) -> Asked:
    """Return what an API Gateway event asks, by GET or POST.

    Raises:
        InvalidRequestError: no placement is named, or the body that might name it is unreadable.
    """
    given = given_in(event)
    placement = given.values.pop("placement", "")
    if not placement or len(placement) > _MAX_PLACEMENT or not is_writable(placement):
        problem = FieldProblem("placement", "missing", "say which placement asks")
        raise InvalidRequestError("no placement is named", [problem])
    http = event.get("requestContext", {}).get("http", {})
    return Asked(placement, given, Caller(event.get("headers") or {}, http.get("sourceIp", "")))


def ad_request_of(asked: Asked, *, trusted: bool, scope: str, door: Door) -> AdRequest:
    """Return the typed request. It never fails: what is malformed is in `ignored`.

    `trusted` is the placement's `trusted_caller`; what only trusted callers may say is left aside
    otherwise. `scope` is the placement's organization, within which viewers are told apart.
    """
    given = asked.given.copy()
    if not trusted:
        for name in TRUSTED_ONLY & given.values.keys():
            del given.values[name]
            given.ignore(name, "caller_not_trusted")
    viewer, privacy = viewer_of(given, asked.caller, trusted=trusted, scope=scope, door=door)
    player = parsed(given, PLAYER)
    return AdRequest(
        placement=asked.placement,
        ad_break=_break(given),
        viewer=viewer,
        content=_content(given),
        privacy=privacy,
        key_values=MappingProxyType(given.key_values),
        vast_version=player.get("version"),
        accepted_mimes=player.get("mime", ()),
        max_bitrate_kbps=player.get("max_bitrate_kbps"),
        ignored=tuple(given.ignored),
    )


def _break(given: Given) -> ad_request.AdBreak:
    told = parsed(given, BREAK)
    if told.get("min_ad_ms", 0) > told.get("max_ad_ms", float("inf")):
        del told["min_ad_ms"]
        given.ignore("min_ad_ms", "above_max_ad_ms")
    is_length_unknown = told.get("duration_ms") == UNKNOWN_LENGTH_MS
    return ad_request.AdBreak(**told, is_length_unknown=is_length_unknown)


def _content(given: Given) -> Content:
    told = parsed(given, CONTENT)
    return Content(genres=told.pop("genre", ()), **told)


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
