import pytest

from ctv_ads.web.hops import CLOUDFRONT_PROOF
from ctv_ads.web.rate_limits import client_address
from ctv_ads.web.viewer import viewer_address

PROOF = "a-proof-of-the-tests-with-32-characters"
SHOWN = {CLOUDFRONT_PROOF: PROOF}
SOURCE_IP = "198.51.100.7"


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({}, SOURCE_IP),
        ({"x-viewer-address": "203.0.113.9"}, "203.0.113.9"),
        ({"x-viewer-address": "2001:db8::9"}, "2001:db8::9"),
        ({"cloudfront-viewer-address": "203.0.113.9:443"}, "203.0.113.9"),
        ({"cloudfront-viewer-address": "2001:db8:0:0:0:0:0:9:443"}, "2001:db8:0:0:0:0:0:9"),
        ({"cloudfront-viewer-address": "[2001:db8::9]:443"}, "2001:db8::9"),
        ({"x-viewer-address": "::ffff:203.0.113.9"}, "203.0.113.9"),
        ({"x-viewer-address": "nobody"}, SOURCE_IP),
        ({"x-viewer-address": "", "cloudfront-viewer-address": ":443"}, SOURCE_IP),
    ],
)
def test_the_viewer_is_who_cloudfront_names(headers: dict[str, str], address: str) -> None:
    assert viewer_address(headers, SOURCE_IP) == address


def test_what_our_distribution_writes_goes_before_what_a_viewer_may_send() -> None:
    headers = {"cloudfront-viewer-address": "192.0.2.1:1", "x-viewer-address": "203.0.113.9"}
    assert client_address(headers | SHOWN, SOURCE_IP, proof=PROOF) == "203.0.113.9"


def test_without_proof_nobody_names_another_address_than_their_own() -> None:
    headers = {"cloudfront-viewer-address": "192.0.2.1:1", "x-viewer-address": "203.0.113.9"}
    for proof in (PROOF, None):
        assert client_address(headers, SOURCE_IP, proof=proof) == SOURCE_IP
    for guess in ("", "None", "ü", PROOF[:-1]):
        shown = headers | {CLOUDFRONT_PROOF: guess}
        assert client_address(shown, SOURCE_IP, proof=PROOF) == SOURCE_IP


@pytest.mark.parametrize("address", ["2001:db8::9", "2001:db8:0:0:1234::", "2001:0db8:0:0:0:0:0:1"])
def test_limits_count_the_network_that_one_client_owns_whole(address: str) -> None:
    named = {"x-viewer-address": address} | SHOWN
    assert client_address(named, SOURCE_IP, proof=PROOF) == "2001:db8::/64"
    assert client_address({}, address, proof=PROOF) == "2001:db8::/64"


def test_limits_tell_ipv4_addresses_apart_in_the_clothes_of_ipv6() -> None:
    assert client_address({}, "::ffff:198.51.100.7", proof=None) == SOURCE_IP
