"""Bit fields in base64url without padding, as consent strings are written."""

import binascii
from dataclasses import dataclass

MAX_CHARACTERS = 8_192
"""Of one consent string. The longest in the field, with publisher restrictions, have 4,000."""
_STANDARD = str.maketrans("-_", "+/")


class UnreadableError(ValueError):
    """A signal that cannot be understood. It counts as refusal."""


@dataclass(frozen=True, slots=True)
class Bits:
    """Bits, numbered from 0 at the left."""

    value: int
    length: int

    def number(self, at: int, width: int) -> int:
        """Return `width` bits from `at` as a number.

        Raises:
            UnreadableError: the bits end before.
        """
        rest = self.length - at - width
        if rest < 0:
            raise UnreadableError("too short")
        return (self.value >> rest) & ((1 << width) - 1)

    def is_set(self, at: int) -> bool:
        """Tell whether the bit at `at` is 1.

        Raises:
            UnreadableError: the bits end before.
        """
        return self.number(at, 1) == 1


def bits_of(text: str) -> Bits:
    """Return the bits that base64url text stands for, six of a character.

    Padding may be there or not: MediaTailor forbids doubled characters such as `==` in addresses.

    Raises:
        UnreadableError: the text is empty, too long, or no base64url.
    """
    bare = text.rstrip("=")
    if not 0 < len(bare) <= MAX_CHARACTERS:
        raise UnreadableError("empty or too long")
    filled = bare.translate(_STANDARD) + "A" * (-len(bare) % 4)
    try:
        raw = binascii.a2b_base64(filled, strict_mode=True)
    except ValueError as error:  # binascii.Error, or no ASCII at all
        raise UnreadableError("no base64url") from error
    return Bits(int.from_bytes(raw) >> 6 * (len(filled) - len(bare)), 6 * len(bare))
