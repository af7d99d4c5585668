"""Third parties' VAST is read whoever wrote it, and hostile XML does no harm."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctv_ads.domain.placement import VastVersion
from ctv_ads.domain.vast_tag import InlineAnswer, OfferedMedia, WrapperAnswer
from ctv_ads.vast.document import vast_document
from ctv_ads.vast.reader import NotVastError, SeveralAdsError, read_vast
from tests.vast_cases import VAST_CASES
from tests.vast_tools import TAG, VERSIONS, a_pod_ad

MEDIA = (
    '<MediaFile type="video/mp4" width="1920" height="1080"> https://m.example/a.mp4 </MediaFile>'
)


def linear(inside: str) -> bytes:
    return (
        '<VAST version="3.0"><Ad><InLine><AdSystem>Them</AdSystem><Creatives><Creative>'
        f"<Linear>{inside}</Linear></Creative></Creatives></InLine></Ad></VAST>"
    ).encode()


def inline(document: bytes) -> InlineAnswer:
    answer = read_vast(document)
    assert isinstance(answer, InlineAnswer)
    return answer


@pytest.mark.parametrize("version", VERSIONS)
def test_our_own_documents_are_read(version: VastVersion) -> None:
    own = a_pod_ad(duration_ms=15_000)
    ad = inline(vast_document([own], version=version, base_url="https://a.example").encode())
    assert (ad.ad_system, ad.has_linear, ad.duration_ms) == ("CTV Ad Server", True, 15_000)
    codec = None if version is VastVersion.V2_0 else "avc1.640028"
    url = own.creative.media_url
    assert ad.media == (
        OfferedMedia(url, "video/mp4", 1920, 1080, 5000, codec, is_executable=False),
    )
    assert read_vast(VAST_CASES["no_ad"](version).encode()) is None


@pytest.mark.parametrize("version", VERSIONS)
def test_our_own_wrappers_are_read(version: VastVersion) -> None:
    answer = read_vast(VAST_CASES["wrapper"](version).encode())
    assert answer == WrapperAnswer(TAG)


@pytest.mark.parametrize(
    ("text", "duration_ms"),
    [
        ("00:00:15", 15_000),
        (" 00:00:15.5 ", 15_500),
        ("01:02:03.004", 3_723_004),
        ("0:0:5", 5_000),
        ("00:00:60", None),
        ("15", None),
        ("-00:00:15", None),
        ("", None),
        ("\u0660\u0660:\u0660\u0660:\u0661\u0665", None),
    ],
)
def test_durations_are_read_or_left_out(text: str, duration_ms: int | None) -> None:
    assert inline(linear(f"<Duration>{text}</Duration>{MEDIA}")).duration_ms == duration_ms


@pytest.mark.parametrize("number", ["", "x", "-1", "1e9", "99999999999", "1.5"])
def test_numbers_that_are_none_are_left_out(number: str) -> None:
    media = f'<MediaFiles><MediaFile type="VIDEO/MP4" width="{number}">u</MediaFile></MediaFiles>'
    (found,) = inline(linear(media)).media
    assert (found.width_px, found.mime_type) == (None, "video/mp4")


def test_programs_are_told_from_videos() -> None:
    files = (
        '<MediaFiles><MediaFile type="video/mp4" apiFramework="VPAID">u</MediaFile>'
        '<MediaFile type="video/mp4">v</MediaFile><MediaFile type="video/mp4"/></MediaFiles>'
    )
    assert [item.is_executable for item in inline(linear(files)).media] == [True, False]


def test_an_ad_without_linear_has_none() -> None:
    document = b"<VAST><Ad><InLine><Creatives><Creative><NonLinearAds/></Creative></Creatives>"
    assert not inline(document + b"</InLine></Ad></VAST>").has_linear


def test_several_ads_are_too_many() -> None:
    ad = b"<Ad><InLine/></Ad>"
    with pytest.raises(SeveralAdsError):
        read_vast(b"<VAST>" + ad + ad + b"</VAST>")


BILLION_LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE VAST [<!ENTITY a "ha">'
    + b"".join(
        b'<!ENTITY %c "%s">' % (98 + level, b"&%c;" % (97 + level) * 10) for level in range(9)
    )
    + b"]><VAST>&j;</VAST>"
)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{}",
        b"<html><body>404</body></html>",
        b"<VAST>",
        b"<VAST></VMAP>",
        b"<VAST>\x00</VAST>",
        b"<VAST>&undeclared;</VAST>",
        b"\xff\xfe<\x00V\x00",
        b'<?xml version="1.0" encoding="no-such"?><VAST/>',
        b"<VAST><Ad><Wrapper><VASTAdTagURI> </VASTAdTagURI></Wrapper></Ad></VAST>",
        BILLION_LAUGHS,
        b'<!DOCTYPE VAST [<!ENTITY x SYSTEM "file:///etc/passwd">]><VAST>&x;</VAST>',
        b'<!DOCTYPE VAST SYSTEM "http://169.254.169.254/evil.dtd"><VAST/>',
        b'<!DOCTYPE VAST [<!ENTITY % x SYSTEM "http://10.0.0.1/">%x;]><VAST/>',
        b"<!DOCTYPE VAST><VAST/>",
        b"<VAST>" + b"<a>" * 100_000,
        b"<VAST>" + b"<a/>" * 30_000 + b"</VAST>",
        b"<VAST " + b" ".join(b'a%d="x"' % n for n in range(50_000)) + b">",
    ],
)
def test_what_is_no_vast_is_refused_at_once(document: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(NotVastError):
        read_vast(document)
    assert time.monotonic() - began < 5, "bombs take minutes"


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"<VAST>{text}".encode()))
def test_nonsense_is_refused_and_nothing_else_is_raised(document: bytes) -> None:
    with pytest.raises(NotVastError):
        read_vast(document)
