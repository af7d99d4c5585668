"""Documents of every version are what the official schemas and vastlint want."""

import pytest
from lxml import etree

from ctv_ads.domain.placement import VastVersion
from ctv_ads.vast.document import PodAd, vast_document
from tests.vast_tools import (
    BASE_URL,
    EVERYTHING,
    TAG,
    TOLERATED,
    VERSIONS,
    a_pod,
    assert_lints,
    assert_valid,
    found,
    needs_kit,
    texts,
)

KINDS = {
    "plain": {},
    "everything": EVERYTHING,
    "tag": {"vast_tag_url": TAG},
    "tag with everything": {**EVERYTHING, "vast_tag_url": TAG},
}


def document(ads: list[PodAd], version: VastVersion = VastVersion.V4_2) -> str:
    return vast_document(ads, version=version, base_url=BASE_URL)


@needs_kit
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [0, 1, 4])
def test_it_is_valid_by_the_official_schema(version: VastVersion, kind: str, count: int) -> None:
    assert_valid(document(a_pod(count, **KINDS[kind]), version), version)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [0, 1, 4])
def test_vastlint_finds_no_fault(version: VastVersion, kind: str, count: int) -> None:
    assert_lints(document(a_pod(count, **KINDS[kind]), version), but=TOLERATED)


@needs_kit
@pytest.mark.parametrize("version", VERSIONS)
def test_the_schema_would_notice_a_wrong_order(version: VastVersion) -> None:
    swapped = document(a_pod(1), version).replace("<AdTitle>", "<Survey>x</Survey><AdTitle>")
    with pytest.raises(etree.DocumentInvalid):
        assert_valid(swapped, version)


@pytest.mark.parametrize("version", VERSIONS)
def test_ads_play_in_the_order_of_the_document_and_are_numbered_only_in_pods(
    version: VastVersion,
) -> None:
    pod = found(document(a_pod(3), version), "v:Ad")
    assert [ad.get("id") for ad in pod] == ["0193-1", "0193-2", "0193-3"]
    numbers = [None] * 3 if version is VastVersion.V2_0 else ["1", "2", "3"]
    assert [ad.get("sequence") for ad in pod] == numbers
    (lone,) = found(document(a_pod(1), version), "v:Ad")
    assert lone.get("sequence") is None


@pytest.mark.parametrize("version", VERSIONS)
def test_each_ad_has_its_own_token_in_every_address_of_ours(version: VastVersion) -> None:
    for number, ad in enumerate(found(document(a_pod(2), version), "v:Ad"), 1):
        ours = [item.text for item in ad.iter() if (item.text or "").startswith(BASE_URL)]
        assert len(ours) == len(set(ours)) > 10
        assert all(f"/token-{number}?" in address for address in ours if address)
        assert all("cb=[CACHEBUSTING]" in address for address in ours if address)


@pytest.mark.parametrize("version", VERSIONS)
def test_no_ad_is_the_versions_empty_document(version: VastVersion) -> None:
    (root,) = found(document([], version), ".")
    assert (len(root), root.get("version")) == (0, version)


def test_the_serving_id_and_the_lifetime_stand_where_the_version_has_them() -> None:
    for version in VERSIONS:
        written = document(a_pod(2), version)
        has_them = version >= VastVersion.V4_1
        ids, lifetimes = (["0193-1", "0193-2"], ["86400"] * 2) if has_them else ([], [])
        assert texts(written, ".//v:AdServingId") == ids
        assert texts(written, ".//v:Expires") == lifetimes
