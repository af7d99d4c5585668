"""Where in the content ads are wanted: the `breaks` of a VMAP request."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ctv_ads.domain.ad_request import BreakType, Ignored

MAX_BREAKS = 32
"""Each is a decision of its own; three hours of live sport have about twenty."""
_MAX_NAMED = 2 * MAX_BREAKS
_TIME = re.compile(r"[0-9]{2}:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{3})?")
_PERCENT = re.compile(r"(?:100|[0-9]{1,2})%")
_WORDS = {"start": BreakType.PREROLL, "end": BreakType.POSTROLL}


@dataclass(frozen=True, slots=True)
class BreakPosition:
    """One break. `time_offset` is as VMAP writes it: start, end, HH:MM:SS[.mmm] or n%."""

    break_id: str
    """Unique over the document: `preroll`, `midroll-1` …, `postroll`."""
    time_offset: str
    break_type: BreakType


@dataclass(frozen=True, slots=True)
class Breaks:
    """The breaks in the order in which they were asked for, and what was not understood."""

    positions: tuple[BreakPosition, ...]
    ignored: tuple[Ignored, ...] = ()


def read_breaks(text: str | None) -> Breaks:
    """Return the breaks that `text` asks for, such as `start,00:10:00.000,50%,end`.

    Absent or blank asks for one before the content. What is malformed, said before, or beyond
    `MAX_BREAKS` is ignored: `breaks.3` is the third that is not blank. VMAP's `#n`, the n-th opportunity, is not
    supported: what it means is known to the player alone, and some players cannot read it.
    """
    entries = [entry.strip().lower() for entry in (text or "").split(",")]
    wanted = [entry for entry in entries if entry] or ["start"]
    known = [entry for entry in dict.fromkeys(wanted) if _break_type(entry)]
    return Breaks(
        positions=tuple(_positions(known[:MAX_BREAKS])),
        ignored=tuple(_ignored(wanted, known)),
    )


def _positions(known: list[str]) -> Iterator[BreakPosition]:
    midrolls = 0
    for entry in known:
        kind = _WORDS.get(entry, BreakType.MIDROLL)
        midrolls += kind is BreakType.MIDROLL
        number = f"-{midrolls}" if kind is BreakType.MIDROLL else ""
        yield BreakPosition(f"{kind}{number}", entry, kind)


def _ignored(wanted: list[str], known: list[str]) -> Iterator[Ignored]:
    served = frozenset(known[:MAX_BREAKS])
    seen = set[str]()
    for number, entry in enumerate(wanted[:_MAX_NAMED], 1):
        if _break_type(entry) is None:
            yield Ignored(f"breaks.{number}", "malformed")
        elif entry in seen:
            yield Ignored(f"breaks.{number}", "repeated")
        elif entry not in served:
            yield Ignored(f"breaks.{number}", "too_many_breaks")
        seen.add(entry)


def _break_type(entry: str) -> BreakType | None:
    is_midroll = _TIME.fullmatch(entry) or _PERCENT.fullmatch(entry)
    return BreakType.MIDROLL if is_midroll else _WORDS.get(entry)
