"""`/api/v1/creatives` and `/api/v1/campaigns/{campaign_id}/creatives`."""

from typing import Any

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.access import Role
from ctv_ads.domain.media import Rejection, RejectionCode
from tests.builders import NOON, a_creative_draft
from tests.functions.conftest import MAX_UPLOAD_BYTES, Office
from tests.functions.recorded import api_event


def of_campaign(campaign_id: str) -> str:
    return f"/api/v1/campaigns/{campaign_id}/creatives"


def a_new_creative(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Winter tyres, 15 s",
        "filename": "tyres.mp4",
        "content_type": "video/mp4",
        "size_bytes": 1_000_000,
        **changes,
    }


def test_a_creative_is_registered_and_gets_a_form(office: Office) -> None:
    campaign = office.world.a_campaign(office.tenant)
    body = a_new_creative(click_through_url="https://example.com/?a=1&b=ü")
    made = office.send("creatives", "POST", of_campaign(campaign.campaign_id), body)
    assert made.status == 201
    creative, upload = made.json["creative"], made.json["upload"]
    assert (creative["status"], creative["size_bytes"]) == ("uploading", 1_000_000)
    assert (creative["media_url"], creative["sha256"]) == (None, None)
    assert creative["click_through_url"] == "https://example.com/?a=1&b=ü"
    assert upload["fields"]["key"] == f"creatives/{creative['id']}"
    read = office.send("creatives", "GET", f"/api/v1/creatives/{creative['id']}")
    assert read.json == creative


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"name": ""}, ["name"]),
        ({"filename": "a\u0000.mp4"}, ["filename"]),
        ({"size_bytes": 0}, ["size_bytes"]),
        ({"size_bytes": "1"}, ["size_bytes"]),
        ({"size_bytes": MAX_UPLOAD_BYTES + 1}, ["size_bytes"]),
        ({"content_type": "video/quicktime"}, ["content_type"]),
        ({"content_type": "video/quicktime", "size_bytes": 10**12}, ["content_type", "size_bytes"]),
        ({"click_through_url": "javascript:alert(1)"}, ["click_through_url"]),
        ({"click_through_url": "http://"}, ["click_through_url"]),
        ({"click_through_url": "https://a.example/ b"}, ["click_through_url"]),
        ({"click_through_url": "https://[::1"}, ["click_through_url"]),
        ({"click_through_url": "https://a.example/" + "x" * 2000}, ["click_through_url"]),
        ({"status": "ready"}, ["status"]),
    ],
)
def test_wrong_fields_are_named_each_and_nothing_is_made(
    office: Office, changes: dict[str, Any], paths: list[str]
) -> None:
    path = of_campaign(office.world.a_campaign(office.tenant).campaign_id)
    refused = office.send("creatives", "POST", path, a_new_creative(**changes))
    refused.assert_problem(422, "invalid-request", *paths)
    assert office.send("creatives", "GET", path).json["items"] == []


def test_a_ready_creative_shows_what_was_measured(office: Office) -> None:
    campaign = office.world.a_campaign(office.tenant)
    creative = office.world.a_ready_creative(office.tenant, campaign.campaign_id)
    (shown,) = office.send("creatives", "GET", of_campaign(campaign.campaign_id)).json["items"]
    assert shown["status"] == "ready"
    assert shown["media_url"] == f"https://media.example.com/{creative.creative_id}/video.mp4"
    assert (shown["duration_ms"], shown["width_px"]) == (15_000, 1920)
    assert (shown["size_bytes"], shown["rejection_reasons"]) == (9_375_000, [])


def test_a_rejected_creative_says_every_reason(office: Office) -> None:
    campaign = office.world.a_campaign(office.tenant)
    creative = office.world.a_creative(office.tenant, a_creative_draft(campaign.campaign_id))
    reasons = [Rejection(code, f"It is {code}.") for code in RejectionCode]
    office.world.validation.start(creative.creative_id)
    office.world.validation.reject(creative.creative_id, reasons, now=NOON)
    shown = office.send("creatives", "GET", f"/api/v1/creatives/{creative.creative_id}").json
    assert shown["status"] == "rejected"
    assert [reason["code"] for reason in shown["rejection_reasons"]] == list(RejectionCode)


def test_another_tenants_creatives_are_not_found(office: Office) -> None:
    other = office.world.a_tenant()
    campaign = office.world.a_campaign(other)
    creative = office.world.a_ready_creative(other, campaign.campaign_id)
    mine = office.world.a_campaign(office.tenant)
    one = f"/api/v1/creatives/{creative.creative_id}"
    many = of_campaign(campaign.campaign_id)
    for method, path, body in (
        ("GET", one, None),
        ("DELETE", one, None),
        ("GET", many, None),
        ("POST", many, a_new_creative()),
    ):
        office.send("creatives", method, path, body).assert_problem(404, "not-found")
    assert office.send("creatives", "GET", of_campaign(mine.campaign_id)).json["items"] == []


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
def test_those_who_only_look_may_not_upload_or_delete(office: Office, role: Role) -> None:
    campaign = office.world.a_campaign(office.tenant)
    creative = office.world.a_ready_creative(office.tenant, campaign.campaign_id)
    token, one = office.token(role=role), f"/api/v1/creatives/{creative.creative_id}"
    many = of_campaign(campaign.campaign_id)
    for method, path, body in (("POST", many, a_new_creative()), ("DELETE", one, None)):
        refused = office.send("creatives", method, path, body, token=token)
        refused.assert_problem(403, "forbidden")
    assert office.send("creatives", "GET", one, token=token).status == 200


def test_a_deleted_creative_is_gone_and_announced(office: Office) -> None:
    campaign = office.world.a_campaign(office.tenant)
    creative = office.world.a_ready_creative(office.tenant, campaign.campaign_id)
    path = f"/api/v1/creatives/{creative.creative_id}"
    deleted = office.send("creatives", "DELETE", path)
    assert (deleted.status, deleted.body) == (204, "")
    office.send("creatives", "GET", path).assert_problem(404, "not-found")
    assert len(office.changes.reasons) == 1


def test_strangers_are_told_nothing_but_that_they_are(office: Office) -> None:
    for method, path, body in (
        ("POST", of_campaign(new_id()), {"name": ""}),
        ("GET", of_campaign("x"), None),
        ("GET", f"/api/v1/creatives/{new_id()}", None),
        ("DELETE", f"/api/v1/creatives/{new_id()}", None),
    ):
        refused = office.call("creatives", api_event(method, path, body=body))
        refused.assert_problem(401, "unauthenticated")
