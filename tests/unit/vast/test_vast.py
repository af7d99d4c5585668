"""Our VAST is what the official XSD, vastlint and the trackers' own rules want."""

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import vastlint
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree
from pydantic import TypeAdapter, ValidationError

from ctv_ads.domain.beacon import TRACKED_EVENTS, BeaconEvent
from ctv_ads.domain.beacon_token import issue_token
from ctv_ads.vast.tracking import AdTracking
from ctv_ads.vast.vast import NO_AD, InlineAd, vast_document
from ctv_ads.web.fields import Name, WebAddress
from tests.ad_request_cases import FOLDER
from tests.builders import KEYS, a_servable_creative, some_claims

REPOSITORY = Path(__file__).resolve().parents[3]
KIT = Path(os.environ.get("IAB_KIT") or REPOSITORY.parent / "shared" / "iab")
SCHEMA = KIT / "vast" / "xsd" / "vast_4.2.xsd"
NAMESPACE = {"v": "http://www.iab.com/VAST"}
GOLDEN = sorted(FOLDER.glob("*/*.xml"))
TRACKING = AdTracking("https://ads.example.com", issue_token(some_claims(), KEYS))


@cache
def schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(SCHEMA))


def parsed(document: str) -> etree._Element:
    return etree.fromstring(document.encode())


def assert_valid(document: str) -> None:
    """The document has the order and the values of the official schema."""
    # libxml2 takes [MACROS] for no anyURI, although the specification puts them there.
    replaced = re.sub(r"\[[A-Z0-9_]+\]", "macro", document)
    schema().assertValid(parsed(replaced))


def assert_lints(document: str) -> None:
    issues = vastlint.validate(document).issues
    assert [issue for issue in issues if issue.severity != "info"] == []


needs_kit = pytest.mark.skipif(
    not SCHEMA.exists(), reason=f"the official XSD is not at {SCHEMA}; say where by IAB_KIT"
)


@needs_kit
@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
def test_every_golden_document_is_valid_by_the_official_schema(golden: Path) -> None:
    assert_valid(golden.read_text())


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
def test_vastlint_finds_no_fault_in_any_golden_document(golden: Path) -> None:
    assert_lints(golden.read_text())


def test_there_are_golden_documents() -> None:
    assert len(GOLDEN) > 15


@needs_kit
@pytest.mark.parametrize("click_through_url", [None, "https://example.com/?a=1&b=2"])
def test_what_is_written_now_is_valid_by_the_official_schema(
    click_through_url: str | None,
) -> None:
    creative = a_servable_creative(click_through_url=click_through_url)
    document = vast_document(InlineAd("1", "Acme", creative, TRACKING))
    assert_valid(document)
    assert_lints(document)


@needs_kit
def test_the_schema_would_notice_a_wrong_order() -> None:
    document = vast_document(InlineAd("1", "Acme", a_servable_creative(), TRACKING))
    swapped = document.replace("<AdTitle>", "<Description>x</Description><AdTitle>")
    with pytest.raises(etree.DocumentInvalid):
        assert_valid(swapped)


def test_no_ad_is_an_empty_document() -> None:
    root = parsed(NO_AD)
    assert root.tag == "{http://www.iab.com/VAST}VAST"
    assert (len(root), root.get("version")) == (0, "4.2")
    assert_lints(NO_AD)


def only_accepted(kind: Any, texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    adapter = TypeAdapter(kind)

    def is_accepted(text: str) -> bool:
        try:
            adapter.validate_python(text)
        except ValidationError:
            return False
        return True

    return texts.filter(is_accepted).map(adapter.validate_python)


_SPICY = st.text(st.characters() | st.sampled_from("&<>\"']😀\u202eש\u00a0\u2028\x85"), min_size=1)
_NAMES = only_accepted(Name, _SPICY)
_ADDRESSES = only_accepted(WebAddress, _SPICY.map(lambda rest: f"https://example.com/?q={rest}"))


@example("]]>", "]]>", "https://a.example/?]]>", "https://a.example/]]>]]>")
@given(_NAMES, _NAMES, _ADDRESSES, _ADDRESSES)
def test_whatever_the_api_accepts_survives_into_vast(
    name: str, advertiser: str, click: str, media: str
) -> None:
    creative = a_servable_creative(name=name, click_through_url=click, media_url=media)
    root = parsed(vast_document(InlineAd("1", advertiser, creative, TRACKING)))

    def text(path: str) -> str | None:
        found = root.find(path, NAMESPACE)
        return None if found is None else found.text

    assert text(".//v:AdTitle") == name
    assert text(".//v:Advertiser") == advertiser
    assert text(".//v:ClickThrough") == click
    assert text(".//v:MediaFile") == media


def test_a_lone_ad_has_no_sequence() -> None:
    document = vast_document(InlineAd("1-1", "Acme", a_servable_creative(), TRACKING))
    ad = parsed(document).find("v:Ad", NAMESPACE)
    assert ad is not None
    assert (ad.get("id"), len(ad.attrib)) == ("1-1", 1)
    assert "sequence" not in document


def test_events_are_the_standard_set_each_once_with_its_own_address() -> None:
    document = vast_document(InlineAd("1", "Acme", a_servable_creative(), TRACKING))
    tracking = parsed(document).findall(".//v:Tracking", NAMESPACE)
    assert [item.get("event") for item in tracking] == list(TRACKED_EVENTS)
    assert [item.text for item in tracking] == [TRACKING.vast_url(e) for e in TRACKED_EVENTS]


def test_every_tracker_defeats_caches_and_the_error_asks_its_code() -> None:
    for event in BeaconEvent:
        address = TRACKING.vast_url(event)
        assert address.startswith(f"{TRACKING.url(event)}?")
        assert address.endswith("cb=[CACHEBUSTING]")
        assert ("code=[ERRORCODE]" in address) is (event is BeaconEvent.ERROR)


def test_simple_clients_get_addresses_without_macros() -> None:
    by_event = TRACKING.by_event()
    assert set(by_event) == {"impression", "clickTracking", "error", *TRACKED_EVENTS}
    assert not any("[" in address for address in by_event.values())


@pytest.mark.parametrize(
    ("duration_ms", "written"),
    [
        (0, "00:00:00.000"),
        (999, "00:00:00.999"),
        (15_000, "00:00:15.000"),
        (61_001, "00:01:01.001"),
        (3_600_000, "01:00:00.000"),
        (359_999_999, "99:59:59.999"),
    ],
)
def test_durations_are_written_to_the_millisecond(duration_ms: int, written: str) -> None:
    creative = a_servable_creative(duration_ms=duration_ms)
    document = vast_document(InlineAd("1", "Acme", creative, TRACKING))
    assert f"<Duration>{written}</Duration>" in document


def test_without_a_click_through_there_are_no_clicks() -> None:
    document = vast_document(InlineAd("1", "Acme", a_servable_creative(), TRACKING))
    assert "VideoClicks" not in document
