"""The parameters of a request, whichever way they were sent: address, form or JSON.

A parameter that its sender left unresolved counts as absent: `[IFA]`, `${IFA}`, `{{ifa}}`,
percent-encoded ones, and -1 and -2, by which VAST macros say unknown and withheld (VAST 4.2 §6.1).

Where a parameter is sent more than once, one counts. Privacy signals are the exception: all that
was said is kept, between commas, because a permission must not hide a refusal.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

from ctv_ads.domain.ad_request import Ignored
from ctv_ads.domain.privacy.verdict import SIGNALS
from ctv_ads.errors import InvalidRequestError
from functions.ad_request.macros import MACROS, SIGNAL_MACROS, UNUSED_MACROS
from functions.ad_request.values import KEY_NAME, LISTS, NAMES, is_writable

MAX_PARAMETERS = 200
_NOT_READ_HERE = UNUSED_MACROS | {"breaks", "mode"}
"""`breaks` and `mode` belong to the document that is asked for (`vast/breaks.py`)."""
MAX_BODY_BYTES = 65_536
MAX_IGNORED = 20
MAX_KEY_VALUES = 50
MAX_VALUES_OF_KEY = 50
MAX_LENGTH_OF_VALUE = 200
_UNKNOWN_OR_WITHHELD = ("-1", "-2")
_SIGNALS = frozenset(SIGNALS)
_NEVER_ABSENT = _SIGNALS | SIGNAL_MACROS | {"duration_ms", "BREAKMAXDURATION"}
"""Where it matters that something was said, even if nobody can tell what."""
_UNREADABLE = "?"
"""Stands for what is no text, such as an object of JSON: no signal and no length is written so."""
_MAX_NAME = 64
_BYTE_ORDER_MARK = "\ufeff"
"""Some clients' libraries begin with it whatever they write."""
_SPECIAL = frozenset("[$%{- \t\r\n")
"""How values start that may be placeholders, unknown, or in need of trimming."""


@dataclass(slots=True)
class Given:
    """What was sent: resolved values by name, key-values, and what was not understood."""

    values: dict[str, str] = field(default_factory=dict)
    key_values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ignored: list[Ignored] = field(default_factory=list)

    def ignore(self, name: str, reason: str) -> None:
        """Note what is left aside; only the first 20, so that nobody fills our records."""
        if len(self.ignored) < MAX_IGNORED:
            shown = name[:_MAX_NAME].encode("ascii", "backslashreplace").decode()
            self.ignored.append(Ignored(shown, reason))


def given_in(event: Mapping[str, Any]) -> Given:
    """Return the parameters of an API Gateway event. What the body says overrides the address.

    Raises:
        InvalidRequestError: the body cannot be read, and the address names no placement.
    """
    given = Given()
    _take_all(_query_pairs(event), given)
    if event.get("body"):
        try:
            pairs = _body_pairs(event)
        except ValueError as error:
            if "placement" not in given.values:
                raise InvalidRequestError(str(error)) from error
            given.ignore("body", "unreadable")
        else:
            from_query, given.values = given.values, {}
            _take_all(pairs, given)
            given.values = _merged(from_query, given.values)
    return given


def _merged(others: dict[str, str], ours: dict[str, str]) -> dict[str, str]:
    """Return both, `ours` before `others`; of privacy signals what both say."""
    merged = others | ours
    for name in _SIGNALS & others.keys() & ours.keys():
        merged[name] = _both(ours[name], others[name])
    return merged


def _both(said: str, also: str) -> str:
    return said if said == also else f"{said},{also}"


def _query_pairs(event: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Return the parameters of the address, each as it was sent.

    API Gateway joins repeated ones by commas, which values may have as well: only when there are
    more parameters than names the address itself is read.
    """
    joined: Mapping[str, str] = event.get("queryStringParameters") or {}
    raw: str = event.get("rawQueryString") or ""
    if raw.count("&") < len(joined):
        return joined.items()
    return parse_qsl(raw, keep_blank_values=True) if raw else joined.items()


def _body_pairs(event: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Return what the body holds; its look says what it is, for Content-Types are often wrong.

    Raises:
        ValueError: it is too large, no base64 or UTF-8, or neither JSON nor a form.
    """
    body = event["body"]
    if not isinstance(body, str) or len(body) > MAX_BODY_BYTES:
        raise ValueError("the body is too large")
    try:
        text = base64.b64decode(body).decode() if event.get("isBase64Encoded") else body
    except ValueError as error:
        raise ValueError("the body is not valid JSON") from error
    text = text.removeprefix(_BYTE_ORDER_MARK)
    if _is_form(text):
        return parse_qsl(text, keep_blank_values=True)
    try:
        document = orjson.loads(text)
    except ValueError as error:
        raise ValueError("the body is not valid JSON") from error
    if not isinstance(document, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004 - the caller's mistake
    return _json_pairs(document)


def _is_form(text: str) -> bool:
    return "=" in text and text.lstrip()[0] not in '{["'


def _json_pairs(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if name == "kv" and isinstance(value, dict):
            yield from ((f"kv.{key}", values) for key, values in value.items())
        else:
            yield name, value


def _take_all(pairs: Iterable[tuple[str, Any]], given: Given) -> None:
    aliases: dict[str, str] = {}
    values = given.values
    for number, (name, value) in enumerate(pairs):
        if number >= MAX_PARAMETERS:
            given.ignore(name, "too_many_parameters")
            break
        if name in NAMES:
            # Nearly all values are plain text and sent once; this spares them a call.
            if type(value) is str and value and value[0] not in _SPECIAL and name not in values:
                values[name] = value
            else:
                _take_value(name, value, given)
        else:
            _take_other(name, value, aliases, given)
    if aliases:
        given.values = _merged(aliases, given.values)


def _take_other(name: str, value: object, aliases: dict[str, str], given: Given) -> None:
    if name[:3] == "kv.":
        _take_key_value(name, value, given)
    elif name in MACROS:
        _take_macro(name, value, aliases, given)
    elif name not in _NOT_READ_HERE:
        given.ignore(name, "unknown")


def _take_value(name: str, value: object, given: Given) -> None:
    text = value.strip() if isinstance(value, str) else _text_of(name, value)
    if text is None:
        given.ignore(name, "malformed")
    elif text and not is_unresolved(text):
        if name not in given.values:
            given.values[name] = text
        elif name in _SIGNALS:
            given.values[name] = _both(given.values[name], text)
        elif name in LISTS:
            given.values[name] += f",{text}"
        else:
            given.ignore(name, "repeated")


def _take_macro(name: str, value: object, aliases: dict[str, str], given: Given) -> None:
    text = value.strip() if isinstance(value, str) else _text_of(name, value)
    if text is None:
        given.ignore(name, "malformed")
    elif text and not is_unresolved(text):
        for parameter, meaning in MACROS[name](text):
            known = aliases.setdefault(parameter, meaning)
            if parameter in _SIGNALS:
                aliases[parameter] = _both(known, meaning)


def _take_key_value(name: str, value: object, given: Given) -> None:
    key = name[3:]
    if not KEY_NAME.fullmatch(key):
        given.ignore(name, "malformed")
        return
    if key not in given.key_values and len(given.key_values) >= MAX_KEY_VALUES:
        given.ignore(name, "too_many_key_values")
        return
    kept = dict.fromkeys(given.key_values.get(key, ()))
    for word in _words_of(name, value):
        if word == "" or (word and _is_placeholder(word)):
            continue
        if word is None or not _is_storable(word) or len(kept) >= MAX_VALUES_OF_KEY:
            given.ignore(name, "malformed")
            break
        kept[word] = None
    if kept:
        given.key_values[key] = tuple(kept)


def _words_of(name: str, value: object) -> Iterable[str | None]:
    """Return the values between commas, or of a JSON list, whose texts may have commas."""
    if isinstance(value, str):
        return (word.strip() for word in value.split(","))
    return (_text_of(name, item) for item in (value if isinstance(value, list) else [value]))


def _is_storable(word: str) -> bool:
    return len(word) <= MAX_LENGTH_OF_VALUE and is_writable(word)


def _text_of(name: str, value: object) -> str | None:
    """Return a JSON value as the text that it would be in an address; None for what is none."""
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int | float) and name != "placement":
        return str(int(value)) if value == value // 1 else str(value)
    if isinstance(value, list) and name in LISTS:
        texts = [_text_of("", item) for item in value]
        return None if None in texts else ",".join(text for text in texts if text)
    return _UNREADABLE if name in _NEVER_ABSENT else None


def is_unresolved(text: str) -> bool:
    """Tell whether the sender left a value open; `text` is not empty."""
    return text in _UNKNOWN_OR_WITHHELD or _is_placeholder(text)


def _is_placeholder(text: str) -> bool:
    first = text[0]
    if first not in "[$%{":
        return False
    if first == "%":
        return text[:2] == text[-2:] == "%%" or (
            (decoded := unquote(text)) != text and bool(decoded) and _is_placeholder(decoded)
        )
    return (
        (first == "[" and text[-1] == "]")
        or (text[:2] == "${" and text[-1] == "}")
        or (text[:2] == "{{" and text[-2:] == "}}")
    )
