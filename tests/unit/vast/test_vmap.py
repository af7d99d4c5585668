"""VMAP is what its official schema, vastlint and players want."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from lxml import etree

from ctv_ads.domain.placement import VastVersion
from ctv_ads.vast.breaks import read_breaks
from ctv_ads.vast.vmap import InlineBreak, TagBreak, tag_url, vmap_document
from tests.vast_tools import (
    BASE_URL,
    EVERYTHING,
    NAMESPACES,
    TAG,
    VERSIONS,
    a_pod_ad,
    assert_lints,
    assert_valid_vmap,
    needs_kit,
)

POSITIONS = read_breaks("start,00:10:00.000,50%,end").positions
ADDRESS = "https://ads.example.com/api/v1/vast?placement=a&b=]]>%5D&c=[CACHEBUSTING]"


def inline(counts: tuple[int, ...] = (1, 2, 0, 1), **creative: Any) -> list[InlineBreak]:
    return [
        InlineBreak(
            position,
            f"break-{number}",
            [a_pod_ad(10 * number + slot, **creative) for slot in range(1, count + 1)],
        )
        for number, (position, count) in enumerate(zip(POSITIONS, counts, strict=False), 1)
    ]


def tags(address: str) -> list[TagBreak]:
    return [
        TagBreak(position, f"break-{number}", address)
        for number, position in enumerate(POSITIONS, 1)
    ]


def document(
    breaks: list[InlineBreak] | list[TagBreak], version: VastVersion = VastVersion.V4_2
) -> str:
    return vmap_document(breaks, version=version, base_url=BASE_URL)


def found(written: str, path: str) -> list[etree._Element]:
    return etree.fromstring(written.encode()).findall(path, NAMESPACES)


@needs_kit
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("creative", [{}, EVERYTHING, {"vast_tag_url": TAG}])
def test_inline_breaks_are_valid_outside_and_inside(
    version: VastVersion, creative: dict[str, Any]
) -> None:
    assert_valid_vmap(document(inline(**creative), version), version)


@needs_kit
@pytest.mark.parametrize("version", VERSIONS)
def test_breaks_by_tag_are_valid(version: VastVersion) -> None:
    address = tag_url(BASE_URL, {"placement": "a b&c", "version": version}, POSITIONS[0], 1)
    assert_valid_vmap(document(tags(address), version), version)
    assert_valid_vmap(document([], version), version)


@pytest.mark.parametrize("version", VERSIONS)
def test_vastlint_finds_no_fault_outside_or_inside(version: VastVersion) -> None:
    assert_lints(document(inline(), version))
    assert_lints(document(tags("https://ads.example.com/api/v1/vast?placement=a"), version))


def test_breaks_stand_as_they_were_asked_for() -> None:
    breaks = found(document(inline()), "vmap:AdBreak")
    assert [item.get("timeOffset") for item in breaks] == ["start", "00:10:00.000", "50%", "end"]
    names = [item.get("breakId") for item in breaks]
    assert names == ["preroll", "midroll-1", "midroll-2", "postroll"]
    assert {item.get("breakType") for item in breaks} == {"linear"}


def test_a_break_without_an_ad_stays_with_an_empty_vast() -> None:
    for version in VERSIONS:
        third = found(document(inline(), version), "vmap:AdBreak")[2]
        (data,) = third.iter("{http://www.iab.net/videosuite/vmap}VASTAdData")
        (vast,) = data
        assert (etree.QName(vast).localname, len(vast)) == ("VAST", 0)
        assert vast.get("version") == version
        assert third.find("vmap:TrackingEvents", NAMESPACES) is not None


def test_each_break_numbers_its_own_pod() -> None:
    ads = found(document(inline((2, 3, 1))), ".//v:Ad")
    assert [ad.get("sequence") for ad in ads] == ["1", "2", "1", "2", "3", None]
    assert len({ad.get("id") for ad in ads}) == len(ads)


def test_a_break_has_beacons_of_its_own() -> None:
    for number, item in enumerate(found(document(inline()), "vmap:AdBreak"), 1):
        tracking = item.findall("vmap:TrackingEvents/vmap:Tracking", NAMESPACES)
        assert [(one.get("event"), one.text) for one in tracking] == [
            ("breakStart", f"{BASE_URL}/api/v1/t/breakStart/break-{number}?cb=[CACHEBUSTING]"),
            ("breakEnd", f"{BASE_URL}/api/v1/t/breakEnd/break-{number}?cb=[CACHEBUSTING]"),
            (
                "error",
                f"{BASE_URL}/api/v1/t/error/break-{number}?code=[ERRORCODE]&cb=[CACHEBUSTING]",
            ),
        ]


def test_the_tags_type_is_one_that_the_specification_knows() -> None:
    types = {
        version: found(document(tags("https://a.example/"), version), ".//vmap:AdTagURI")[0].get(
            "templateType"
        )
        for version in VERSIONS
    }
    assert types.pop(VastVersion.V2_0) == "vast2"
    assert set(types.values()) == {"vast3"}


def test_an_address_comes_through_as_it_is() -> None:
    assert [item.text for item in found(document(tags(ADDRESS)), ".//vmap:AdTagURI")] == [
        ADDRESS
    ] * len(POSITIONS)


def test_a_breaks_tag_asks_what_the_document_was_asked_and_where_it_is() -> None:
    asked = {
        "placement": "a&b",
        "breaks": "start,end",
        "mode": "tag",
        "avail_index": "7",
        "genre": "ü",
    }
    parts = urlsplit(tag_url(BASE_URL, asked, POSITIONS[1], 2))
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{BASE_URL}/api/v1/vast"
    assert parse_qs(parts.query) == {
        "placement": ["a&b"],
        "genre": ["ü"],
        "break_type": ["midroll"],
        "avail_index": ["2"],
    }
