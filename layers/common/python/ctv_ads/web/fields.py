"""Field types that several requests share, with their limits."""

import re
from datetime import UTC, date, datetime
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

MAX_MICROS = 10**15
"""A thousand million units of currency: far above any campaign, far below what overflows."""

UNWRITABLE = r"\x00-\x1f\x7f-\x9f\u2028\u2029\ufdd0-\ufdef\ufffe\uffff"
"""What XML cannot carry, or some of its readers turn into line feeds (XML 1.1 §2.11): refused,
so that every text survives into VAST. As a class of a pattern."""
_PLAIN = f"[^{UNWRITABLE}]"
_PLAIN_TEXT = f"^{_PLAIN}*$"
_PLAIN_TEXT_NOT_BLANK = rf"^{_PLAIN}*[^\s{UNWRITABLE}]{_PLAIN}*$"
_PLAIN_WEB_ADDRESS = rf"^[hH][tT][tT][pP][sS]?://[^\s{UNWRITABLE}]+$"
# Without what no URI may hold, so that VAST with it stays valid; macros keep their brackets.
_SECURE_ADDRESS = rf"^[hH][tT][tT][pP][sS]://[^\s{UNWRITABLE}<>\"\\^`]+$"
# A percent sign begins an escape (RFC 3986 §2.1) or is one of those around a macro's name.
_MACRO = re.compile(r"%%[A-Za-z0-9_:]+%%")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# RFC 3339; pydantic alone would take numbers for seconds since 1970.
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _without_noncharacters(text: str) -> str:
    # The last two of every plane; patterns name only those of the first.
    if any(ord(character) & 0xFFFE == 0xFFFE for character in text):
        raise ValueError("must not hold noncharacters of Unicode")
    return text


def _only_text(value: object) -> object:
    if not isinstance(value, str) or not _DATE.match(value):
        raise ValueError("must be a date and time with its zone, such as 2026-11-23T12:00:00Z")
    return value


def _only_date(value: object) -> object:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError("must be a day, such as 2026-11-23")
    return value


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    is_absolute = parts.scheme in {"http", "https"} and bool(parts.hostname)
    if not is_absolute or parts.port == 0:
        raise ValueError("must be an absolute http:// or https:// address")
    if _BROKEN_ESCAPE.search(_MACRO.sub("_", text)) or text.count("#") > 1:
        raise ValueError("must write a literal % as %25, and a # inside its fragment as %23")
    return _without_noncharacters(text)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie in the years 1 to 9999, in UTC") from None


def _known_timezone(text: str) -> str:
    if text not in available_timezones():
        raise ValueError("must be an IANA time zone, such as Europe/Vienna")
    return text


Name = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=200, pattern=_PLAIN_TEXT_NOT_BLANK
    ),
    AfterValidator(_without_noncharacters),
]
Email = Annotated[str, StringConstraints(max_length=320, pattern=_PLAIN_TEXT)]
WebAddress = Annotated[
    str,
    StringConstraints(max_length=2000, pattern=_PLAIN_WEB_ADDRESS),
    AfterValidator(_web_address),
]
SecureAddress = Annotated[
    str,
    StringConstraints(max_length=2000, pattern=_SECURE_ADDRESS),
    AfterValidator(_web_address),
]
"""https only: what is called from a player's page of https must be too."""
PlainText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=4000, pattern=_PLAIN_TEXT),
    AfterValidator(_without_noncharacters),
]
Micros = Annotated[int, Field(strict=True, ge=0, le=MAX_MICROS)]
Moment = Annotated[AwareDatetime, BeforeValidator(_only_text), AfterValidator(_in_utc)]
Day = Annotated[date, BeforeValidator(_only_date)]
Timezone = Annotated[str, AfterValidator(_known_timezone)]
Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


class Body(BaseModel):
    """Base of request bodies: a field that does not exist is an error, not a typo lost."""

    model_config = ConfigDict(extra="forbid")


class ErrorItem(BaseModel):
    """One wrong field."""

    path: str
    code: str
    message: str


class Problem(BaseModel):
    """An error (RFC 9457), as `application/problem+json`."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[ErrorItem] | None = None
    dependency: str | None = None
    expected_version: int | None = None
    current_version: int | None = None
    api_key_id: str | None = None
