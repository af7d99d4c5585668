"""Turn an API Gateway event into a request; what is malformed is ignored, never a failure.

In two steps, because the placement says whether its callers are believed:
`asked_by(event)` names the placement, `ad_request_of(asked, …)` makes the `AdRequest`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ctv_ads.domain import ad_request
from ctv_ads.domain.ad_request import UNKNOWN_LENGTH_MS, AdRequest, Content, Ignored
from ctv_ads.errors import FieldProblem, InvalidRequestError
from ctv_ads.web.door import Door
from functions.ad_request.amounts import ReplacedError
from functions.ad_request.parameters import Given, given_in
from functions.ad_request.values import PARAMETERS, Part, is_writable
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
        except ReplacedError as error:
            parts[part][field] = error.value
            ignored.append(Ignored(name, error.reason))
        except ValueError:
            ignored.append(Ignored(name, "malformed"))
    return parts, ignored
