"""Opt-outs of the United States: the sections of the GPP, and the older us_privacy string.

Layouts: InteractiveAdvertisingBureau/Global-Privacy-Platform, Sections. All fields but the
version are two bits; 1 says yes (opted out, or no consent given for a child), 2 no, 0 not
applicable.
"""

import re
from dataclasses import dataclass
from types import MappingProxyType

from ctv_ads.domain.privacy.bits import UnreadableError, bits_of

_YES = 1
_US_PRIVACY = re.compile("1[YN-]{3}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OptOuts:
    """What a section refuses."""

    sale: bool = False
    sharing: bool = False
    targeted_advertising: bool = False
    known_child: bool = False
    """A known child, for whom nobody consented."""
    global_privacy_control: bool = False

    @property
    def any(self) -> bool:
        """Whether anything is refused."""
        return self != _NOTHING


_NOTHING = OptOuts()


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the fields of a section's core lie, in bits. 0: it has no such field."""

    sale: int
    sharing: int
    targeted: int
    children: int
    """Where KnownChildSensitiveDataConsents starts."""
    child_ages: int


_NATIONAL_2 = _Layout(18, 20, 22, 56, 3)
_THREE_NOTICES = _Layout(12, 0, 14, 32, 1)
_THREE_AGES = _Layout(12, 0, 14, 32, 3)
_FOUR_NOTICES = _Layout(14, 0, 16, 34, 1)
_LAYOUTS = MappingProxyType(
    {
        (7, 1): _Layout(18, 20, 22, 48, 2),  # usnat
        (7, 2): _NATIONAL_2,
        (8, 1): _Layout(12, 14, 0, 34, 2),  # usca
        (9, 1): _THREE_NOTICES,  # usva
        (10, 1): _Layout(12, 0, 14, 30, 1),  # usco
        (11, 1): _FOUR_NOTICES,  # usut
        (12, 1): _THREE_AGES,  # usct
        (13, 1): _THREE_AGES,  # usfl
        (14, 1): _THREE_AGES,  # usmt
        (15, 1): _Layout(12, 0, 14, 38, 3),  # usor
        (16, 1): _THREE_NOTICES,  # ustx
        (17, 1): _Layout(12, 0, 14, 34, 5),  # usde
        (18, 1): _FOUR_NOTICES,  # usia
        (19, 1): _THREE_NOTICES,  # usne
        (20, 1): _THREE_AGES,  # usnh
        (21, 1): _Layout(12, 0, 14, 36, 5),  # usnj
        (22, 1): _THREE_NOTICES,  # ustn
        (23, 1): _THREE_NOTICES,  # usmn
    }
)
"""By id of the section and version."""
US_SECTIONS = frozenset(section for section, _ in _LAYOUTS)


def opt_outs_of_section(section: int, text: str) -> OptOuts:
    """Return what a US section of a GPP string refuses.

    Raises:
        UnreadableError: it is malformed, cut short, or of a version or state unknown here.
    """
    core, *others = text.split(".")
    bits = bits_of(core)
    layout = _LAYOUTS.get((section, bits.number(0, 6)))
    if layout is None:
        raise UnreadableError("unknown section or version")

    def says_yes(at: int) -> bool:
        return at > 0 and bits.number(at, 2) == _YES

    ages = range(layout.children, layout.children + 2 * layout.child_ages, 2)
    return OptOuts(
        sale=says_yes(layout.sale),
        sharing=says_yes(layout.sharing),
        targeted_advertising=says_yes(layout.targeted),
        known_child=any(says_yes(at) for at in ages),
        global_privacy_control=any(_is_control_on(segment) for segment in others),
    )


def opt_outs_of_us_privacy(text: str) -> OptOuts:
    """Return what a us_privacy string refuses; `-` is not applicable (US Privacy String, v1).

    Raises:
        UnreadableError: it is none of version 1.
    """
    if not _US_PRIVACY.fullmatch(text):
        raise UnreadableError("no us_privacy string of version 1")
    return OptOuts(sale=text[2] in "Yy")


def _is_control_on(segment: str) -> bool:
    """Tell whether a segment is Global Privacy Control (type 1), and switched on."""
    bits = bits_of(segment)
    return bits.number(0, 2) == 1 and bits.is_set(2)
