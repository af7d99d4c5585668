"""Clients that others wrote understand our documents and call every address of ours."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from ctv_ads.domain.beacon import TRACKED_EVENTS
from ctv_ads.domain.placement import VastVersion
from ctv_ads.vast.document import PodAd, vast_document
from tests.ad_request_cases import FOLDER as ANSWERS
from tests.vast_cases import VAST_CASES, VMAP_CASES, an_ad, every_case
from tests.vast_clients import Question, ask
from tests.vast_tools import AD_ID, BASE_URL, EVERY_TRACKER, EVERYTHING, RENDITIONS, TAG, VERSIONS

BEHIND = vast_document([an_ad(9)], version=VastVersion.V3_0, base_url="https://third.example")
# What the client is made to do; it calls complete by itself at the end.
PLAYED = {"impression", *TRACKED_EVENTS}
ADS_OF = {
    "no_ad": 0,
    "one_ad": 1,
    "pod_of_four": 4,
    "everything": 2,
    "wrapper": 1,
    "wrapper_in_pod": 3,
}


@cache
def answers(client: str) -> dict[tuple[str, VastVersion], dict[str, Any]]:
    """What the client makes of every golden document, by name and version."""
    cases = every_case(VMAP_CASES if client == "vmap" else VAST_CASES)
    found = ask([Question(client, document, BEHIND) for _, _, document in cases])
    return {(name, version): one for (name, version, _), one in zip(cases, found, strict=True)}


def read(ads: list[PodAd], version: VastVersion = VastVersion.V4_2) -> dict[str, Any]:
    written = vast_document(ads, version=version, base_url=BASE_URL)
    (answer,) = ask([Question("vast-client", written, BEHIND)])
    return answer


def events(called: list[str], token: str) -> set[str]:
    return {
        url.split("/")[-2] for url in called if url.startswith(BASE_URL) and f"/{token}?" in url
    }


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", VAST_CASES)
def test_vast_client_finds_every_ad_in_play_order(name: str, version: VastVersion) -> None:
    answer = answers("vast-client")[name, version]
    assert "error" not in answer, answer
    assert answer["version"] == version
    played = [ad["played"][0] for ad in answer["ads"]]
    ours = [url for url in played if url.startswith(BASE_URL)]
    assert [url.split("token-of-slot-")[1][0] for url in ours] == [
        str(slot) for slot in range(1, ADS_OF[name] + 1)
    ]
    assert answer["errors"] == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["pod_of_four", "everything", "wrapper_in_pod"])
def test_vast_client_calls_every_address_of_each_ad_once(name: str, version: VastVersion) -> None:
    for slot, ad in enumerate(answers("vast-client")[name, version]["ads"], 1):
        ours = [url for url in ad["played"] if url.startswith(BASE_URL)]
        assert events(ours, f"token-of-slot-{slot}") >= PLAYED
        assert len(ours) == len(set(ours))
        assert not any("[" in url for url in ours), "it knows every macro that we use"
        (failed,) = [url for url in ad["failed"] if url.startswith(BASE_URL)]
        assert "code=405&" in failed


@pytest.mark.parametrize("version", VERSIONS)
def test_vast_client_finds_media_and_what_goes_along(version: VastVersion) -> None:
    for ad in answers("vast-client")["everything", version]["ads"]:
        urls = [file["url"] for file in ad["media"]]
        assert urls[0].endswith("/video.mp4")
        assert {item.url for item in RENDITIONS} < set(urls)
        assert ad["clickThrough"] == EVERYTHING["click_through_url"]
        assert [item["vendor"] for item in ad["verifications"]] == [
            "v.example.com-omid",
            "w.example.com-omid",
        ]
        assert ad["verifications"][0]["parameters"] == '{"a": "<]]>"}'
        called = {url.split("?")[0] for url in ad["played"]}
        theirs = {tracker.url.split("?")[0] for tracker in EVERY_TRACKER}
        assert called >= {url for url in theirs if url.rpartition("/")[2] in PLAYED}
        assert f"{BASE_URL}/api/v1/t/clickTracking/" in " ".join(called)


@pytest.mark.parametrize("version", [v for v in VERSIONS if v.startswith("4")])
def test_vast_client_finds_what_version_4_brought(version: VastVersion) -> None:
    ad = answers("vast-client")["everything", version]["ads"][0]
    assert ad["categories"] == [{"authority": "iabtechlab.com", "value": "1002"}]
    assert ad["universalAdIds"] == [{"idRegistry": AD_ID.registry, "value": AD_ID.value}]
    has_id = version > VastVersion.V4_0
    assert (ad["adServingId"] == ad["id"]) is has_id
    assert ad["expires"] == (14_400 if has_id else None)


@pytest.mark.parametrize("version", VERSIONS)
def test_vast_client_plays_the_ad_behind_a_wrapper_with_both_sides_beacons(
    version: VastVersion,
) -> None:
    (ad,) = answers("vast-client")["wrapper", version]["ads"]
    assert [file["url"].split("/")[2] for file in ad["media"]] == ["media.example.com"]
    assert events(ad["played"], "token-of-slot-1") >= PLAYED
    theirs = [url for url in ad["played"] if url.startswith("https://third.example")]
    assert any("/impression/" in url for url in theirs)
    assert any("/complete/" in url for url in theirs)


def test_vast_client_reports_a_wrapper_that_leads_to_nothing() -> None:
    written = vast_document(
        [an_ad(1, vast_tag_url=TAG)], version=VastVersion.V4_2, base_url=BASE_URL
    )
    (answer,) = ask([Question("vast-client", written, '<VAST version="4.2"/>')])
    assert answer["ads"] == []
    (error,) = answer["errors"]
    assert error.startswith(f"{BASE_URL}/api/v1/t/error/token-of-slot-1?code=303&")


def test_names_of_all_kinds_come_through() -> None:
    names = [
        "&<>\"'",
        "]]>",
        "\U0001f600",
        "\u202e\u05e9\u05dc",
        "\u0627\u0644",
        "e\u0301",
    ]
    pod = [
        an_ad(slot)._replace(creative=replace(an_ad(slot).creative, name=name))
        for slot, name in enumerate(names, 1)
    ]
    assert [ad["title"] for ad in read(pod)["ads"]] == names


@pytest.mark.parametrize("version", VERSIONS)
def test_a_strict_client_of_version_3_reads_every_document(version: VastVersion) -> None:
    for name in VAST_CASES:
        answer = answers("iab-vast-parser")[name, version]
        assert "error" not in answer, answer
        assert len(answer["ads"]) == ADS_OF[name]
        is_pod = ADS_OF[name] > 1 and version is not VastVersion.V2_0
        assert answer["isPod"] is is_pod
        for ad in answer["ads"]:
            assert ad["impressions"][0].startswith(BASE_URL)
            assert bool(ad["media"]) is (ad["tag"] is None)


@pytest.mark.parametrize("version", VERSIONS)
def test_vmap_finds_every_break_and_the_ads_in_it(version: VastVersion) -> None:
    answer = answers("vmap")["vmap_inline", version]
    assert "error" not in answer, answer
    breaks = answer["breaks"]
    assert [item["timeOffset"] for item in breaks] == ["start", "00:10:00.000", "50%", "end"]
    assert [len(item["ads"]) for item in breaks] == [1, 2, 0, 1]
    for item in breaks:
        token = f"token-of-{item['breakId']}"
        assert events(item["fired"], token) == {"breakStart", "breakEnd", "error"}
        assert "code=303&" in item["fired"][2]


@pytest.mark.parametrize("version", VERSIONS)
def test_vmap_finds_the_tag_of_every_break(version: VastVersion) -> None:
    for number, item in enumerate(answers("vmap")["vmap_by_tag", version]["breaks"], 1):
        assert item["ads"] is None
        assert item["tag"]["uri"].startswith(f"{BASE_URL}/api/v1/vast?placement=preroll&")
        assert item["tag"]["uri"].endswith(f"&avail_index={number}")


def test_clients_find_every_ad_of_every_golden_answer() -> None:
    goldens = {path: path.read_text("utf-8") for path in sorted(ANSWERS.glob("*/*.xml"))}
    questions = [
        Question("vmap" if "<vmap:VMAP" in document else "vast-client", document, BEHIND)
        for document in goldens.values()
    ]
    for path, answer in zip(goldens, ask(questions), strict=True):
        assert "error" not in answer, path
        inline = [item["ads"] or [] for item in answer.get("breaks", ())]
        found = answer["ads"] if "ads" in answer else [ad for ads in inline for ad in ads]
        assert len(found) == goldens[path].count("<Ad "), path
