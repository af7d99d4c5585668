"""IP addresses: one viewer, one address, however it is written."""

import socket

_MAPPED_IPV4 = bytes(10) + b"\xff\xff"


def packed_address(text: str) -> bytes | None:
    """Return the bytes of an address, 4 or 16; None for what is none.

    An IPv4 address in the clothes of IPv6 (`::ffff:203.0.113.7`, RFC 4291 §2.5.5.2) is an IPv4
    address: else lists of networks would not know it, and all of IPv4 would be one /48.
    """
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        raw = socket.inet_pton(family, text)
    except (OSError, ValueError):  # no address, or not even ASCII
        return None
    return raw[12:] if raw[:12] == _MAPPED_IPV4 else raw


def unmapped(text: str) -> str:
    """Return an IPv4 address in the clothes of IPv6 as what it is; all else as it stands."""
    if ":" not in text:
        return text
    raw = packed_address(text)
    return socket.inet_ntop(socket.AF_INET, raw) if raw is not None and len(raw) == 4 else text
