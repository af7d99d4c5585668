"""CSV that any parser reads back, and no spreadsheet runs."""

import csv
import io
import json
from datetime import datetime, timedelta, timezone

import pytest

from ctv_ads.web.csv import CsvText

PLENTY = 10_000


def a_file(*rows: list[object], max_bytes: int = PLENTY) -> str:
    table = CsvText(["name", "n"], max_bytes=max_bytes)
    for row in rows:
        table.add(row)
    return table.text()


def test_lines_end_as_the_standard_says() -> None:
    assert a_file(["a", 1], ["b", 2]) == "name,n\r\na,1\r\nb,2\r\n"


@pytest.mark.parametrize(
    "text", ["a,b", 'say "x"', "two\nlines", "two\r\nlines", "  spaces ", "ü 😀", "", ";", "'"]
)
def test_any_text_is_read_back_as_it_was(text: str) -> None:
    rows = list(csv.reader(io.StringIO(a_file([text, 1]), newline="")))
    assert rows == [["name", "n"], [text, "1"]]


@pytest.mark.parametrize("start", list("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"))
def test_what_could_be_a_formula_is_text(start: str) -> None:
    text = f'{start}HYPERLINK("http://evil.example")'
    (_, (cell, _)) = csv.reader(io.StringIO(a_file([text, 1]), newline=""))
    assert cell == f"'{text}"


def test_a_formula_behind_the_start_is_left_alone() -> None:
    assert a_file(["a=1", 1]).endswith("a=1,1\r\n")


def test_figures_stay_figures() -> None:
    assert a_file(["a", -5]).endswith("a,-5\r\n")


def test_times_are_told_in_utc() -> None:
    moment = datetime(2026, 11, 23, 12, tzinfo=timezone(timedelta(hours=9)))
    assert a_file(["a", moment]).endswith("a,2026-11-23T03:00:00Z\r\n")


def test_a_row_that_does_not_fit_is_told_and_left_out() -> None:
    table = CsvText(["name"], max_bytes=len(json.dumps("name\r\nabc\r\n")) - 2)
    assert table.add(["abc"])
    assert not table.add([""])
    assert table.text() == "name\r\nabc\r\n"


def test_the_size_is_that_of_the_answer_in_json() -> None:
    text = "😀" * 10
    fits = CsvText(["n"], max_bytes=len(json.dumps(f"n\r\n{text}\r\n")) - 2)
    assert fits.add([text])
    assert not CsvText(["n"], max_bytes=len(json.dumps(f"n\r\n{text}\r\n")) - 3).add([text])
