"""Reads VAST as a player does, and checks it as a validator does."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
import vastlint
from lxml import etree

from ctv_ads.domain.placement import VastVersion
from tests.vast_tools import KIT, assert_valid, parsed

_NAMESPACE = {"v": "http://www.iab.com/VAST"}
_MACRO = re.compile(r"\[[A-Z0-9_]+\]")


@dataclass(frozen=True, slots=True)
class PlayedAd:
    """What a player takes from a VAST document with one linear ad."""

    serving_id: str
    title: str
    advertiser: str
    duration: str
    media_url: str
    media: dict[str, str]
    impressions: Sequence[str]
    errors: Sequence[str]
    tracking: dict[str, str]
    click_through: str
    click_tracking: Sequence[str]

    def every_url(self) -> list[str]:
        """Return every address that a player may call, with the macros replaced."""
        urls = [*self.impressions, *self.tracking.values(), *self.click_tracking, *self.errors]
        replaced = {"[CACHEBUSTING]": "12345678", "[ERRORCODE]": "405"}
        return [_MACRO.sub(lambda macro: replaced[macro.group()], url) for url in urls]


def play(document: bytes) -> PlayedAd | None:
    """Return the ad of a VAST 4.2 document, or None when it has none."""
    root = etree.fromstring(document)
    assert root.tag == "{http://www.iab.com/VAST}VAST"
    assert root.get("version") == "4.2"
    ads = root.findall("v:Ad", _NAMESPACE)
    if not ads:
        return None
    (ad,) = ads

    def texts(path: str) -> list[str]:
        return [(node.text or "").strip() for node in ad.findall(path, _NAMESPACE)]

    linear = "v:InLine/v:Creatives/v:Creative/v:Linear"
    (file,) = ad.findall(f"{linear}/v:MediaFiles/v:MediaFile", _NAMESPACE)
    events = ad.findall(f"{linear}/v:TrackingEvents/v:Tracking", _NAMESPACE)
    return PlayedAd(
        serving_id=texts("v:InLine/v:AdServingId")[0],
        title=texts("v:InLine/v:AdTitle")[0],
        advertiser=texts("v:InLine/v:Advertiser")[0],
        duration=texts(f"{linear}/v:Duration")[0],
        media_url=(file.text or "").strip(),
        media={str(name): str(value) for name, value in file.attrib.items()},
        impressions=texts("v:InLine/v:Impression"),
        errors=texts("v:InLine/v:Error"),
        tracking={str(node.get("event")): (node.text or "").strip() for node in events},
        click_through=texts(f"{linear}/v:VideoClicks/v:ClickThrough")[0],
        click_tracking=texts(f"{linear}/v:VideoClicks/v:ClickTracking"),
    )


def assert_lint_free(document: bytes) -> None:
    """Check a document with vastlint; notes are allowed, and that this machine has no https."""
    issues = vastlint.validate(document.decode()).issues
    complaints = [issue for issue in issues if issue.severity != "info"]
    assert [issue for issue in complaints if not issue.id.endswith("-https")] == []


def assert_matches_xsd(document: bytes) -> None:
    """Check a document against the official schemas; skip where there are none."""
    if not KIT.is_dir():
        pytest.skip(f"no IAB data at {KIT}: set IAB_KIT to validate against the official XSD")
    text = document.decode()
    assert_valid(text, VastVersion(parsed(text).get("version", "")))
