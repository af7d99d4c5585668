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
from ctv_ads.domain.ad_request import AdRequest, Content, Ignored
from ctv_ads.errors import FieldProblem, InvalidRequestError
from ctv_ads.web.door import Door
from functions.ad_request.parameters import Given, given_in
from functions.ad_request.values import (
    PARAMETERS,
    UNKNOWN_LENGTH_MS,
    Part,
    is_writable,
)
from functions.ad_request.viewer import Caller, Parts, viewer_of

_MAX_AD_MS = 10 * 60 * 1000
_MAX_PLACEMENT = 200
_ENDLESS = 1 << 62


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
    parts, ignored = _parts(asked.given, trusted=trusted)
    ad_break = parts[Part.BREAK]
    if ad_break.get("min_ad_ms", 0) > ad_break.get("max_ad_ms", _ENDLESS):
        del ad_break["min_ad_ms"]
        ignored.append(Ignored("min_ad_ms", "above_max_ad_ms"))
    if ad_break.get("duration_ms") == UNKNOWN_LENGTH_MS:
        ad_break["is_length_unknown"] = True
    viewer, privacy = viewer_of(parts, asked.caller, trusted=trusted, scope=scope, door=door)
    if parts[Part.VIEWER].get("segments") and not viewer.segments:
        ignored.append(Ignored("segments", "refused_by_privacy"))
    return AdRequest(
        placement=asked.placement,
        ad_break=ad_request.AdBreak(**ad_break),
        viewer=viewer,
        content=Content(**parts[Part.CONTENT]),
        privacy=privacy,
        key_values=MappingProxyType(asked.given.key_values),
        ignored=tuple(ignored),
        **parts[Part.PLAYER],
    )


def _parts(given: Given, *, trusted: bool) -> tuple[Parts, list[Ignored]]:
    """Return what is well-formed, by part and field, and what is not."""
    parts: Parts = ({}, {}, {}, {}, {}, {}, {})
    ignored = list(given.ignored)
    for name, value in given.values.items():
        part, field, parse, is_for_trusted = PARAMETERS[name]
        if is_for_trusted and not trusted:
            ignored.append(Ignored(name, "caller_not_trusted"))
            continue
        try:
            parts[part][field] = parse(value)
        except ValueError:
            ignored.append(Ignored(name, "malformed"))
    return parts, ignored


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
