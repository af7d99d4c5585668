"""A request with other values, read as the door would have read them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple
from unicodedata import category

from ctv_ads.domain.ad_request import UNKNOWN_LENGTH_MS, AdRequest, BreakType, Privacy, Viewer
from ctv_ads.domain.decision_record import DecisionNote
from ctv_ads.domain.ids import OrganizationId
from ctv_ads.domain.inventory import PublishedPlacement
from ctv_ads.domain.placement import VastVersion
from ctv_ads.domain.privacy.verdict import (
    POSTAL_WITHOUT_CONSENT,
    SIGNALS,
    PrivacyRules,
    privacy_of,
)
from ctv_ads.errors import FieldProblem, InvalidRequestError

SessionKeys = Callable[[OrganizationId, str], tuple[str, ...]]
"""Returns the keys that a session has or had in an organization, the newest first."""
_PARTS = ("ad_break", "viewer", "content")
_OF_THE_PLAYER = ("accepted_mimes", "max_bitrate_kbps")
_LARGEST = 2**31
_UNWRITABLE = ("Cc", "Cs")
"""Control characters and halves of characters, in Unicode's words."""
_NO_IFA = "0"
"""What devices send as their id when tracking is limited."""


class Supposed(NamedTuple):
    """The request as it might have been: where it was asked, and when."""

    request: AdRequest
    placement: PublishedPlacement
    at: datetime


class _NotThereError(Exception):
    """No request has that, or not of that type."""


@dataclass(frozen=True, slots=True)
class Supposing:
    """Changes requests. What privacy forbids then is forbidden, by the same rules as at the door."""

    privacy: PrivacyRules
    session_keys: SessionKeys

    def __call__(
        self,
        note: DecisionNote,
        placement: PublishedPlacement,
        placements: Mapping[str, PublishedPlacement],
        changes: Mapping[str, Any],
    ) -> Supposed:
        """Return the request with other values at paths such as `viewer.country`.

        Raises:
            InvalidRequestError: a change names nothing that a request has.
        """
        supposed = Supposed(note.request, placement, note.decided_at)
        signals = dict(note.request.privacy.signals)
        problems: list[FieldProblem] = []
        for path, value in changes.items():
            part, _, name = path.partition(".")
            try:
                if part == "privacy":
                    _signal(signals, name, value)
                else:
                    supposed = self._with(supposed, placements, path, value)
            except _NotThereError:
                message = "is nothing that a request has, or of another type"
                problems.append(FieldProblem(f"changes.{path}", "unknown", message))
        if problems:
            raise InvalidRequestError("the changes do not fit a request", problems)
        request = self._judged(note.request, supposed.request, signals)
        return supposed._replace(request=request)

    def _with(
        self,
        supposed: Supposed,
        placements: Mapping[str, PublishedPlacement],
        path: str,
        value: object,
    ) -> Supposed:
        if path == "at":
            return supposed._replace(at=_moment(value))
        if path == "placement":
            other = placements.get(value) if isinstance(value, str) else None
            if other is None or other.organization_id != supposed.placement.organization_id:
                raise _NotThereError
            request = replace(supposed.request, placement=str(value))
            return supposed._replace(request=request, placement=other)
        if path == "session_id":
            if not _is_text(value):
                raise _NotThereError
            key = self.session_keys(supposed.placement.organization_id, str(value))[0]
            path, value = "viewer.session_key", key
        return supposed._replace(request=_changed(supposed.request, path, value))

    def _judged(
        self, recorded: AdRequest, request: AdRequest, signals: Mapping[str, str]
    ) -> AdRequest:
        """Return the request with what its privacy signals allow, where it was and now is."""
        before, country = recorded.privacy, request.viewer.country
        if signals == before.signals and country == recorded.viewer.country:
            return replace(request, viewer=_allowed(request.viewer, before))
        is_limited = "lmt" in before.refusals and "lmt" not in before.signals
        ifa = _NO_IFA if is_limited else None
        privacy = privacy_of(signals, country=country, ifa=ifa, rules=self.privacy)
        return replace(request, privacy=privacy, viewer=_allowed(request.viewer, privacy))


def _allowed(viewer: Viewer, privacy: Privacy) -> Viewer:
    """Return what may be known of the viewer; what was not recorded then stays unknown."""
    postal = viewer.postal
    if postal is not None and not privacy.may_use_household:
        postal = postal[:POSTAL_WITHOUT_CONSENT]
    return replace(
        viewer,
        device_key=viewer.device_key if privacy.may_use_device_id else None,
        household_key=viewer.household_key if privacy.may_use_household else None,
        segments=viewer.segments if privacy.may_personalize else (),
        postal=postal,
    )


def _signal(signals: dict[str, str], name: str, value: object) -> None:
    """Put in a privacy signal as it would have been sent; None was not sent."""
    if name not in SIGNALS:
        raise _NotThereError
    if value is None:
        signals.pop(name, None)
    elif isinstance(value, bool):
        signals[name] = str(int(value))
    elif isinstance(value, str) and value.isascii() and _is_writable(value):
        signals[name] = value
    else:
        raise _NotThereError


def _moment(value: object) -> datetime:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError as error:
        raise _NotThereError from error
    if at is None or at.tzinfo is None or not 0 <= at.timestamp() < _LARGEST:
        raise _NotThereError
    return at.astimezone(UTC)


def _changed(request: AdRequest, path: str, value: object) -> AdRequest:
    part, _, name = path.partition(".")
    if part == "kv" and name:
        return _with_key_value(request, name, value)
    if part in _PARTS and _fits(getattr(request, part), name, value):
        return replace(request, **{part: _with(getattr(request, part), name, value)})
    is_version = path == "vast_version" and (value is None or value in list(VastVersion))
    if is_version or (path in _OF_THE_PLAYER and _fits(request, path, value)):
        changed: AdRequest = _with(request, path, value)
        return changed
    raise _NotThereError


def _with_key_value(request: AdRequest, name: str, value: object) -> AdRequest:
    values = tuple(value) if isinstance(value, list) else (value,)
    others = {key: them for key, them in request.key_values.items() if key != name}
    if value is None:
        return replace(request, key_values=others)
    if not values or not all(map(_is_text, values)):
        raise _NotThereError
    return replace(request, key_values={**others, name: values})


def _with(part: Any, name: str, value: Any) -> Any:  # noqa: ANN401 - a part of the request, and what JSON holds
    """Return the part of a request with another value, read as the door would read it."""
    changes = {name: tuple(value) if isinstance(value, list) else value}
    if name == "duration_ms":
        changes["is_length_unknown"] = value == UNKNOWN_LENGTH_MS
    elif name == "break_type" and value is not None:
        changes[name] = BreakType(value)
    return replace(part, **changes)


def _fits(part: object, name: str, value: object) -> bool:
    """Tell whether `value` may stand where `part` has `name`: by the field's own declared type."""
    declared = {item.name: str(item.type) for item in fields(part)}.get(name, "")  # type: ignore[arg-type]
    if value is None:
        return "None" in declared
    if name == "break_type":
        return value in list(BreakType)
    if isinstance(value, list):
        return "tuple" in declared and all(map(_is_text, value))
    if isinstance(value, str):
        return "str" in declared and "tuple" not in declared and _is_text(value)
    if isinstance(value, bool):
        return "bool" in declared
    return isinstance(value, int) and "int" in declared and 0 <= value < _LARGEST


def _is_text(value: object) -> bool:
    """Tell whether a value is text that can stand in documents and records."""
    return isinstance(value, str) and 0 < len(value) <= 200 and _is_writable(value)


def _is_writable(text: str) -> bool:
    return not any(category(one) in _UNWRITABLE for one in text)
