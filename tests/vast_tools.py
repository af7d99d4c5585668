"""The official schemas, vastlint, and ads of every kind, for tests of VAST and VMAP."""

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import vastlint
from lxml import etree

from ctv_ads.domain.companions import Tracker, TrackerEvent, UniversalAdId, Verification
from ctv_ads.domain.inventory import Rendition
from ctv_ads.domain.placement import VastVersion
from ctv_ads.vast.document import PodAd
from tests.builders import a_servable_creative, a_servable_line_item

KIT = Path(os.environ.get("IAB_KIT") or Path(__file__).resolve().parents[2] / "shared" / "iab")
needs_kit = pytest.mark.skipif(
    not KIT.exists(), reason=f"the official schemas are not at {KIT}; say where by IAB_KIT"
)
VERSIONS = tuple(VastVersion)
VERSIONS_4 = tuple(version for version in VERSIONS if version.startswith("4"))
BASE_URL = "https://ads.example.com"
NAMESPACES = {"v": "http://www.iab.com/VAST", "vmap": "http://www.iab.net/videosuite/vmap"}
# 4.3 has no schema of its own and no element that 4.2 lacks.
_SCHEMAS = {
    VastVersion.V2_0: "vast/xsd/vast_2.0.1.xsd",
    VastVersion.V3_0: "vast/xsd/vast3_draft.xsd",
    VastVersion.V4_0: "vast/xsd/vast4.xsd",
    VastVersion.V4_1: "vast/xsd/vast_4.1.xsd",
    VastVersion.V4_2: "vast/xsd/vast_4.2.xsd",
    VastVersion.V4_3: "vast/xsd/vast_4.2.xsd",
}
# The published one does not load; the kit holds it with the dangling import taken out.
_VMAP_SCHEMA = "vmap/vmap.lxml.xsd"

# A vendor may need no parameters; and the CTV Addendum's place for a registered id in 3.0 is
# one that the XSD of 3.0 refuses, so ours is that of 2.0.
TOLERATED = frozenset(
    {
        "VAST-4.1-verification-parameters",
        "VAST-2.0-ctv-extension-location",
        "VAST-2.0-extension-misplaced-element",
        "VAST-2.0-version-mismatch",
    }
)

EVERY_TRACKER = tuple(
    Tracker(event, f"https://t.example/{event}?cb=[CACHEBUSTING]&x=1&y=%5D")
    for event in TrackerEvent
)
VENDORS = (
    Verification("v.example.com-omid", "https://v.example/omid.js", '{"a": "<]]>"}'),
    Verification("w.example.com-omid", "https://w.example/omid.js", None),
)
AD_ID = UniversalAdId("ad-id.org", "ABCD0001000H")
RENDITIONS = (
    Rendition(
        url="https://media.example.com/a/playlist.m3u8",
        mime_type="application/x-mpegURL",
        width_px=3840,
        height_px=2160,
        bitrate_kbps=16_000,
        codec="avc1.640033",
        is_streaming=True,
    ),
    Rendition("https://media.example.com/a/720.mp4", "video/mp4", 1280, 720, 2_500, "avc1.4d401f"),
    Rendition(
        "https://media.example.com/a/uhd.mp4", "video/mp4", 3840, 2160, 12_000, "hvc1.2.4.L150", 9
    ),
)
TAG = "https://third.example/vast?cb=[CACHEBUSTING]&x=1"
EVERYTHING: dict[str, Any] = {
    "click_through_url": "https://example.com/?a=1&b=2",
    "universal_ad_id": AD_ID,
    "trackers": EVERY_TRACKER,
    "verifications": VENDORS,
    "renditions": RENDITIONS,
}


def a_pod_ad(number: int = 1, *, category: str | None = "1002", **creative: Any) -> PodAd:
    return PodAd(
        ad_serving_id=f"0193-{number}",
        line_item=a_servable_line_item(category=category, advertiser_name="Acme & Söhne"),
        creative=a_servable_creative(**creative),
        token=f"token-{number}",
        expires_s=86_400,
    )


def a_pod(count: int, **creative: Any) -> list[PodAd]:
    return [a_pod_ad(number, **creative) for number in range(1, count + 1)]


def parsed(document: str) -> etree._Element:
    """Return the root of a VAST, its elements in 4.x's namespace whatever the version."""
    if "xmlns" not in document:
        document = document.replace("<VAST ", '<VAST xmlns="http://www.iab.com/VAST" ', 1)
    return etree.fromstring(document.encode())


def found(document: str, path: str) -> list[etree._Element]:
    return parsed(document).findall(path, NAMESPACES)


def texts(document: str, path: str) -> list[str | None]:
    return [item.text for item in found(document, path)]


def assert_valid(document: str, version: VastVersion) -> None:
    """The document has the order and the values of its version's official schema."""
    _schema(_SCHEMAS[version]).assertValid(_without_macros(document))


def assert_valid_vmap(document: str, version: VastVersion) -> None:
    """So it has by VMAP's, and each VAST in it by its own."""
    root = _without_macros(document)
    _schema(_VMAP_SCHEMA).assertValid(root)
    for data in root.iter("{http://www.iab.net/videosuite/vmap}VASTAdData"):
        _schema(_SCHEMAS[version]).assertValid(data[0])


def assert_lints(document: str, *, but: frozenset[str] = frozenset()) -> None:
    """Vastlint finds no error and no warning, except those of the rules named in `but`."""
    issues = vastlint.validate(document).issues
    assert [item for item in issues if item.severity != "info" and item.id not in but] == []


def assert_well_made(document: str) -> None:
    """A VAST or VMAP has no fault by vastlint or, where they are at hand, the official schemas."""
    root = parsed(document)
    is_early = root.get("version") in {VastVersion.V2_0, VastVersion.V3_0}
    assert_lints(document, but=TOLERATED if is_early else frozenset())
    if not KIT.exists():
        return
    if str(root.tag).endswith("VMAP"):
        inside = {vast.get("version", "") for vast in root.iter("{*}VAST")}
        for version in inside or {VastVersion.V4_2}:
            assert_valid_vmap(document, VastVersion(version))
    else:
        assert_valid(document, VastVersion(root.get("version", "")))


@cache
def _schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(KIT / name))


def _without_macros(document: str) -> etree._Element:
    # libxml2 takes [MACROS] for no anyURI, although the specification puts them there.
    return etree.fromstring(re.sub(r"(?<!CDATA)\[[A-Z0-9_]+\]", "macro", document).encode())
