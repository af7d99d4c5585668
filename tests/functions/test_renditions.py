"""`POST /api/v1/creatives/{creative_id}/renditions`: further files of the same film."""

import pytest

from ctv_ads.domain.creative import MAX_RENDITIONS, Creative
from tests.builders import a_creative_draft
from tests.functions.conftest import Answer, Office

A_FILE = {"filename": "light.mp4", "content_type": "video/mp4", "size_bytes": 1_000}


@pytest.fixture
def film(office: Office) -> Creative:
    campaign = office.world.a_campaign(office.tenant)
    return office.world.a_ready_creative(office.tenant, campaign.campaign_id)


def add(office: Office, creative_id: str, **changes: object) -> Answer:
    path = f"/api/v1/creatives/{creative_id}/renditions"
    return office.send("creatives", "POST", path, {**A_FILE, **changes})


def code_of(answer: Answer) -> tuple[int, str]:
    (problem,) = answer.json["errors"]
    return answer.status, problem["code"]


def test_a_rendition_waits_for_its_file_as_a_creative_does(office: Office, film: Creative) -> None:
    answer = add(office, film.creative_id)
    assert answer.status == 201
    made = answer.json["creative"]
    assert (made["rendition_of"], made["status"]) == (film.creative_id, "uploading")
    assert (made["name"], made["replaces"]) == (film.name, None)
    assert made["id"] in str(answer.json["upload"]["fields"])
    shown = office.send("creatives", "GET", f"/api/v1/creatives/{film.creative_id}").json
    assert shown["rendition_of"] is None


def test_a_rendition_may_come_in_parts(office: Office, film: Creative) -> None:
    answer = add(office, film.creative_id, multipart=True)
    assert answer.json["upload"]["kind"] == "multipart"


def test_a_file_that_cannot_become_a_creative_is_refused(office: Office, film: Creative) -> None:
    assert code_of(add(office, film.creative_id, content_type="video/webm"))[1] == (
        "type_not_accepted"
    )


def test_only_a_ready_video_of_its_own_has_renditions(office: Office, film: Creative) -> None:
    waiting = office.world.a_creative(office.tenant, a_creative_draft(film.campaign_id))
    assert code_of(add(office, waiting.creative_id)) == (409, "no_renditions")
    rendition = add(office, film.creative_id).json["creative"]["id"]
    assert code_of(add(office, rendition)) == (409, "no_renditions")
    tag = {"kind": "vast_tag", "name": "Tag", "tag_url": "https://ads.example/tag"}
    path = f"/api/v1/campaigns/{film.campaign_id}/creatives"
    registered = office.send("creatives", "POST", path, tag).json["creative"]["id"]
    assert code_of(add(office, registered)) == (409, "no_renditions")


def test_a_rendition_cannot_be_replaced(office: Office, film: Creative) -> None:
    rendition = add(office, film.creative_id).json["creative"]["id"]
    path = f"/api/v1/creatives/{rendition}/replacement"
    assert code_of(office.send("creatives", "POST", path, A_FILE)) == (409, "not_replaceable")


def test_a_creative_has_a_bounded_number_of_renditions(office: Office, film: Creative) -> None:
    made = [add(office, film.creative_id).json["creative"]["id"] for _ in range(MAX_RENDITIONS)]
    assert code_of(add(office, film.creative_id)) == (409, "too_many")
    office.send("creatives", "DELETE", f"/api/v1/creatives/{made[0]}")
    assert add(office, film.creative_id).status == 201
