"""One address, one form."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctv_ads.domain.addresses import packed_address, unmapped


@given(st.ip_addresses())
def test_an_address_has_its_bytes_and_its_text(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    mapped = getattr(address, "ipv4_mapped", None)
    assert packed_address(str(address)) == (mapped or address).packed
    assert ipaddress.ip_address(unmapped(str(address))) == (mapped or address)


@given(st.ip_addresses(v=4))
def test_ipv4_in_the_clothes_of_ipv6_is_ipv4(address: ipaddress.IPv4Address) -> None:
    raw = address.packed.hex()
    for text in (f"::ffff:{address}", f"::FFFF:{raw[:4]}:{raw[4:]}", f"0:0:0:0:0:ffff:{address}"):
        assert packed_address(text) == address.packed
        assert unmapped(text) == str(address)


@pytest.mark.parametrize("text", ["", "x", ":", "1.2.3", "::ffff:999.1.1.1", "ü", "::1%eth0", "\0"])
def test_what_is_no_address_stays_what_it_is(text: str) -> None:
    assert packed_address(text) is None
    assert unmapped(text) == text
