"""CSV (RFC 4180) that spreadsheets show and never run."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime

CSV_TYPE = "text/csv; charset=utf-8; header=present"

# A cell that starts with one of these is a formula to some spreadsheet (OWASP, CSV injection);
# the last four are how Asian input methods spell the first four.
_FORMULA_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


class CsvText:
    """A CSV that grows row by row up to a size.

    The size is the one that counts at Lambda's limit: that of the text as a JSON string.
    """

    def __init__(self, header: Sequence[str], *, max_bytes: int) -> None:
        self._lines = [_line(header)]
        self._bytes = _weight(self._lines[0])
        self._max_bytes = max_bytes

    def add(self, values: Sequence[object]) -> bool:
        """Add a row, or return False if it no longer fits."""
        line = _line(values)
        weight = _weight(line)
        if self._bytes + weight > self._max_bytes:
            return False
        self._lines.append(line)
        self._bytes += weight
        return True

    def text(self) -> str:
        """Return what was added."""
        return "".join(self._lines)


def _line(values: Sequence[object]) -> str:
    target = io.StringIO()
    csv.writer(target, lineterminator="\r\n").writerow([_cell(value) for value in values])
    return target.getvalue()


def _cell(value: object) -> object:
    """Return text that no spreadsheet takes for a formula, and times in UTC, which ends in Z."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def _weight(line: str) -> int:
    return len(json.dumps(line)) - 2
