"""What each parameter may be, and the typed value that it becomes.

A parser returns the value, or raises ValueError for what is none: `ReplacedError` where something
else is taken for it (`amounts.py`).
"""

import re
from collections.abc import Callable, Mapping
from enum import IntEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from ctv_ads.domain.ad_request import BreakType
from ctv_ads.domain.privacy.verdict import SIGNALS
from ctv_ads.domain.vocabulary import COUNTRIES, DEVICE_TYPES
from functions.ad_request.amounts import DAY_MS, at_most, duration_ms, ms_of_a_day, number_between

KEY_NAME = re.compile(r"[A-Za-z0-9_.-]{1,50}")
_MAX_ADS = 100
_MAX_TEXT = 200
_MAX_LIST = 100
_BITRATES = 1_000_000

_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_BUNDLE = re.compile(r"[!-~]{1,200}")
_WORD = re.compile(r"[a-z0-9][a-z0-9_.-]{0,49}")
_METRO = re.compile(r"[A-Za-z0-9-]{1,20}")
_REGION = re.compile(r"(?:[A-Z]{2}-)?[A-Z0-9]{1,3}")
_POSTAL = re.compile(r"[A-Z0-9][A-Z0-9 -]{0,11}")
_RATING = re.compile(r"[A-Za-z0-9+ -]{1,20}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,4}")
_MIME = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")

_BREAK_TYPES = {
    **{kind.value: kind for kind in BreakType},
    **{f"{kind.value[:-4]}-roll": kind for kind in BreakType},
    **{f"{kind.value[:-4]}_roll": kind for kind in BreakType},
    **{kind.value[:-4]: kind for kind in BreakType},
}
_ADCOM_DEVICES = {"2": "pc", "3": "ctv", "4": "phone", "5": "tablet", "6": "connected_device", "7": "set_top_box"}  # fmt: skip
_DEVICES = {
    **{kind: kind for kind in DEVICE_TYPES},
    **_ADCOM_DEVICES,
    "tv": "ctv",
    "smart_tv": "ctv",
    "connected_tv": "ctv",
    "stb": "set_top_box",
    "mobile": "phone",
    "desktop": "pc",
}
_SYSTEMS = {
    "amazon": "fire_os",
    "apple_tvos": "tvos",
    "fire_tv": "fire_os",
    "fireos": "fire_os",
    "firetv": "fire_os",
    "androidtv": "android_tv",
    "googletv": "google_tv",
    "roku_os": "roku",
    "rokuos": "roku",
    "tizen_os": "tizen",
    "web0s": "webos",
    "web_os": "webos",
    "webos_tv": "webos",
    "smartcast": "vizio",
    "xbox_os": "xbox",
}
_VERSIONS = MappingProxyType(
    {
        **{version: version for version in ("2.0", "3.0", "4.0", "4.1", "4.2", "4.3")},
        "2": "2.0",
        "3": "3.0",
        "4": "4.0",
    }
)
_TRUTHS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def is_writable(text: str) -> bool:
    """Tell whether a text can stand in documents and records: no control characters."""
    return _UNWRITABLE.search(text) is None


def _text(text: str) -> str:
    if len(text) > _MAX_TEXT or _UNWRITABLE.search(text):
        raise ValueError("too long, or not writable")
    return text


def _matching(form: re.Pattern[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not form.fullmatch(text):
            raise ValueError("malformed")
        return text

    return parse


def _list(parse: Callable[[str], str]) -> Callable[[str], tuple[str, ...]]:
    def parse_all(text: str) -> tuple[str, ...]:
        if "," not in text:
            return (parse(text),)
        words = [word.strip() for word in text.split(",")[:_MAX_LIST]]
        return tuple(dict.fromkeys(parse(word) for word in words if word))

    return parse_all


def _word(known: Mapping[str, Any]) -> Callable[[str], Any]:
    def parse(text: str) -> Any:  # noqa: ANN401 - the values of any table
        try:
            return known[text.lower()]
        except KeyError as error:
            raise ValueError("none of the words") from error

    return parse


def _device_type(text: str) -> str:
    kind: str | None = _DEVICES.get(text.lower().replace(" ", "_").replace("-", "_"))
    if kind is None:
        raise ValueError("no device type")
    return kind


def _os(text: str) -> str:
    name = text.lower().replace(" ", "_")
    if not _WORD.fullmatch(name):
        raise ValueError("no name of a system")
    return _SYSTEMS.get(name, name)


_region_form = _matching(_REGION)
_postal_form = _matching(_POSTAL)
_language_form = _matching(_LANGUAGE)
_mime_form = _matching(_MIME)


def _country(text: str) -> str:
    """Return an ISO 3166-1 alpha-2 code."""
    code = text.upper()
    code = "GB" if code == "UK" else code
    if code not in COUNTRIES:
        raise ValueError("no country")
    return code


def _region(text: str) -> str:
    """Return a subdivision's code, with or without its country, in capitals."""
    return _region_form(text.upper())


def _postal(text: str) -> str:
    """Return the part of a postal code that names an area, five characters at most.

    The rest of a British, Dutch or Canadian code, and of ZIP+4, names a street or a house.
    """
    code = _postal_form(text.upper())
    return re.split(r"[ -]", code, maxsplit=1)[0][:5]


def _signal(text: str) -> str:
    """Return it in ASCII: records keep it as it was sent, and no signal has anything else."""
    return text if text.isascii() else text.encode("ascii", "backslashreplace").decode()


def _mime(text: str) -> str:
    return _mime_form(text.lower())


@lru_cache(maxsize=1024)
def _language(text: str) -> str:
    """Return a BCP 47 tag in its usual case: `de-AT`, `zh-Hant-TW`."""
    first, *others = _language_form(text).replace("_", "-").split("-")
    cased = {2: str.upper, 4: str.title}
    return "-".join([first.lower(), *(cased.get(len(each), str.lower)(each) for each in others)])


Parser = Callable[[str], Any]


class Part(IntEnum):
    """What a parameter says something about."""

    BREAK = 0
    CONTENT = 1
    PLAYER = 2
    DEVICE = 3
    PLACE = 4
    VIEWER = 5
    SIGNALS = 6


class Parameter(NamedTuple):
    """A parameter: the part and field that it fills, what reads it, and who may say it."""

    part: Part
    field: str
    parse: Parser
    is_for_trusted: bool = False


def _part(
    part: Part, parsers: Mapping[str, Parser], *, is_for_trusted: bool = False
) -> dict[str, Parameter]:
    return {name: Parameter(part, name, parse, is_for_trusted) for name, parse in parsers.items()}


_PLACE: Mapping[str, Parser] = {
    "country": _country,
    "region": _region,
    "metro": _matching(_METRO),
    "city": _text,
    "postal": _postal,
}
PARAMETERS: Mapping[str, Parameter] = MappingProxyType(
    {
        **_part(
            Part.BREAK,
            {
                "duration_ms": duration_ms,
                "max_ads": at_most(_MAX_ADS),
                "min_ad_ms": number_between(0, DAY_MS),
                "max_ad_ms": ms_of_a_day,
                "break_type": _word(_BREAK_TYPES),
                "avail_index": number_between(0, 100_000),
            },
        ),
        **_part(
            Part.CONTENT,
            {
                "app_bundle": _matching(_BUNDLE),
                "channel": _text,
                "network": _text,
                "content_id": _text,
                "rating": _matching(_RATING),
                "language": _language,
                "livestream": _word(_TRUTHS),
            },
        ),
        "genre": Parameter(Part.CONTENT, "genres", _list(_text)),
        "version": Parameter(Part.PLAYER, "vast_version", _word(_VERSIONS)),
        "mime": Parameter(Part.PLAYER, "accepted_mimes", _list(_mime)),
        "max_bitrate_kbps": Parameter(
            Part.PLAYER, "max_bitrate_kbps", number_between(1, _BITRATES)
        ),
        **_part(Part.DEVICE, {"device_type": _device_type, "os": _os, "make": _text}),
        **_part(Part.PLACE, _PLACE, is_for_trusted=True),
        **_part(Part.VIEWER, {"session_id": str, "ifa": str, "ifa_type": str.lower}),
        **_part(
            Part.VIEWER,
            {"ip": str, "ua": str, "segments": _list(_text)},
            is_for_trusted=True,
        ),
        # Read where they are judged: what is malformed there is not ignored, it is a refusal.
        **_part(Part.SIGNALS, dict.fromkeys(SIGNALS, _signal)),
    }
)
"""Every parameter but `placement`, `kv.<name>` and the VAST macros."""
NAMES = frozenset({"placement", *PARAMETERS})
LISTS = frozenset({"genre", "mime", "segments", "gpp_sid", "MEDIAMIME", "GPPSECTIONID",
                   "REGULATIONS", "VASTVERSIONS"})  # fmt: skip
"""Parameters that may be repeated, or hold several values between commas."""


def place_of(values: Mapping[str, str]) -> dict[str, Any]:
    """Return the parts of a place that are well-formed, as fields of `Viewer`."""
    place = {}
    for name, value in values.items():
        try:
            place[name] = _PLACE[name](value)
        except ValueError:
            continue
    return place
