"""TCF and GPP strings as a dialogue would write them, bit by bit."""

import base64
from collections.abc import Collection, Mapping


def a_consent_string(  # noqa: PLR0913 - a builder
    *,
    version: int = 2,
    purposes: Collection[int] = (),
    interests: Collection[int] = (),
    vendors: Collection[int] = (),
    vendor_interests: Collection[int] = (),
    restrictions: Mapping[tuple[int, int], Collection[int]] | None = None,
    as_ranges: bool = False,
) -> str:
    """Return the string; `restrictions` holds vendors by purpose and type."""
    bits = f"{version:06b}" + "0" * 146
    bits += _set(purposes, 24) + _set(interests, 24) + "0" * 13
    bits += _vendors(vendors, as_ranges=as_ranges) + _vendors(vendor_interests, as_ranges=as_ranges)
    listed = restrictions or {}
    bits += f"{len(listed):012b}"
    for (purpose, kind), restricted in listed.items():
        bits += f"{purpose:06b}{kind:02b}" + _ranges(restricted)
    return _written(bits)


def a_gpp_string(sections: Mapping[int, str]) -> str:
    """Return a GPP string with these sections; its header names each alone, in no group."""
    bits, last = f"{3:06b}{1:06b}{len(sections):012b}", 0
    for section in sections:
        bits += "0" + _fibonacci(section - last)
        last = section
    return "~".join([_written(bits), *sections.values()])


def a_section(bits: str) -> str:
    """Return a segment of these bits, followed by zeros."""
    return _written(bits)


def _fibonacci(number: int) -> str:
    terms = [1, 2]
    while terms[-1] <= number:
        terms.append(terms[-1] + terms[-2])
    digits = ""
    for term in reversed([each for each in terms if each <= number]):
        digits = ("1" if term <= number else "0") + digits
        number -= term if term <= number else 0
    return digits + "1"


def _written(bits: str) -> str:
    padded = bits + "0" * (-len(bits) % 24)
    raw = int(padded, 2).to_bytes(len(padded) // 8)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _set(numbers: Collection[int], width: int) -> str:
    return "".join("1" if number in numbers else "0" for number in range(1, width + 1))


def _vendors(vendors: Collection[int], *, as_ranges: bool) -> str:
    highest = max(vendors, default=0)
    if as_ranges:
        return f"{highest:016b}1" + _ranges(vendors)
    return f"{highest:016b}0" + _set(vendors, highest)


def _ranges(vendors: Collection[int]) -> str:
    """Return the first two as a group when they follow one another, the others alone."""
    ordered = sorted(vendors)
    if len(ordered) > 1 and ordered[1] == ordered[0] + 1:
        group, singles = [ordered[:2]], ordered[2:]
    else:
        group, singles = [], ordered
    entries = [f"1{first:016b}{last:016b}" for first, last in group]
    entries += [f"0{vendor:016b}" for vendor in singles]
    return f"{len(entries):012b}" + "".join(entries)
