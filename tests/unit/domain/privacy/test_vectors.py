"""Consent strings of other people's making: IAB's reference libraries wrote and decoded them."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ctv_ads.domain.privacy.bits import UnreadableError
from ctv_ads.domain.privacy.gpp import gpp_sections
from ctv_ads.domain.privacy.tcf import canadian_consents, consent_string
from ctv_ads.domain.privacy.us import opt_outs_of_section, opt_outs_of_us_privacy

REPOSITORY = Path(__file__).resolve().parents[4]
VECTORS = (
    Path(os.environ.get("IAB_KIT") or REPOSITORY.parent / "shared" / "iab")
    / "privacy"
    / "consent-vectors.json"
)
# Written with @iabgpp/cmpapi 3.2.0: of every section one string for each thing that it can refuse.
SECTIONS: list[dict[str, Any]] = json.loads(
    (REPOSITORY / "tests/cases/privacy/gpp_sections.json").read_text()
)
FIELDS = {
    "SaleOptOut": "sale",
    "SharingOptOut": "sharing",
    "TargetedAdvertisingOptOut": "targeted_advertising",
    "KnownChildSensitiveDataConsents": "known_child",
    "Gpc": "global_privacy_control",
}

needs_kit = pytest.mark.skipif(
    not VECTORS.is_file(), reason=f"no consent vectors at {VECTORS}: set IAB_KIT to try them"
)


def vectors(kind: str) -> list[Any]:
    if not VECTORS.is_file():
        return []
    found: dict[str, list[dict[str, Any]]] = json.loads(VECTORS.read_text())
    return [
        pytest.param(vector, id=f"{kind}-{number}") for number, vector in enumerate(found[kind])
    ]


@needs_kit
@pytest.mark.parametrize("vector", vectors("tcf"))
def test_a_tcf_string_says_what_the_reference_reads(vector: dict[str, Any]) -> None:
    if "error" in vector:
        with pytest.raises(UnreadableError):
            consent_string(vector["string"])
        return
    consent = consent_string(vector["string"])
    assert consent.cmp_id == vector["cmpId"]
    assert consent.consent_language == vector["consentLanguage"]
    assert consent.vendor_list_version == vector["vendorListVersion"]
    assert consent.policy_version == vector["policyVersion"]
    assert consent.is_service_specific is vector["isServiceSpecific"]
    assert consent.publisher_country == vector["publisherCountryCode"]
    purposes, features, vendors = range(1, 25), range(1, 13), range(1, 2001)
    assert [n for n in purposes if consent.consents_to(n)] == vector["purposeConsents"]
    interests = [n for n in purposes if consent.has_legitimate_interest(n)]
    assert interests == vector["purposeLegitimateInterests"]
    chosen = [n for n in features if consent.has_special_feature(n)]
    assert chosen == vector["specialFeatureOptins"]
    consented = [n for n in vendors if consent.vendor_consents(n)]
    assert consented == vector["vendorConsentsUpTo2000"]


@needs_kit
@pytest.mark.parametrize("vector", vectors("gpp"))
def test_a_gpp_string_has_the_sections_that_the_reference_finds(vector: dict[str, Any]) -> None:
    if "error" in vector or not vector["string"]:
        with pytest.raises(UnreadableError):
            gpp_sections(vector["string"])
        return
    sections = gpp_sections(vector["string"])
    assert list(sections) == vector["sectionIds"]
    for name, fields in vector.get("object", {}).items():
        number = {"usnat": 7, "usca": 8}[name]
        opt_outs = opt_outs_of_section(number, sections[number])
        assert opt_outs.sale is (fields["SaleOptOut"] == 1)
        assert opt_outs.sharing is (fields["SharingOptOut"] == 1)
        assert opt_outs.targeted_advertising is (fields.get("TargetedAdvertisingOptOut") == 1)
        assert opt_outs.known_child is (1 in fields["KnownChildSensitiveDataConsents"])
        assert opt_outs.global_privacy_control is fields["Gpc"]


@needs_kit
@pytest.mark.parametrize("vector", vectors("usprivacy"))
def test_a_us_privacy_string_says_what_the_reference_reads(vector: dict[str, Any]) -> None:
    assert opt_outs_of_us_privacy(vector["string"]).sale is bool(vector["saleOptOut"])


@pytest.mark.parametrize(
    "vector",
    [vector for vector in SECTIONS if vector["id"] != 5],
    ids=lambda vector: f"{vector['section']}-{vector['refuses']}",
)
def test_every_us_section_refuses_exactly_what_was_refused(vector: dict[str, Any]) -> None:
    (section, text), *_ = gpp_sections(vector["gpp"]).items()
    assert section == vector["id"]
    opt_outs = opt_outs_of_section(section, text)
    refused = {name for name in FIELDS.values() if getattr(opt_outs, name)}
    what = FIELDS.get((vector["refuses"] or "").partition(".")[0])
    assert refused == ({what} if what else set())
    assert opt_outs.any is bool(refused)


@pytest.mark.parametrize(
    "vector",
    [vector for vector in SECTIONS if vector["id"] == 5],
    ids=lambda vector: f"purposes-{vector['purposes']}",
)
def test_a_canadian_section_allows_what_was_consented(vector: dict[str, Any]) -> None:
    text = gpp_sections(vector["gpp"])[5]
    assert sorted(canadian_consents(text)) == vector["purposes"]
