"""Breaks are read from what clients write; what is no break is ignored and named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctv_ads.vast.breaks import MAX_BREAKS, read_breaks


def positions(text: str | None) -> list[tuple[str, str, str]]:
    read = read_breaks(text).positions
    return [(item.break_id, item.time_offset, item.break_type.value) for item in read]


def ignored(text: str) -> list[tuple[str, str]]:
    return [(item.name, item.reason) for item in read_breaks(text).ignored]


def test_every_form_of_the_specification_but_positions_is_read() -> None:
    assert positions("start,00:10:00.000,01:02:03,50%,0%,100%,end") == [
        ("preroll", "start", "preroll"),
        ("midroll-1", "00:10:00.000", "midroll"),
        ("midroll-2", "01:02:03", "midroll"),
        ("midroll-3", "50%", "midroll"),
        ("midroll-4", "0%", "midroll"),
        ("midroll-5", "100%", "midroll"),
        ("postroll", "end", "postroll"),
    ]
    assert ignored("start,00:10:00.000,01:02:03,50%,0%,100%,end") == []


@pytest.mark.parametrize("text", [None, "", "  ", ",", " , ,"])
def test_who_names_no_break_gets_one_before_the_content(text: str | None) -> None:
    assert positions(text) == [("preroll", "start", "preroll")]


def test_spaces_and_capitals_do_not_matter() -> None:
    assert positions(" START , 50% ,,End ") == positions("start,50%,end")


@pytest.mark.parametrize(
    "entry",
    [
        *("#1", "101%", "-1%", "50.5%", "%", "00:60:00", "00:00:60", "1:00:00", "00:10"),
        *("00:10:00.5", "00:10:00.0000", "600", "middle", "\u0665\u0660%", "[BREAKS]", "start end"),
    ],
)
def test_what_is_no_break_is_ignored_and_named(entry: str) -> None:
    assert positions(f"{entry},end") == [("postroll", "end", "postroll")]
    assert ignored(f"start, ,{entry},end") == [("breaks.2", "malformed")]


def test_nothing_but_nonsense_asks_for_no_break() -> None:
    assert positions("soon") == []


def test_a_break_that_is_there_twice_is_one() -> None:
    assert positions("start,50%,start") == positions("start,50%")
    assert ignored("start,50%,start") == [("breaks.3", "repeated")]


def test_the_number_of_breaks_is_limited() -> None:
    text = ",".join(f"00:{minute:02}:00" for minute in range(MAX_BREAKS + 2))
    assert len(positions(text)) == MAX_BREAKS
    assert ignored(text) == [
        ("breaks.33", "too_many_breaks"),
        ("breaks.34", "too_many_breaks"),
    ]
    assert len(ignored(",".join(["x"] * 10_000))) == 2 * MAX_BREAKS


@given(st.lists(st.sampled_from(["start", "end", "50%", "00:10:00", "x"]) | st.text(max_size=9)))
def test_ids_and_positions_are_unique_whatever_comes(entries: list[str]) -> None:
    read = read_breaks(",".join(entries)).positions
    assert len({item.break_id for item in read}) == len(read)
    assert len({item.time_offset for item in read}) == len(read)
