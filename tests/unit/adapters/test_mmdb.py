"""Places out of a MaxMind DB file, written here as their makers write them."""

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from ctv_ads.adapters.mmdb import MmdbPlaces
from ctv_ads.bootstrap import believed
from ctv_ads.bootstrap.door import door_of
from ctv_ads.domain.beacon_token import TokenKeys
from ctv_ads.door_settings import DoorSettings
from ctv_ads.errors import InvalidSettingsError
from ctv_ads.ports.places import NOWHERE, Place
from functions.ad_request.query import ad_request_of, asked_by
from tests.functions.recorded import api_event

KEYS = TokenKeys("k1", {"k1": b"k" * 32})
RECORDS: dict[str, Any] = {
    "198.51.100.0/24": {
        "country": {"iso_code": "US"},
        "subdivisions": [{"iso_code": "CA"}, {"iso_code": "XX"}],
        "city": {"names": {"en": "Los Angeles", "de": "Los Angeles"}},
        "location": {"metro_code": 803, "latitude": 34.05},
        "postal": {"code": "90012"},
    },
    "192.0.2.0/24": {"country": {"iso_code": "AT"}},
    "2001:db8::/32": {"country": {"iso_code": "DE"}, "subdivisions": [], "city": "Berlin"},
    "203.0.113.0/24": {"continent": {"code": "EU"}},
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="City")
    for network, record in RECORDS.items():
        writer.insert_network(IPSet([network]), record)
    target = tmp_path_factory.mktemp("places") / "places.mmdb"
    writer.to_db_file(str(target))
    return str(target)


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("198.51.100.7", Place("US", "US-CA", "803", "Los Angeles", "90012")),
        ("192.0.2.1", Place("AT")),
        ("2001:db8::1", Place("DE")),
        ("203.0.113.77", NOWHERE),
        ("8.8.8.8", NOWHERE),
        ("nobody", NOWHERE),
    ],
)
def test_an_address_is_where_the_file_says(path: str, address: str, place: Place) -> None:
    assert MmdbPlaces(path).place_of(address) == place


def test_what_is_no_such_file_stops_the_start(tmp_path: Path) -> None:
    broken = tmp_path / "places.mmdb"
    broken.write_text("this is no database")
    with pytest.raises(InvalidSettingsError, match="is no MMDB file"):
        MmdbPlaces(str(broken))
    with pytest.raises(InvalidSettingsError, match="there is no file"):
        MmdbPlaces(str(tmp_path / "missing.mmdb"))


def test_settings_make_the_door(path: str) -> None:
    settings = DoorSettings.from_environment(
        {
            "PLACE_DATABASE": path,
            "TRUSTED_PROXIES": "10.0.0.0/8, fd00::/8",
            "OPT_IN_COUNTRIES": "at, br",
            "TCF_VENDOR_ID": "755",
        }
    )
    made = door_of(KEYS, settings)
    assert made.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert made.privacy.opt_in_countries == {"AT", "BR"}
    assert made.privacy.tcf_vendor_id == 755
    asked = asked_by(api_event("GET", "/api/v1/vast?placement=demo&ip=198.51.100.7"))
    viewer = ad_request_of(asked, trusted=True, scope="o", door=made).viewer
    assert (viewer.country, viewer.region, viewer.postal) == ("US", "US-CA", "90012")


def test_without_settings_nobody_is_believed_and_no_place_known() -> None:
    made = door_of(KEYS, DoorSettings.from_environment({}))
    assert (made.trusted_proxies, made.places, made.cloudfront_proof) == ((), None, None)
    assert {"AT", "GB"} < made.privacy.opt_in_countries


@pytest.mark.parametrize(("proof", "is_one"), [("p" * 32, True), ("p" * 31, False), (None, False)])
def test_a_proof_is_one_that_nobody_guesses(
    monkeypatch: pytest.MonkeyPatch,
    proof: str | None,
    is_one: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    document = {} if proof is None else {"proof": proof}
    monkeypatch.setattr(believed, "secret_document", {"a-secret": document}.__getitem__)
    settings = DoorSettings.from_environment({"CLOUDFRONT_PROOF_SECRET_ID": "a-secret"})
    if is_one:
        assert door_of(KEYS, settings).cloudfront_proof == proof
        assert "ppp" not in repr(door_of(KEYS, settings))
        return
    with pytest.raises(InvalidSettingsError, match="CLOUDFRONT_PROOF_SECRET_ID"):
        door_of(KEYS, settings)


def test_another_key_makes_other_viewers() -> None:
    made = door_of(KEYS, DoorSettings.from_environment({}))
    rotated = door_of(TokenKeys("k2", {"k2": b"j" * 32}), DoorSettings.from_environment({}))
    assert made.key != rotated.key
    assert b"k" * 8 not in made.key
    assert "key" not in repr(made)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
        ("TRUSTED_PROXIES", "everybody"),
        ("OPT_IN_COUNTRIES", "Austria"),
        ("TCF_VENDOR_ID", "0"),
        ("TCF_VENDOR_ID", "65536"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidSettingsError, match=name):
        DoorSettings.from_environment({name: value})


def test_nowhere_and_everywhere_are_said_by_words() -> None:
    assert DoorSettings.from_environment({"OPT_IN_COUNTRIES": "none"}).opt_in_countries == set()
    assert DoorSettings.from_environment({"OPT_IN_COUNTRIES": "*"}).opt_in_countries == {"*"}
