"""Targeting refuses what is malformed and flags what is unknown."""

import pytest

from ctv_ads.domain.targeting import (
    DIMENSIONS,
    Rule,
    problems_of_targeting,
    remarks_on_targeting,
    targeted_placements,
)
from ctv_ads.domain.vocabulary import COUNTRIES, GENRES

PLACEMENT = "01a20626-e06b-7027-a8ba-5ebc8f6a5d40"
GOOD = {
    "country": ["AT", "US"],
    "region": ["US-CA", "AT-9"],
    "metro": ["501"],
    "city": ["Wien", "St. Pölten"],
    "postal_prefix": ["1", "SW1A 2"],
    "device_type": ["ctv", "set_top_box"],
    "os": ["tizen"],
    "make": ["Samsung"],
    "app_bundle": ["com.example.tv", "B00KDUOFAO"],
    "channel": ["News 24"],
    "network": ["Example & Co"],
    "genre": ["Home & Garden"],
    "rating": ["TV-14", "PG-13"],
    "language": ["de", "de-AT", "zh-Hant-TW"],
    "livestream": ["true", "false"],
    "placement": [PLACEMENT],
    "break_type": ["preroll", "midroll", "postroll"],
    "segment": ["sports-fans"],
}
MALFORMED = {
    "country": ["A", "at", "AUT", "A1", "\u0410\u0422"],
    "region": ["US", "US_CA", "us-ca", "US-CALI"],
    "metro": ["", "dma 501"],
    "city": [" Wien", "Wien "],
    "postal_prefix": ["sw1a", "12345678901", "-1"],
    "device_type": ["CTV"],
    "os": ["Tizen", "\u0000"],
    "make": ["", "\n"],
    "app_bundle": ["com example"],
    "channel": ["x" * 201],
    "network": [" "],
    "genre": [""],
    "rating": ["TV/14"],
    "language": ["german", "d", "de_AT", "de-"],
    "livestream": ["True", "1"],
    "placement": ["demo", PLACEMENT.upper()],
    "break_type": ["pre-roll", "bumper"],
    "segment": [""],
}


def test_every_dimension_is_tried_here() -> None:
    assert set(GOOD) == set(MALFORMED) == set(DIMENSIONS)


@pytest.mark.parametrize("name", sorted(GOOD))
@pytest.mark.parametrize("side", ["include", "exclude"])
def test_good_values_pass_unflagged(name: str, side: str) -> None:
    targeting = {name: Rule(**{side: tuple(GOOD[name])})}
    assert problems_of_targeting(targeting) == []
    assert remarks_on_targeting(targeting, known_placements=frozenset({PLACEMENT})) == []


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in MALFORMED.items() for value in values]
)
def test_a_malformed_value_is_told_by_its_path(name: str, value: str) -> None:
    targeting = {name: Rule(exclude=(GOOD[name][0], value))}
    (problem,) = problems_of_targeting(targeting)
    assert (problem.path, problem.code) == (f"targeting.{name}.exclude.1", "malformed")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("country", "XX"),
        ("region", "XX-1"),
        ("device_type", "fridge"),
        ("os", "beos"),
        ("genre", "Telenovela"),
        ("rating", "X"),
        ("placement", PLACEMENT),
    ],
)
def test_an_unknown_value_is_no_problem_but_flagged(name: str, value: str) -> None:
    targeting = {name: Rule(include=(value,))}
    assert problems_of_targeting(targeting) == []
    (remark,) = remarks_on_targeting(targeting, known_placements=frozenset())
    assert (remark.path, remark.code) == (f"targeting.{name}.include.0", "unknown_value")


@pytest.mark.parametrize("name", ["planet", "kv.", "kv.a b", "KV.a", f"kv.{'x' * 51}", ""])
def test_an_unknown_dimension_is_refused(name: str) -> None:
    (problem,) = problems_of_targeting({name: Rule(include=("x",))})
    assert (problem.path, problem.code) == (f"targeting.{name}", "unknown_dimension")


def test_key_values_are_free() -> None:
    targeting = {"kv.section": Rule(include=("sports",), exclude=("betting",))}
    assert problems_of_targeting(targeting) == []
    assert remarks_on_targeting(targeting, known_placements=frozenset()) == []


def test_what_is_included_cannot_be_excluded() -> None:
    targeting = {"os": Rule(include=("tizen", "roku"), exclude=("webos", "roku"))}
    (problem,) = problems_of_targeting(targeting)
    assert (problem.path, problem.code) == ("targeting.os.exclude.1", "contradiction")


def test_named_placements_are_those_of_both_sides() -> None:
    assert targeted_placements({"os": Rule(include=("x",))}) == ()
    targeting = {"placement": Rule(include=("a",), exclude=("b",))}
    assert targeted_placements(targeting) == ("a", "b")


def test_the_vocabularies_are_whole() -> None:
    assert len(COUNTRIES) == 249
    assert len(GENRES) == 44
