"""The core segment of TCF strings: what people in Europe and Canada consented to.

IAB Tech Lab, "Consent string and vendor list formats v2", and the Canadian section of the GPP.
Only the core segment says what a server may do; disclosed vendors and publisher purposes do not.
"""

from dataclasses import dataclass
from enum import IntEnum

from ctv_ads.domain.privacy.bits import Bits, UnreadableError, bits_of


class Purpose(IntEnum):
    """The purposes that an ad server needs (TCF policies, appendix A)."""

    STORE_ON_DEVICE = 1
    SELECT_BASIC_ADS = 2
    """Includes counting how often an ad was shown: frequency caps."""
    SELECT_PERSONALISED_ADS = 4
    MEASURE_ADS = 7


_VERSION = 2
_PURPOSES = 24
_VENDORS_AT = 213


@dataclass(frozen=True, slots=True)
class ConsentString:
    """A TCF v2 core segment, read where it is asked."""

    bits: Bits

    @property
    def cmp_id(self) -> int:
        """Whose dialogue it was."""
        return self.bits.number(78, 12)

    @property
    def consent_language(self) -> str:
        """Two letters, upper case."""
        return _letters(self.bits, 108)

    @property
    def vendor_list_version(self) -> int:
        """Version of the Global Vendor List."""
        return self.bits.number(120, 12)

    @property
    def policy_version(self) -> int:
        """Version of the TCF policies: 2 to 5 today."""
        return self.bits.number(132, 6)

    @property
    def is_service_specific(self) -> bool:
        """Whether it was asked for this service alone."""
        return self.bits.is_set(138)

    @property
    def publisher_country(self) -> str:
        """Two letters, upper case."""
        return _letters(self.bits, 201)

    def has_special_feature(self, feature: int) -> bool:
        """Tell whether special feature 1 to 12 was opted in to; 1 is precise geolocation."""
        return self.bits.is_set(140 + feature - 1)

    def consents_to(self, purpose: int) -> bool:
        """Tell whether there is consent to purpose 1 to 24."""
        return self.bits.is_set(152 + purpose - 1)

    def has_legitimate_interest(self, purpose: int) -> bool:
        """Tell whether a legitimate interest in purpose 1 to 24 stands, without objection."""
        return self.bits.is_set(176 + purpose - 1)

    def vendor_consents(self, vendor: int) -> bool:
        """Tell whether there is consent to vendor 1 to 65,535.

        Raises:
            UnreadableError: the string ends before its list of vendors.
        """
        return _vendor_list(self.bits, _VENDORS_AT, vendor)[0]

    def vendor_has_legitimate_interest(self, vendor: int) -> bool:
        """Tell whether a vendor's legitimate interest stands.

        Raises:
            UnreadableError: the string ends before its lists of vendors.
        """
        _, end = _vendor_list(self.bits, _VENDORS_AT, vendor)
        return _vendor_list(self.bits, end, vendor)[0]

    def restrictions_of(self, vendor: int) -> dict[int, int]:
        """Return what the publisher restricts for a vendor: type by purpose.

        Type 0 forbids the purpose, 1 demands consent, 2 demands legitimate interest.

        Raises:
            UnreadableError: the string ends before its restrictions do.
        """
        _, at = _vendor_list(self.bits, _VENDORS_AT, vendor)
        _, at = _vendor_list(self.bits, at, vendor)
        restrictions: dict[int, int] = {}
        count, at = self.bits.number(at, 12), at + 12
        for _ in range(count):
            purpose, kind = self.bits.number(at, 6), self.bits.number(at + 6, 2)
            is_listed, at = _ranges(self.bits, at + 8, vendor)
            if is_listed:
                # Of several types for one purpose the strictest holds.
                restrictions[purpose] = min(kind, restrictions.get(purpose, kind))
        return restrictions


def consent_string(text: str) -> ConsentString:
    """Read a TCF v2 string; segments after the core are left alone.

    Raises:
        UnreadableError: it is malformed, cut short, or of another version.
    """
    bits = bits_of(text.partition(".")[0])
    if bits.number(0, 6) != _VERSION:
        raise UnreadableError("not version 2")
    # Reading hundreds of vendors only to know that they are all there would cost a decision's time.
    count, is_range = bits.number(_VENDORS_AT, 16), bits.is_set(_VENDORS_AT + 16)
    at = _VENDORS_AT + 17
    least = 12 + 17 * bits.number(at, 12) if is_range else count
    if at + least > bits.length:
        raise UnreadableError("too short")
    return ConsentString(bits)


def canadian_consents(text: str) -> frozenset[int]:
    """Return the purposes that a Canadian TCF section allows, expressly or by implication.

    Raises:
        UnreadableError: it is malformed, cut short, or of another version.
    """
    bits = bits_of(text.partition(".")[0])
    if bits.number(0, 6) != 1:
        raise UnreadableError("not version 1")
    allowed = bits.number(151, _PURPOSES) | bits.number(151 + _PURPOSES, _PURPOSES)
    return frozenset(n for n in range(1, _PURPOSES + 1) if allowed >> (_PURPOSES - n) & 1)


def _letters(bits: Bits, at: int) -> str:
    return chr(65 + bits.number(at, 6)) + chr(65 + bits.number(at + 6, 6))


def _vendor_list(bits: Bits, at: int, vendor: int) -> tuple[bool, int]:
    """Return whether the list at `at` names the vendor, and where the list ends."""
    highest, is_range = bits.number(at, 16), bits.is_set(at + 16)
    if is_range:
        return _ranges(bits, at + 17, vendor)
    end = at + 17 + highest
    if end > bits.length:
        raise UnreadableError("too short")
    return 0 < vendor <= highest and bits.is_set(at + 16 + vendor), end


def _ranges(bits: Bits, at: int, vendor: int) -> tuple[bool, int]:
    is_listed = False
    count, at = bits.number(at, 12), at + 12
    for _ in range(count):
        is_group = bits.is_set(at)
        first = bits.number(at + 1, 16)
        last = bits.number(at + 17, 16) if is_group else first
        is_listed = is_listed or first <= vendor <= last
        at += 33 if is_group else 17
    return is_listed, at
