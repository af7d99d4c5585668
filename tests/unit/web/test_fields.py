"""What fields of requests take, at their edges."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from ctv_ads.adapters.ids import new_id
from ctv_ads.errors import UnauthenticatedError
from ctv_ads.web.bearer import bearer_token
from ctv_ads.web.fields import MAX_MICROS, Id, Micros, Moment, Name, Timezone, WebAddress


def taken(kind: Any, value: object) -> Any:
    return TypeAdapter(kind).validate_python(value)


def refused(kind: Any, value: object) -> bool:
    try:
        taken(kind, value)
    except ValidationError:
        return True
    return False


@pytest.mark.parametrize(
    ("given", "kept"),
    [("a", "a"), ("  a b ", "a b"), ("x" * 200, "x" * 200), ("😀\u202eש&<", "😀\u202eש&<")],
)
def test_names_are_kept_without_the_space_around_them(given: str, kept: str) -> None:
    assert taken(Name, given) == kept


@pytest.mark.parametrize(
    "wrong",
    [
        *("", " ", "\n", "x" * 201, "a\x00b", "a\nb", "a\x7f", "\ud800", "a\ufffe", 1, None),
        *("a\x80b", "a\x85b", "a\u2028b", "a\ufdd0b", "a\U0001ffffb", "a\U0010fffeb"),
    ],
)
def test_names_that_xml_or_people_cannot_bear_are_refused(wrong: object) -> None:
    assert refused(Name, wrong)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "http://a",
            "https://a.example/",
            "https://a.example:8443/p?q=1#f",
            "https://ü.example/ü",
        ),
        *(
            "https://a/?q=50%25&cb=[CACHEBUSTING]",
            "https://a/?cb=%%CACHE_BUSTER%%&x=${X}&y=%%A:B%%",
        ),
        *("https://a/?a[]=1&b={b}|c", "https://a/?%%A%%%20b"),
    ],
)
def test_web_addresses_are_absolute(address: str) -> None:
    assert taken(WebAddress, address) == address


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "a.example",
        "//a.example",
        "ftp://a.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "https:///path",
        "https://a b",
        "https://a/\n",
        " https://a",
        "https://[::1",
        "https://a:port/",
        "https://a:99999/",
        "https://" + "a" * 2000,
        *(
            "https://a/?q=50%",
            "https://a/?q=%zz",
            "https://a/?q=%2",
            "https://a/?%A%%",
            "https://a/#b#c",
        ),
        *("https://a/\x85", "https://a/\u2028", "https://a/\ufdd0", "https://a/\U0001fffe"),
    ],
)
def test_what_is_no_web_address_is_refused(wrong: str) -> None:
    assert refused(WebAddress, wrong)


@pytest.mark.parametrize("whole", [0, 1, MAX_MICROS])
def test_money_is_whole_and_within_bounds(whole: int) -> None:
    assert taken(Micros, whole) == whole


@pytest.mark.parametrize("wrong", [-1, MAX_MICROS + 1, 1.0, "1", True, None, 2**64])
def test_money_is_nothing_else(wrong: object) -> None:
    assert refused(Micros, wrong)


def test_ids_are_lower_case_uuids() -> None:
    known = new_id()
    assert taken(Id, known) == known
    for wrong in (known.upper(), known[:-1], known + "\n", f"{{{known}}}", known.replace("-", "")):
        assert refused(Id, wrong)


def test_moments_come_out_in_utc() -> None:
    moment = taken(Moment, "2026-11-23T12:00:00+05:30")
    assert (moment, moment.tzinfo) == (datetime(2026, 11, 23, 6, 30, tzinfo=UTC), UTC)
    for wrong in ("2026-11-23T12:00:00", "9999-12-31T23:59:59-01:00", "x", ""):
        assert refused(Moment, wrong)


def test_timezones_are_those_of_iana() -> None:
    assert taken(Timezone, "Europe/Vienna") == "Europe/Vienna"
    for wrong in ("Mars/Olympus", "", "../../etc/passwd", "europe/vienna"):
        assert refused(Timezone, wrong)


@pytest.mark.parametrize("header", ["Bearer abc", "bearer abc", "BEARER  abc "])
def test_an_access_token_comes_as_a_bearer(header: str) -> None:
    assert bearer_token({"authorization": header}) == "abc"
    assert bearer_token({"Authorization": header}) == "abc"


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": ""}, {"authorization": "Bearer "}, {"authorization": "abc"}]
)
def test_without_a_bearer_there_is_no_token(headers: dict[str, str]) -> None:
    with pytest.raises(UnauthenticatedError):
        bearer_token(headers)
