"""Field types that several requests share, with their limits."""

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

MAX_MICROS = 10**15
"""A thousand million units of currency: far above any campaign, far below what overflows."""

_FORBIDDEN = frozenset(chr(code) for code in range(32)) | {"\x7f", "\ufffe", "\uffff"}


def _plain(text: str) -> str:
    """Refuse what XML cannot carry, so that every name survives into VAST."""
    if any(character in _FORBIDDEN or "\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("must not hold control characters")
    return text


def _web_address(text: str) -> str:
    parts = urlsplit(_plain(text))
    is_absolute = parts.scheme in {"http", "https"} and bool(parts.hostname)
    if not is_absolute or parts.port == 0 or " " in text:
        raise ValueError("must be an absolute http:// or https:// address")
    return text


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
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_plain),
]
Email = Annotated[str, StringConstraints(max_length=320), AfterValidator(_plain)]
WebAddress = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_web_address)]
Micros = Annotated[int, Field(strict=True, ge=0, le=MAX_MICROS)]
Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
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
