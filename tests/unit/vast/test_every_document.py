"""Whatever is trafficked and decided: the document is valid in every version, and loses nothing."""

from dataclasses import dataclass
from typing import Any

import vastlint
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ctv_ads.domain.companions import Tracker, TrackerEvent, UniversalAdId, Verification
from ctv_ads.domain.inventory import Rendition
from ctv_ads.domain.placement import VastVersion
from ctv_ads.vast.breaks import read_breaks
from ctv_ads.vast.document import PodAd, vast_document
from ctv_ads.vast.versions import RULES
from ctv_ads.vast.vmap import InlineBreak, vmap_document
from ctv_ads.web.fields import Name, PlainText, SecureAddress, WebAddress
from tests.builders import a_servable_creative, a_servable_line_item
from tests.mediatailor import complaints
from tests.vast_tools import (
    BASE_URL,
    VERSIONS,
    a_pod_ad,
    assert_valid,
    assert_valid_vmap,
    found,
    needs_kit,
    texts,
)

MACROS = ("[CACHEBUSTING]", "[ADSERVINGID]", "[TIMESTAMP]", "[ERRORCODE]", "${X}", "{{y}}")


def accepted(kind: Any, written: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return only what the API takes, as it takes it."""
    adapter = TypeAdapter(kind)

    def is_accepted(text: str) -> bool:
        try:
            adapter.validate_python(text)
        except ValidationError:
            return False
        return True

    return written.filter(is_accepted).map(adapter.validate_python)


_SPICE = st.sampled_from(
    ["&", "<", ">", '"', "'", "]]>", "😀", "\u202e", "ש", "\u00a0", "<!--", "&amp;"]
)
_TEXT = st.lists(st.characters(codec="utf-8") | _SPICE, min_size=1, max_size=12).map("".join)
NAMES = accepted(Name, _TEXT)


def addresses(kind: Any) -> st.SearchStrategy[str]:
    # libxml2 takes no bracket, bare percent sign or second # for part of an address.
    query = st.lists(
        st.characters(codec="utf-8", exclude_characters="[]%#") | st.sampled_from(MACROS)
    )
    return accepted(kind, query.map(lambda parts: f"https://t.example/?q={''.join(parts)}&z=%5D"))


TRACKERS = st.builds(Tracker, st.sampled_from(TrackerEvent), addresses(SecureAddress))
VENDORS = st.builds(
    Verification,
    vendor=NAMES,
    javascript_url=addresses(SecureAddress),
    parameters=st.none() | accepted(PlainText, _TEXT),
)
RENDITIONS = st.builds(
    Rendition,
    url=addresses(WebAddress),
    mime_type=st.sampled_from(["video/mp4", "video/webm", "application/x-mpegURL"]),
    width_px=st.integers(1, 7680),
    height_px=st.integers(1, 4320),
    bitrate_kbps=st.integers(1, 10**6),
    codec=st.sampled_from(["avc1.640028", "hvc1.2.4.L150", "av01.0.12M.08"]),
    size_bytes=st.none() | st.integers(1, 10**12),
    is_streaming=st.booleans(),
)
CREATIVES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "name": NAMES,
        "duration_ms": st.integers(1, 86_399_000),
        "click_through_url": st.none() | addresses(WebAddress),
        "universal_ad_id": st.none()
        | st.builds(UniversalAdId, st.sampled_from(["ad-id.org", "clearcast.co.uk"]), NAMES),
        "trackers": st.lists(TRACKERS, max_size=4).map(tuple),
        "verifications": st.lists(VENDORS, max_size=2).map(tuple),
        "renditions": st.lists(RENDITIONS, max_size=3).map(tuple),
        "vast_tag_url": st.none() | addresses(WebAddress),
    }
)


@dataclass(frozen=True, slots=True)
class Served:
    """What one slot is made of."""

    creative: dict[str, Any]
    advertiser: str
    category: str | None
    expires_s: int

    def ad(self, slot: int) -> PodAd:
        line_item = a_servable_line_item(advertiser_name=self.advertiser, category=self.category)
        creative = a_servable_creative(**self.creative)
        return PodAd(f"id-{slot}", line_item, creative, f"token-{slot}", self.expires_s)


SERVED = st.builds(
    Served,
    creative=CREATIVES,
    advertiser=NAMES,
    category=st.none() | st.sampled_from(["1", "1002", "1551"]),
    expires_s=st.integers(1, 10**6),
)


def pods(longest: int) -> st.SearchStrategy[list[PodAd]]:
    served = st.lists(SERVED, max_size=longest)
    return served.map(lambda pod: [one.ad(slot) for slot, one in enumerate(pod, 1)])


def errors(document: str) -> list[str]:
    return [str(item) for item in vastlint.validate(document).issues if item.severity == "error"]


@needs_kit
@settings(deadline=None)
@given(pods(3), st.sampled_from(VERSIONS))
def test_every_document_is_valid(pod: list[PodAd], version: VastVersion) -> None:
    written = vast_document(pod, version=version, base_url=BASE_URL)
    assert_valid(written, version)
    assert errors(written) == []
    assert complaints((200, written)) == ([] if pod else ["EMPTY_VAST_RESPONSE"])


@needs_kit
@settings(deadline=None)
@given(st.lists(pods(1), min_size=1, max_size=4), st.sampled_from(VERSIONS))
def test_every_vmap_is_valid(pods: list[list[PodAd]], version: VastVersion) -> None:
    positions = read_breaks("start,00:10:00.000,50%,end").positions
    breaks = [
        InlineBreak(position, "t", pod) for position, pod in zip(positions, pods, strict=False)
    ]
    written = vmap_document(breaks, version=version, base_url=BASE_URL)
    assert_valid_vmap(written, version)
    assert errors(written) == []


# Brackets and percent signs too, which the API takes and that schema would not.
ANY_ADDRESS = accepted(WebAddress, _TEXT.map(lambda rest: f"https://example.com/?q={rest}"))


@given(NAMES, ANY_ADDRESS, ANY_ADDRESS, st.sampled_from(VERSIONS))
def test_every_address_that_the_api_takes_comes_through(
    vendor: str, click: str, media: str, version: VastVersion
) -> None:
    script = Verification(vendor, click, parameters=media)
    ad = a_pod_ad(click_through_url=click, media_url=media, verifications=(script,))
    written = vast_document([ad], version=version, base_url=BASE_URL)
    assert texts(written, ".//v:ClickThrough") == [click]
    assert texts(written, ".//v:MediaFile") == [media]
    assert texts(written, ".//v:VerificationParameters") == [media]
    assert [item.get("vendor") for item in found(written, ".//v:Verification")] == [vendor]


@settings(deadline=None)
@given(SERVED, st.sampled_from(VERSIONS))
def test_nothing_is_lost_or_changed(served: Served, version: VastVersion) -> None:
    ad, rules = served.ad(1), RULES[version]
    creative = ad.creative
    written = vast_document([ad], version=version, base_url=BASE_URL)
    every_text = {item.text for item in found(written, ".//*")}
    if creative.vast_tag_url is not None:
        assert texts(written, ".//v:VASTAdTagURI") == [creative.vast_tag_url]
    else:
        assert texts(written, ".//v:AdTitle") == [creative.name]
        assert texts(written, ".//v:Advertiser") == [served.advertiser] * rules.has_pods
        assert set(texts(written, ".//v:MediaFile")) == {
            creative.media_url,
            *(item.url for item in creative.renditions),
        }
        assert creative.click_through_url in {*every_text, None}
    for vendor in creative.verifications:
        assert {vendor.javascript_url, vendor.parameters} <= {*every_text, None}
    for tracker in creative.trackers:
        if tracker.event is not TrackerEvent.ERROR or rules.is_base_first:
            is_known = tracker.event in rules.events or tracker.event in {
                TrackerEvent.IMPRESSION,
                TrackerEvent.ERROR,
                TrackerEvent.CLICK_TRACKING,
            }
            assert (tracker.url in every_text) or not is_known
