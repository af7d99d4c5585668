"""Which addresses of the network a stranger's URL may lead to: public ones, no others."""

import ipaddress

_PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")
_NEVER = (
    # Protocol assignments: Oracle's clouds keep metadata here; older Pythons call it public.
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv4Network("192.88.99.0/24"),  # relays of 6to4
    ipaddress.IPv4Network("168.63.129.16/32"),  # Azure answers its machines here
)


def is_public(address: str) -> bool:
    """Tell whether `address`, as a resolver gave it, is on the public internet.

    Not public are private, loopback, link-local (where clouds keep their metadata), multicast,
    shared, reserved and unspecified ones, also when an IPv6 address carries them inside.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:  # also one with a zone, such as fe80::1%eth0
        return False
    if (
        any(ip in network for network in _NEVER)
        or not ip.is_global
        or ip.is_multicast
        or ip.is_reserved
    ):
        return False
    if isinstance(ip, ipaddress.IPv4Address):
        return True
    # Outside 2000::/3 are mapped and translated IPv4 addresses; 6to4 carries one inside it.
    return ip in _PUBLIC_IPV6 and ip.sixtofour is None and ip.teredo is None
