"""Registered ids, third-party trackers and verification vendors in our VAST."""

from typing import Any

import pytest
from lxml import etree

from ctv_ads.domain.beacon import TRACKED_EVENTS
from ctv_ads.domain.companions import (
    LINEAR_EVENTS,
    Tracker,
    TrackerEvent,
    UniversalAdId,
    Verification,
)
from ctv_ads.vast.vast import InlineAd, vast_document
from tests.builders import a_servable_creative
from tests.unit.vast.test_vast import (
    NAMESPACE,
    TRACKING,
    assert_lints,
    assert_valid,
    needs_kit,
    parsed,
)

EVERY_TRACKER = tuple(
    Tracker(event, f"https://t.example/{event}?cb=[CACHEBUSTING]&x=1&y=%5D")
    for event in TrackerEvent
)
VENDORS = (
    Verification("v.example.com-omid", "https://v.example/omid.js", '{"a": "<]]>"}'),
    Verification("w.example.com-omid", "https://w.example/omid.js", "b"),
)


def document(**changes: Any) -> str:
    return vast_document(InlineAd("1", "Acme", a_servable_creative(**changes), TRACKING))


def texts(root: etree._Element, path: str) -> list[str | None]:
    return [found.text for found in root.findall(path, NAMESPACE)]


@needs_kit
@pytest.mark.parametrize("click_through_url", [None, "https://example.com/"])
@pytest.mark.parametrize("verifications", [(), VENDORS])
@pytest.mark.parametrize("trackers", [(), EVERY_TRACKER])
def test_it_is_valid_by_the_official_schema_whatever_goes_along(
    trackers: tuple[Tracker, ...],
    verifications: tuple[Verification, ...],
    click_through_url: str | None,
) -> None:
    written = document(
        trackers=trackers,
        verifications=verifications,
        click_through_url=click_through_url,
        universal_ad_id=UniversalAdId("ad-id.org", "ABCD0001000H"),
    )
    assert_valid(written)
    assert_lints(written)


@needs_kit
def test_the_schema_knows_every_event_that_may_be_tracked() -> None:
    for event in LINEAR_EVENTS:
        assert_valid(document(trackers=(Tracker(event, "https://t.example/"),)))


def test_the_registered_id_stands_once_with_its_registry() -> None:
    root = parsed(document(universal_ad_id=UniversalAdId("clearcast.co.uk", "A&B/1 <2>")))
    (found,) = root.findall(".//v:UniversalAdId", NAMESPACE)
    assert (found.get("idRegistry"), found.text) == ("clearcast.co.uk", "A&B/1 <2>")


def test_without_a_registered_id_both_parts_are_unknown() -> None:
    (found,) = parsed(document()).findall(".//v:UniversalAdId", NAMESPACE)
    assert (found.get("idRegistry"), found.text) == ("unknown", "unknown")


def test_third_parties_are_called_beside_us_and_after_us() -> None:
    root = parsed(document(trackers=EVERY_TRACKER, click_through_url="https://example.com/"))
    url = {tracker.event: tracker.url for tracker in EVERY_TRACKER}
    for element, event in (
        (".//v:Impression", TrackerEvent.IMPRESSION),
        (".//v:Error", TrackerEvent.ERROR),
        (".//v:ClickTracking", TrackerEvent.CLICK_TRACKING),
    ):
        ours, theirs = texts(root, element)
        assert ours is not None
        assert ours.startswith("https://ads.example.com/")
        assert theirs == url[event]
    events = [item.get("event") for item in root.findall(".//v:Tracking", NAMESPACE)]
    assert events == [*TRACKED_EVENTS, *LINEAR_EVENTS]
    theirs_of = texts(root, ".//v:Tracking")[len(TRACKED_EVENTS) :]
    assert theirs_of == [url[event] for event in LINEAR_EVENTS]


def test_a_click_tracker_needs_no_click_through() -> None:
    trackers = (Tracker(TrackerEvent.CLICK_TRACKING, "https://t.example/c"),)
    root = parsed(document(trackers=trackers))
    assert texts(root, ".//v:ClickTracking") == ["https://t.example/c"]
    assert texts(root, ".//v:ClickThrough") == []


def test_vendors_get_their_script_and_their_own_parameters() -> None:
    root = parsed(document(verifications=VENDORS))
    found = root.findall(".//v:AdVerifications/v:Verification", NAMESPACE)
    assert [item.get("vendor") for item in found] == [item.vendor for item in VENDORS]
    scripts = root.findall(".//v:JavaScriptResource", NAMESPACE)
    assert [item.text for item in scripts] == [item.javascript_url for item in VENDORS]
    assert {item.get("apiFramework") for item in scripts} == {"omid"}
    assert texts(root, ".//v:VerificationParameters") == [item.parameters for item in VENDORS]


def test_a_vendors_name_may_hold_what_attributes_may_not() -> None:
    vendor = Verification('<v> & "w"', "https://v.example/omid.js", None)
    root = parsed(document(verifications=(vendor,)))
    (found,) = root.findall(".//v:Verification", NAMESPACE)
    assert found.get("vendor") == vendor.vendor
    assert texts(root, ".//v:VerificationParameters") == []


def test_naive_players_find_the_creatives_events_first() -> None:
    root = parsed(document(verifications=VENDORS))
    assert len(root.findall(".//v:TrackingEvents", NAMESPACE)) == 1
    assert "AdVerifications" not in document()


TAG = "https://third.example/vast?cb=[CACHEBUSTING]&x=1"


@needs_kit
@pytest.mark.parametrize("verifications", [(), VENDORS])
@pytest.mark.parametrize("trackers", [(), EVERY_TRACKER])
def test_a_wrapper_is_valid_by_the_official_schema_whatever_goes_along(
    trackers: tuple[Tracker, ...], verifications: tuple[Verification, ...]
) -> None:
    written = document(vast_tag_url=TAG, trackers=trackers, verifications=verifications)
    assert_valid(written)
    assert_lints(written)


def test_a_third_partys_tag_is_wrapped_in_our_trackers() -> None:
    root = parsed(document(vast_tag_url=TAG, click_through_url="https://example.com/"))
    assert texts(root, "v:Ad/v:Wrapper/v:VASTAdTagURI") == [TAG]
    assert len(texts(root, ".//v:Impression")) == len(texts(root, ".//v:Error")) == 1
    events = [item.get("event") for item in root.findall(".//v:Tracking", NAMESPACE)]
    assert events == list(TRACKED_EVENTS)
    assert len(texts(root, ".//v:ClickTracking")) == 1
    for element in ("MediaFiles", "UniversalAdId", "AdServingId", "InLine", "ClickThrough"):
        assert texts(root, f".//v:{element}") == []
