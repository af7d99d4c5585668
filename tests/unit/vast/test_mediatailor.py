"""Nothing that AWS MediaTailor names as an error is ever in our documents.

Its double here (`tests/mediatailor.py`) follows its documentation. The errors left out,
ERROR_ADS_IO and ERROR_ADS_TIMEOUT, are of the network.
"""

import re
from collections.abc import Callable

import pytest

from ctv_ads.domain.placement import VastVersion
from ctv_ads.vast.document import vast_document
from tests.mediatailor import MAX_WRAPPERS, Answer, complaints
from tests.vast_cases import VAST_CASES, VMAP_CASES, an_ad
from tests.vast_tools import BASE_URL, EVERYTHING, TAG, VERSIONS

Break = Callable[[str], str]


def written(version: VastVersion, *, wrapped: bool = False) -> str:
    """A pod of two, with everything that goes along."""
    tag = TAG if wrapped else None
    ads = [an_ad(slot, vast_tag_url=tag, **EVERYTHING) for slot in (1, 2)]
    return vast_document(ads, version=version, base_url=BASE_URL)


def behind(_: str) -> Answer:
    return 200, vast_document([an_ad(9)], version=VastVersion.V3_0, base_url="https://t.example")


def without(pattern: str, put: str = "") -> Break:
    return lambda document: re.sub(pattern, put, document, flags=re.DOTALL)


def twice(pattern: str) -> Break:
    return lambda document: re.sub(f"({pattern})", r"\1\1", document, flags=re.DOTALL)


INLINE_ERRORS: dict[str, Break] = {
    "ERROR_VAST_MISSING_MEDIAFILES": without("<MediaFiles>.*?</MediaFiles>"),
    "ERROR_VAST_MISSING_CREATIVES": without("<Creatives>.*?</Creatives>"),
    "ERROR_VAST_MISSING_IMPRESSION": without("<Impression>.*?</Impression>"),
    "ERROR_VAST_MISSING_OVERLAYS": without("<Linear>.*?</Linear>", "<NonLinearAds/>"),
    "ERROR_VAST_MULTIPLE_LINEAR": twice("<Linear>.*?</Linear>"),
    "ERROR_VAST_MULTIPLE_TRACKING_EVENTS": twice("<TrackingEvents>.*?</TrackingEvents>"),
    "ERROR_VAST_INVALID_MEDIA_FILE": without(' width="[0-9]+"'),
    "ERROR_ADS_RESPONSE_PARSE": without("</VAST>"),
    "ERROR_ADS_RESPONSE_UNKNOWN_ROOT_ELEMENT": without("(?<=[</])VAST", "VIDEO"),
    "EMPTY_VAST_RESPONSE": without("<Ad .*</Ad>"),
    "non-standard tracking events": without('event="mute"', 'event="interactiveStart"'),
    "missing standard tracking events": without('<Tracking event="complete">.*?</Tracking>'),
    "repeated Ad@id": without('<Ad id="[^"]*"', '<Ad id="1"'),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", sorted(VAST_CASES.keys() - {"no_ad"}))
def test_it_complains_of_nothing(name: str, version: VastVersion) -> None:
    assert complaints((200, VAST_CASES[name](version)), behind) == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", VMAP_CASES)
def test_it_complains_of_no_vmap(name: str, version: VastVersion) -> None:
    assert complaints((200, VMAP_CASES[name](version)), behind) == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", INLINE_ERRORS)
def test_each_error_it_names_is_one_that_we_avoid(name: str, version: VastVersion) -> None:
    ours = written(version)
    assert name not in complaints((200, ours))
    assert name in complaints((200, INLINE_ERRORS[name](ours)))


@pytest.mark.parametrize("version", VERSIONS)
def test_no_ad_is_the_answer_that_it_takes_for_none_and_not_an_error(version: VastVersion) -> None:
    assert complaints((200, VAST_CASES["no_ad"](version))) == ["EMPTY_VAST_RESPONSE"]
    assert complaints((204, "")) == ["ERROR_ADS_INVALID_RESPONSE"]


def test_a_vmap_without_breaks_is_empty_and_one_without_ads_is_not() -> None:
    inline = VMAP_CASES["vmap_inline"](VastVersion.V4_2)
    assert "EMPTY_VMAP_RESPONSE" not in complaints((200, without("<Ad .*?</Ad>")(inline)))
    emptied = without("<vmap:AdBreak.*</vmap:AdBreak>")(inline)
    assert complaints((200, emptied)) == ["EMPTY_VMAP_RESPONSE"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_wrappers_address_is_one_and_valid(version: VastVersion) -> None:
    ours = written(version, wrapped=True)
    name = "ERROR_VAST_INVALID_VAST_AD_TAG_URI"
    assert name not in complaints((200, ours))
    assert name in complaints((200, ours.replace(TAG, "/vast")))
    assert name in complaints((200, twice("<VASTAdTagURI>.*?</VASTAdTagURI>")(ours)))


@pytest.mark.parametrize(
    ("name", "answered"),
    [
        ("ERROR_VAST_REDIRECT_FAILED", (500, "")),
        ("ERROR_VAST_REDIRECT_EMPTY_RESPONSE", (200, VAST_CASES["no_ad"](VastVersion.V4_2))),
        ("ERROR_VAST_REDIRECT_MULTIPLE_VAST", (200, VAST_CASES["pod_of_four"](VastVersion.V4_2))),
        ("ERROR_VAST_REDIRECT_FAILED", (200, VAST_CASES["wrapper"](VastVersion.V4_2))),
    ],
    ids=["failed", "empty", "several", "endless"],
)
def test_what_goes_wrong_behind_a_wrapper_is_the_third_partys(name: str, answered: Answer) -> None:
    asked: list[str] = []

    def fetch(address: str) -> Answer:
        asked.append(address)
        return answered

    assert name in complaints((200, VAST_CASES["wrapper"](VastVersion.V4_2)), fetch)
    assert set(asked) == {TAG}
    assert len(asked) <= MAX_WRAPPERS + 1


@pytest.mark.parametrize("version", VERSIONS)
def test_a_creative_keeps_its_id_by_which_its_transcode_is_kept(version: VastVersion) -> None:
    ids = re.compile('<Creative id="([^"]+)"')
    first, second = written(version), VAST_CASES["pod_of_four"](version)
    assert ids.findall(first) == ids.findall(second)[:2]
    assert len(set(ids.findall(second))) == 4
