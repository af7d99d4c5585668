"""What each version has, lacks, and writes in its own way."""

from typing import Any

import pytest

from ctv_ads.domain.beacon import TRACKED_EVENTS
from ctv_ads.domain.companions import Tracker, TrackerEvent, UniversalAdId
from ctv_ads.domain.placement import VastVersion
from ctv_ads.vast.document import vast_document
from tests.vast_tools import (
    AD_ID,
    BASE_URL,
    EVERY_TRACKER,
    EVERYTHING,
    RENDITIONS,
    TAG,
    VERSIONS,
    VERSIONS_4,
    a_pod_ad,
    found,
    texts,
)

V2_0, V3_0, V4_0, V4_1, V4_2, V4_3 = VERSIONS
BEFORE_4 = (V2_0, V3_0)


def written(version: VastVersion, **creative: Any) -> str:
    return vast_document([a_pod_ad(**creative)], version=version, base_url=BASE_URL)


def elements_of(document: str, path: str) -> list[str]:
    (parent,) = found(document, path)
    return [str(child.tag).rpartition("}")[2] for child in parent]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_root_names_its_version_and_from_4_0_its_namespace(version: VastVersion) -> None:
    document = written(version)
    assert f'<VAST version="{version}"' in document
    assert ('xmlns="http://www.iab.com/VAST"' in document) is (version in VERSIONS_4)


def test_what_a_version_lacks_is_left_out() -> None:
    since = {
        "Advertiser": V3_0,
        "Category": V4_0,
        "UniversalAdId": V4_0,
        "AdServingId": V4_1,
        "Expires": V4_1,
    }
    for version in VERSIONS:
        document = written(version)
        for name, first in since.items():
            assert bool(found(document, f".//v:{name}")) is (version >= first), (version, name)


def test_attributes_of_a_file_are_those_that_the_version_knows() -> None:
    common = {"delivery", "type", "width", "height", "bitrate"}
    for version in VERSIONS:
        (file,) = found(written(version), ".//v:MediaFile")
        codec = {"codec"} if version > V2_0 else set()
        size = {"fileSize"} if version >= V4_1 else set()
        assert {str(name) for name in file.attrib} == common | codec | size


@pytest.mark.parametrize("version", VERSIONS)
def test_every_rendition_is_there_with_h264_in_mp4_first_and_the_best_of_it_before_others(
    version: VastVersion,
) -> None:
    files = found(written(version, renditions=RENDITIONS), ".//v:MediaFile")
    assert [(file.get("type"), file.get("bitrate"), file.get("delivery")) for file in files] == [
        ("video/mp4", "5000", "progressive"),
        ("video/mp4", "2500", "progressive"),
        ("video/mp4", "12000", "progressive"),
        ("application/x-mpegURL", "16000", "streaming"),
    ]


def test_the_category_names_its_taxonomys_authority() -> None:
    for version in VERSIONS_4:
        (category,) = found(written(version), ".//v:Category")
        assert (category.get("authority"), category.text) == ("iabtechlab.com", "1002")
        without = vast_document([a_pod_ad(category=None)], version=version, base_url=BASE_URL)
        assert "Category" not in without


@pytest.mark.parametrize(
    ("duration_ms", "whole", "exact"),
    [
        (15_000, "00:00:15", "00:00:15.000"),
        (15_499, "00:00:15", "00:00:15.499"),
        (15_500, "00:00:16", "00:00:15.500"),
        (400, "00:00:01", "00:00:00.400"),
        (3_723_004, "01:02:03", "01:02:03.004"),
    ],
)
def test_a_duration_is_in_milliseconds_but_in_version_2(
    duration_ms: int, whole: str, exact: str
) -> None:
    for version in VERSIONS:
        written_as = texts(written(version, duration_ms=duration_ms), ".//v:Duration")
        assert written_as == [whole if version is V2_0 else exact]


@pytest.mark.parametrize("version", VERSIONS)
def test_our_events_are_the_standard_set_whatever_the_version(version: VastVersion) -> None:
    events = [item.get("event") for item in found(written(version), ".//v:Tracking")]
    assert events == list(TRACKED_EVENTS)


def test_third_parties_events_have_the_versions_names() -> None:
    theirs = {
        version: [
            item.get("event")
            for item in found(written(version, trackers=EVERY_TRACKER), ".//v:Tracking")
        ][len(TRACKED_EVENTS) :]
        for version in VERSIONS
    }
    common = [
        *("start", "firstQuartile", "midpoint", "thirdQuartile", "complete"),
        *("mute", "unmute", "pause", "resume", "rewind"),
    ]
    assert theirs[V2_0] == [*common, "fullscreen"]
    assert theirs[V3_0] == [*common, "fullscreen", "exitFullscreen", "closeLinear"]
    assert theirs[V4_0] == [*common, "playerExpand", "playerCollapse"]
    for version in (V4_1, V4_2, V4_3):
        expected = ["loaded", *common, "playerExpand", "playerCollapse", "closeLinear"]
        assert theirs[version] == expected


@pytest.mark.parametrize("version", VERSIONS)
def test_third_parties_hear_of_errors_where_the_version_allows_several(
    version: VastVersion,
) -> None:
    addresses = texts(written(version, trackers=EVERY_TRACKER), ".//v:Error")
    theirs = [item.url for item in EVERY_TRACKER if item.event is TrackerEvent.ERROR]
    assert addresses[0] == f"{BASE_URL}/api/v1/t/error/token-1?code=[ERRORCODE]&cb=[CACHEBUSTING]"
    assert addresses[1:] == (theirs if version in VERSIONS_4 else [])


def test_a_registered_id_stands_once_where_the_version_has_it() -> None:
    for version in VERSIONS:
        document = written(version, universal_ad_id=AD_ID)
        (item,) = found(document, ".//v:UniversalAdId")
        assert (item.get("idRegistry"), item.text) == (AD_ID.registry, AD_ID.value)
        assert item.get("idValue") == (AD_ID.value if version is V4_0 else None)
        path = ".//v:Extension[@type='UniversalAdId']/v:UniversalAdId"
        assert bool(found(document, path)) is (version in BEFORE_4)
        (creative,) = found(document, ".//v:Creative")
        assert creative.get("AdID") == (AD_ID.value if version in BEFORE_4 else None)


def test_only_codes_of_ad_id_stand_in_its_attribute() -> None:
    other = UniversalAdId("clearcast.co.uk", "ABC/1")
    for version in VERSIONS:
        (creative,) = found(written(version, universal_ad_id=other), ".//v:Creative")
        assert set(creative.attrib) == {"id"}


def test_vendors_of_open_measurement_stand_where_they_look_for_themselves() -> None:
    for version in VERSIONS:
        for tag in (None, TAG):
            document = written(version, **{**EVERYTHING, "vast_tag_url": tag})
            (vendors,) = found(document, ".//v:AdVerifications")
            assert [item.get("vendor") for item in vendors] == [
                "v.example.com-omid",
                "w.example.com-omid",
            ]
            in_extension = ".//v:Extension[@type='AdVerifications']/v:AdVerifications"
            assert bool(found(document, in_extension)) is (version < V4_1)
            assert len(found(document, ".//v:TrackingEvents")) == 1
        assert "AdVerifications" not in written(version)


def test_clicks_are_in_the_versions_order() -> None:
    for version in VERSIONS:
        order = elements_of(
            written(version, click_through_url="https://e.example/"), ".//v:VideoClicks"
        )
        expected = ["ClickTracking", "ClickThrough"]
        assert order == (expected if version in VERSIONS_4 else expected[::-1])
        assert found(written(version), ".//v:VideoClicks") == []


def test_third_parties_are_called_beside_us_and_after_us() -> None:
    for version in VERSIONS:
        for tag in (None, TAG):
            document = written(version, **{**EVERYTHING, "vast_tag_url": tag})
            for name, event in (
                ("Impression", TrackerEvent.IMPRESSION),
                ("ClickTracking", TrackerEvent.CLICK_TRACKING),
            ):
                ours, theirs = texts(document, f".//v:{name}")
                assert ours is not None
                assert ours.startswith(f"{BASE_URL}/api/v1/t/{event}/token-1?")
                assert theirs == f"https://t.example/{event}?cb=[CACHEBUSTING]&x=1&y=%5D"


def test_a_click_tracker_needs_no_click_through() -> None:
    trackers = (Tracker(TrackerEvent.CLICK_TRACKING, "https://t.example/c"),)
    for version in VERSIONS:
        document = written(version, trackers=trackers)
        assert texts(document, ".//v:ClickTracking") == ["https://t.example/c"]
        assert texts(document, ".//v:ClickThrough") == []


def test_a_wrapper_says_what_its_version_lets_it_say() -> None:
    for version in VERSIONS:
        document = written(version, vast_tag_url=TAG)
        (wrapper,) = found(document, ".//v:Wrapper")
        assert {str(name): value for name, value in wrapper.attrib.items()} == (
            {
                "followAdditionalWrappers": "true",
                "allowMultipleAds": "false",
                "fallbackOnNoAd": "false",
            }
            if version in VERSIONS_4
            else {}
        )
        for absent in ("MediaFiles", "AdServingId", "UniversalAdId", "ClickThrough", "Expires"):
            assert found(document, f".//v:{absent}") == []
        assert len(found(document, ".//v:ClickTracking")) == 1
