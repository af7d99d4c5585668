"""The container of the Global Privacy Platform: which sections a string has.

InteractiveAdvertisingBureau/Global-Privacy-Platform, "Consent String Specification".
"""

from collections.abc import Mapping

from ctv_ads.domain.privacy.bits import Bits, UnreadableError, bits_of

_HEADER_TYPE = 3
_HEADER_VERSION = 1
_MAX_SECTIONS = 64


def gpp_sections(text: str) -> Mapping[int, str]:
    """Return the sections of a GPP string by their ids.

    Raises:
        UnreadableError: the header is malformed or of another version, or names other sections
            than there are.
    """
    header, *sections = text.split("~")
    bits = bits_of(header)
    if (bits.number(0, 6), bits.number(6, 6)) != (_HEADER_TYPE, _HEADER_VERSION):
        raise UnreadableError("no header of version 1")
    ids = _section_ids(bits)
    if len(ids) != len(sections):
        raise UnreadableError("the header names other sections than there are")
    return dict(zip(ids, sections, strict=True))


def _section_ids(bits: Bits) -> list[int]:
    """Read a Fibonacci-coded range: each number is the distance from the one before."""
    ids: list[int] = []
    last, at = 0, 24
    for _ in range(bits.number(12, 12)):
        is_group = bits.is_set(at)
        distance, at = _fibonacci(bits, at + 1)
        first = last = last + distance
        if is_group:
            distance, at = _fibonacci(bits, at)
            last = first + distance
        if len(ids) + last - first >= _MAX_SECTIONS:
            raise UnreadableError("more sections than exist")
        ids += range(first, last + 1)
    return ids


def _fibonacci(bits: Bits, at: int) -> tuple[int, int]:
    """Return the Fibonacci-coded number at `at`, and where the next one starts."""
    number, term, following, was_set = 0, 1, 2, False
    while True:
        is_set = bits.is_set(at)
        at += 1
        if is_set and was_set:
            return number, at
        if is_set:
            number += term
        term, following, was_set = following, term + following, is_set
