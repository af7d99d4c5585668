"""What is compiled once is used again, and never longer than it is true."""

from dataclasses import replace
from typing import Any

import pytest

from ctv_ads.domain.inventory import Rendition
from ctv_ads.domain.placement import VastVersion
from ctv_ads.vast.document import vast_document
from ctv_ads.vast.fragments import FragmentMemo
from tests.vast_tools import BASE_URL, VERSIONS, a_pod_ad, parsed, texts

AD = a_pod_ad()
V4_2 = VastVersion.V4_2
LIGHT, HEAVY = (
    Rendition(f"https://media.example.com/{kbps}", "video/mp4", 1280, 720, kbps, "avc1.64001f")
    for kbps in (1_000, 9_000)
)


def test_the_same_ad_is_compiled_once() -> None:
    memo = FragmentMemo()
    first = memo.get(AD.line_item, AD.creative, V4_2, BASE_URL)
    assert memo.get(AD.line_item, AD.creative, V4_2, BASE_URL) is first
    # A new snapshot holds equal values, not the same ones.
    again = memo.get(replace(AD.line_item), replace(AD.creative), V4_2, BASE_URL)
    assert again is first
    assert len(memo) == 1


@pytest.mark.parametrize(
    ("line_item", "creative"),
    [
        ({"advertiser_name": "Other"}, {}),
        ({"category": "1003"}, {}),
        ({}, {"name": "Other"}),
        ({}, {"click_through_url": "https://other.example/"}),
    ],
    ids=["advertiser", "category", "name", "click-through"],
)
def test_what_has_changed_is_compiled_anew_and_takes_the_place_of_the_old(
    line_item: dict[str, Any], creative: dict[str, Any]
) -> None:
    memo = FragmentMemo()
    first = memo.get(AD.line_item, AD.creative, V4_2, BASE_URL)
    changed = memo.get(
        replace(AD.line_item, **line_item), replace(AD.creative, **creative), V4_2, BASE_URL
    )
    assert changed != first
    assert len(memo) == 1


def test_what_is_not_shown_may_change() -> None:
    memo = FragmentMemo()
    first = memo.get(AD.line_item, AD.creative, V4_2, BASE_URL)
    urgent = replace(AD.line_item, urgency=9)
    assert memo.get(urgent, AD.creative, V4_2, BASE_URL) is first


def test_breaks_that_take_some_of_the_files_do_not_drive_each_other_out() -> None:
    memo = FragmentMemo()
    whole = replace(AD.creative, renditions=(LIGHT, HEAVY))
    narrowed = [replace(whole, files=files) for files in ((LIGHT,), (HEAVY,), (LIGHT, HEAVY))]
    first = [memo.get(AD.line_item, one, V4_2, BASE_URL) for one in (whole, *narrowed)]
    again = [memo.get(AD.line_item, one, V4_2, BASE_URL) for one in (whole, *narrowed)]
    assert len({id(fragment) for fragment in first}) == len(memo) == 4
    assert all(one is other for one, other in zip(first, again, strict=True))


def test_versions_and_addresses_are_kept_apart() -> None:
    memo = FragmentMemo()
    fragments = [
        memo.get(AD.line_item, AD.creative, version, base_url)
        for version in VERSIONS
        for base_url in (BASE_URL, "https://other.example")
    ]
    assert len(memo) == len(fragments) == 2 * len(VERSIONS)
    written = vast_document([AD], version=V4_2, base_url="https://other.example", memo=memo)
    assert BASE_URL not in written


def test_its_size_is_bounded_and_the_oldest_goes_first() -> None:
    memo = FragmentMemo(limit=2)
    ads = [a_pod_ad(number) for number in range(3)]
    known = [memo.get(ad.line_item, ad.creative, V4_2, BASE_URL) for ad in ads]
    assert len(memo) == 2
    assert memo.get(ads[2].line_item, ads[2].creative, V4_2, BASE_URL) is known[2]
    assert memo.get(ads[0].line_item, ads[0].creative, V4_2, BASE_URL) is not known[0]
    assert len(memo) == 2


def test_stored_text_that_xml_cannot_hold_does_not_spoil_the_document() -> None:
    ad = a_pod_ad(
        name="a\x00b\x01\x02c\ufffe\ud800",
        media_url="https://m.example/\x00\x0b.mp4",
        click_through_url="https://e.example/\x01",
    )
    for version in VERSIONS:
        written = vast_document([ad], version=version, base_url="https://a\x00.example")
        written.encode()
        assert texts(written, ".//v:AdTitle") == ["abc"]
        assert texts(written, ".//v:MediaFile") == ["https://m.example/.mp4"]
        assert len(parsed(written)) == 1
