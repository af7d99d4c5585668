"""`PATCH /api/v1/creatives/{creative_id}`: what goes along with a file."""

from typing import Any

import pytest

from ctv_ads.domain.access import Role
from ctv_ads.domain.campaign import CampaignStatus
from ctv_ads.domain.companions import Tracker, TrackerEvent, UniversalAdId, Verification
from tests.builders import NOON
from tests.functions.conftest import Answer, Office
from tests.functions.recorded import api_event

EVERYTHING: dict[str, Any] = {
    "name": "Summer tyres",
    "click_through_url": "https://example.com/summer",
    "universal_ad_id": {"registry": "ad-id.org", "value": "ABCD0001000H"},
    "trackers": [
        {"event": "impression", "url": "https://t.example/i?cb=[CACHEBUSTING]"},
        {"event": "firstQuartile", "url": "https://t.example/q1"},
    ],
    "verifications": [
        {"vendor": "v.example-omid", "javascript_url": "https://v.example/omid.js"}
        | {"parameters": '{"a": "]]>"}'}
    ],
}


def a_path(office: Office) -> str:
    campaign = office.world.a_campaign(office.tenant)
    creative = office.world.a_ready_creative(office.tenant, campaign.campaign_id)
    return f"/api/v1/creatives/{creative.creative_id}"


def patched(office: Office, path: str, body: object, *, if_match: str | None = None) -> Answer:
    headers = {"authorization": f"Bearer {office.token()}"}
    if if_match is not None:
        headers["if-match"] = if_match
    return office.call("creatives", api_event("PATCH", path, body=body, headers=headers))


def test_every_soft_field_changes_and_is_shown(office: Office) -> None:
    path = a_path(office)
    answer = patched(office, path, EVERYTHING)
    assert answer.status == 200
    shown = answer.json
    assert {name: shown[name] for name in EVERYTHING} == EVERYTHING
    assert office.send("creatives", "GET", path).json == shown
    assert len(office.changes.reasons) == 1


def test_an_absent_field_stays_as_it_is(office: Office) -> None:
    path = a_path(office)
    patched(office, path, EVERYTHING)
    shown = patched(office, path, {"name": "Other"}).json
    assert {name: shown[name] for name in EVERYTHING} == EVERYTHING | {"name": "Other"}


def test_null_and_empty_take_away(office: Office) -> None:
    path = a_path(office)
    patched(office, path, EVERYTHING)
    nothing: dict[str, Any] = {
        "click_through_url": None,
        "universal_ad_id": None,
        "trackers": [],
        "verifications": [],
    }
    shown = patched(office, path, nothing).json
    assert {name: shown[name] for name in nothing} == nothing


def test_a_change_of_nothing_keeps_the_version_and_tells_nobody(office: Office) -> None:
    path = a_path(office)
    before = office.send("creatives", "GET", path)
    for body in ({}, {"name": before.json["name"]}):
        assert patched(office, path, body).json == before.json
    assert office.changes.reasons == []


def test_a_stale_edit_is_refused_with_both_versions(office: Office) -> None:
    path = a_path(office)
    read = office.send("creatives", "GET", path)
    etag = read.headers["etag"]
    changed = patched(office, path, {"name": "First"}, if_match=etag)
    assert changed.headers["etag"] != etag
    stale = patched(office, path, {"name": "Second"}, if_match=etag)
    assert stale.status == 412
    assert etag.strip('"') in stale.body
    assert changed.headers["etag"].strip('"') in stale.body
    assert office.send("creatives", "GET", path).json["name"] == "First"


def test_an_archived_creative_no_longer_serves(office: Office) -> None:
    campaign = office.world.a_serving_campaign(office.tenant)
    (creative,) = office.send(
        "creatives", "GET", f"/api/v1/campaigns/{campaign.campaign_id}/creatives"
    ).json["items"]
    assert office.tenant.organization_id in office.world.source.load(now=NOON).line_items
    shown = patched(office, f"/api/v1/creatives/{creative['id']}", {"status": "archived"}).json
    assert shown["status"] == "archived"
    assert office.tenant.organization_id not in office.world.source.load(now=NOON).line_items


def test_what_goes_along_is_published_with_the_creative(office: Office) -> None:
    campaign = office.world.a_campaign(office.tenant)
    creative = office.world.a_ready_creative(office.tenant, campaign.campaign_id)
    office.world.set_status(office.tenant, campaign, CampaignStatus.ACTIVE)
    patched(office, f"/api/v1/creatives/{creative.creative_id}", EVERYTHING)
    (line_item,) = office.world.source.load(now=NOON).line_items[office.tenant.organization_id]
    (published,) = line_item.creatives
    assert published.universal_ad_id == UniversalAdId("ad-id.org", "ABCD0001000H")
    assert published.trackers == (
        Tracker(TrackerEvent.IMPRESSION, "https://t.example/i?cb=[CACHEBUSTING]"),
        Tracker(TrackerEvent.FIRST_QUARTILE, "https://t.example/q1"),
    )
    assert published.verifications == (
        Verification("v.example-omid", "https://v.example/omid.js", '{"a": "]]>"}'),
    )


_TRACKER = {"event": "start", "url": "https://t.example/"}
_VENDOR = {"vendor": "v", "javascript_url": "https://v.example/o.js"}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"status": "ready"}, "status"),
        ({"status": None}, "status"),
        ({"id": "x"}, "id"),
        ({"media_url": "https://x.example/"}, "media_url"),
        ({"click_through_url": "ftp://x"}, "click_through_url"),
        ({"universal_ad_id": {"registry": "ad-id.org"}}, "universal_ad_id.value"),
        ({"universal_ad_id": {"registry": "Ad Id", "value": "1"}}, "universal_ad_id.registry"),
        ({"universal_ad_id": {"registry": "ad-id.org", "value": ""}}, "universal_ad_id.value"),
        ({"trackers": None}, "trackers"),
        ({"trackers": [_TRACKER] * 51}, "trackers"),
        ({"trackers": [_TRACKER, _TRACKER]}, "trackers"),
        ({"trackers": [{**_TRACKER, "event": "skip"}]}, "trackers.0.event"),
        ({"trackers": [{**_TRACKER, "event": "creativeView"}]}, "trackers.0.event"),
        ({"trackers": [{**_TRACKER, "event": "progress"}]}, "trackers.0.event"),
        ({"trackers": [_TRACKER, {**_TRACKER, "url": "http://t.example/"}]}, "trackers.1.url"),
        ({"trackers": [{**_TRACKER, "url": "https://"}]}, "trackers.0.url"),
        ({"trackers": [{**_TRACKER, "url": "https://t.example/\u0000"}]}, "trackers.0.url"),
        ({"trackers": [{**_TRACKER, "more": 1}]}, "trackers.0.more"),
        ({"verifications": [_VENDOR] * 11}, "verifications"),
        ({"verifications": [{**_VENDOR, "vendor": " "}]}, "verifications.0.vendor"),
        (
            {"verifications": [{**_VENDOR, "javascript_url": "http://v.example/"}]},
            "verifications.0.javascript_url",
        ),
        (
            {"verifications": [{**_VENDOR, "parameters": "x" * 4001}]},
            "verifications.0.parameters",
        ),
    ],
)
def test_wrong_fields_are_named_and_nothing_changes(
    office: Office, body: dict[str, Any], path: str
) -> None:
    creative = a_path(office)
    before = office.send("creatives", "GET", creative).json
    patched(office, creative, body).assert_problem(422, "invalid-request", path)
    assert office.send("creatives", "GET", creative).json == before


@pytest.mark.parametrize("if_match", ["x", '"1e3"', '""', '"99999999999999999999"'])
def test_an_etag_that_is_none_is_refused(office: Office, if_match: str) -> None:
    answer = patched(office, a_path(office), {"name": "New"}, if_match=if_match)
    answer.assert_problem(422, "invalid-request", "If-Match")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
def test_those_who_only_look_may_not_change(office: Office, role: Role) -> None:
    token = office.token(role=role)
    refused = office.send("creatives", "PATCH", a_path(office), {"name": "New"}, token=token)
    refused.assert_problem(403, "forbidden")


def test_another_tenants_creative_is_not_found(office: Office) -> None:
    other = office.world.a_tenant()
    campaign = office.world.a_campaign(other)
    creative = office.world.a_ready_creative(other, campaign.campaign_id)
    path = f"/api/v1/creatives/{creative.creative_id}"
    patched(office, path, {"name": "Mine"}).assert_problem(404, "not-found")
