"""Numbers and lengths of a request: what is out of range, and what is taken for it."""

from collections.abc import Callable
from math import isfinite

from ctv_ads.domain.ad_request import UNKNOWN_LENGTH_MS

DAY_MS = 86_400_000


class ReplacedError(ValueError):
    """What was sent cannot be meant as it is; `value` is taken for it, and `reason` told."""

    def __init__(self, value: int, reason: str) -> None:
        super().__init__(reason)
        self.value = value
        self.reason = reason


def number_between(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a whole number from `least` to `most`, and nothing else."""

    def parse(text: str) -> int:
        number = float(text)
        if not least <= number <= most:  # also what is no number at all (nan)
            raise ValueError("out of range")
        return int(number)

    return parse


def at_most(most: int) -> Callable[[str], int]:
    """Return what reads a number of at least 1, and takes a greater one than `most` for that."""

    def parse(text: str) -> int:
        number = float(text)
        if number > most and isfinite(number):
            raise ReplacedError(most, "above_limit")
        if not 1 <= number <= most:
            raise ValueError("out of range")
        return int(number)

    return parse


ms_of_a_day = at_most(DAY_MS)
"""Reads a length of at least 1 ms."""


def duration_ms(text: str) -> int:
    """Return the length of a break, 0 for none at all.

    Whoever sends it has a break to fill: one that cannot be read is a length that nobody knows,
    and never a break without limits.
    """
    try:
        return 0 if float(text) < 1 else ms_of_a_day(text)
    except ReplacedError:
        raise
    except ValueError as error:
        raise ReplacedError(UNKNOWN_LENGTH_MS, "malformed") from error
