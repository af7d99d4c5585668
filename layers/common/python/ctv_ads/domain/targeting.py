"""Targeting: whom a line item is for, dimension by dimension.

A value that is malformed is refused; one that is well-formed but unknown to us (a new device, a
genre of somebody else's list) is kept and flagged, for it may be right.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ctv_ads.domain.remark import Remark
from ctv_ads.domain.vocabulary import (
    BREAK_TYPES,
    COUNTRIES,
    DEVICE_TYPES,
    GENRES,
    OPERATING_SYSTEMS,
    RATINGS,
)

MAX_VALUES = 1_000
"""Of one dimension's include or exclude."""
MAX_DIMENSIONS = 50
_KEY_VALUE = re.compile(r"kv\.[A-Za-z0-9_.-]{1,50}")


@dataclass(frozen=True, slots=True)
class Rule:
    """Of one dimension: any of `include` (all, when empty) and none of `exclude`."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


Targeting = Mapping[str, Rule]


@dataclass(frozen=True, slots=True)
class _Dimension:
    """What values of a dimension look like. Of a closed one only the known are allowed."""

    form: re.Pattern[str]
    example: str
    known: frozenset[str] | None = None
    is_closed: bool = False


def _dimension(
    form: str, example: str, known: frozenset[str] | None = None, *, is_closed: bool = False
) -> _Dimension:
    return _Dimension(re.compile(form), example, known, is_closed)


_TEXT = r"\S(?:.{0,198}\S)?"
_WORD = r"[a-z0-9][a-z0-9_ .-]{0,49}"
_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_DIMENSIONS: Mapping[str, _Dimension] = {
    "country": _dimension(r"[A-Z]{2}", "AT (ISO 3166-1 alpha-2)", COUNTRIES),
    "region": _dimension(r"[A-Z]{2}-[A-Z0-9]{1,3}", "US-CA (ISO 3166-2)"),
    "metro": _dimension(r"[A-Za-z0-9-]{1,20}", "501 (Nielsen DMA)"),
    "city": _dimension(_TEXT, "Vienna"),
    "postal_prefix": _dimension(r"[A-Z0-9](?:[A-Z0-9 -]{0,8}[A-Z0-9])?", "902"),
    "device_type": _dimension(_WORD, "ctv", DEVICE_TYPES),
    "os": _dimension(_WORD, "tizen", OPERATING_SYSTEMS),
    "make": _dimension(_TEXT, "Samsung"),
    "app_bundle": _dimension(r"[!-~]{1,200}", "com.example.tv"),
    "channel": _dimension(_TEXT, "News 24"),
    "network": _dimension(_TEXT, "Example Networks"),
    "genre": _dimension(_TEXT, "Drama (IAB's CTV genres)", GENRES),
    "rating": _dimension(r"[A-Za-z0-9+ -]{1,20}", "TV-14", RATINGS),
    "language": _dimension(
        r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,4}", "de-AT (BCP 47)"
    ),
    "livestream": _dimension(
        r"true|false", "true or false", frozenset({"true", "false"}), is_closed=True
    ),
    "placement": _dimension(_ID, "the id of a placement"),
    "break_type": _dimension(r"[a-z]{1,20}", "preroll, midroll or postroll", BREAK_TYPES, is_closed=True),
    "segment": _dimension(_TEXT, "sports-fans"),
}  # fmt: skip
_KEY_VALUES = _dimension(_TEXT, "any text")
DIMENSIONS = tuple(_DIMENSIONS)
"""Besides these there is `kv.<name>` for key-values."""


def problems_of_targeting(targeting: Targeting) -> Sequence[Remark]:
    """Return what cannot be stored, empty when everything fits."""
    problems = []
    for name, rule in targeting.items():
        if _dimension_named(name) is None:
            message = f"is none of {', '.join(DIMENSIONS)}, kv.<name>"
            problems.append(Remark(f"targeting.{name}", "unknown_dimension", message))
        else:
            problems += _problems_of_rule(name, rule)
    return problems


def remarks_on_targeting(targeting: Targeting, *, known_placements: frozenset[str]) -> list[Remark]:
    """Return the values that are well-formed but unknown."""
    remarks = []
    for name, rule in targeting.items():
        for path, value in _values(name, rule):
            if not _is_known(name, value, known_placements):
                message = f"{value!r} is not known to us; it is kept as it is"
                remarks.append(Remark(path, "unknown_value", message))
    return remarks


def targeted_placements(targeting: Targeting) -> tuple[str, ...]:
    """Return the placements that are named, included or excluded."""
    rule = targeting.get("placement", Rule())
    return rule.include + rule.exclude


def _dimension_named(name: str) -> _Dimension | None:
    return _KEY_VALUES if _KEY_VALUE.fullmatch(name) else _DIMENSIONS.get(name)


def _problems_of_rule(name: str, rule: Rule) -> list[Remark]:
    dimension = _dimension_named(name) or _KEY_VALUES
    problems = []
    for path, value in _values(name, rule):
        unwanted = dimension.is_closed and value not in (dimension.known or ())
        if unwanted or not dimension.form.fullmatch(value):
            problems.append(Remark(path, "malformed", f"must look like {dimension.example}"))
    for number, value in enumerate(rule.exclude):
        if value in rule.include:
            path = f"targeting.{name}.exclude.{number}"
            problems.append(Remark(path, "contradiction", f"{value!r} is included as well"))
    return problems


def _values(name: str, rule: Rule) -> Iterator[tuple[str, str]]:
    for side, values in (("include", rule.include), ("exclude", rule.exclude)):
        for number, value in enumerate(values):
            yield f"targeting.{name}.{side}.{number}", value


def _is_known(name: str, value: str, known_placements: frozenset[str]) -> bool:
    if name == "placement":
        return value in known_placements
    if name == "region":
        return value[:2] in COUNTRIES
    known = _DIMENSIONS[name].known if name in _DIMENSIONS else None
    return known is None or value in known
