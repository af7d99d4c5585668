"""`/api/v1/campaigns`, from the recorded request to the answer."""

from datetime import timedelta
from typing import Any

import pytest

from ctv_ads.access_settings import LimitSettings
from ctv_ads.domain.access import Role
from ctv_ads.domain.campaign import CampaignStatus
from tests.builders import DAY, NOON, a_campaign_draft
from tests.functions.conftest import Office
from tests.functions.recorded import api_event

CAMPAIGNS = "/api/v1/campaigns"
# Of nothing; the same in every worker, which must collect the same tests.
SOME_ID = "01a20626-e06b-7027-a8ba-5ebc8f6a5d40"


def a_new_campaign(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Winter tyres",
        "budget_micros": 1_000_000,
        "cpm_micros": 20_000_000,
        "starts_at": NOON.isoformat(),
        "ends_at": (NOON + DAY).isoformat(),
        **changes,
    }


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in a_new_campaign().items() if key != name}


def test_a_campaign_is_made_as_a_draft(office: Office) -> None:
    made = office.send("campaigns", "POST", CAMPAIGNS, a_new_campaign(name="  Reifen 😀 "))
    assert made.status == 201
    assert (made.json["status"], made.json["name"]) == ("draft", "Reifen 😀")
    assert made.json["starts_at"] == "2026-11-23T12:00:00Z"
    assert made.json["advertiser_id"] == office.tenant.advertiser_id
    (line_item,) = made.json["line_items"]
    assert line_item["is_default"]
    read = office.send("campaigns", "GET", f"{CAMPAIGNS}/{made.json['id']}")
    assert (read.status, read.json) == (200, made.json)


def test_times_of_any_zone_are_told_in_utc(office: Office) -> None:
    body = a_new_campaign(starts_at="2026-11-23T23:00:00+09:00")
    made = office.send("campaigns", "POST", CAMPAIGNS, body)
    assert made.json["starts_at"] == "2026-11-23T14:00:00Z"


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        (without("name"), ["name"]),
        (without("budget_micros"), ["budget_micros"]),
        (a_new_campaign(name=""), ["name"]),
        (a_new_campaign(name=" \t "), ["name"]),
        (a_new_campaign(name="x" * 201), ["name"]),
        (a_new_campaign(name="a\u0000b"), ["name"]),
        (a_new_campaign(name=7), ["name"]),
        (a_new_campaign(budget_micros=-1), ["budget_micros"]),
        (a_new_campaign(budget_micros=1.0), ["budget_micros"]),
        (a_new_campaign(budget_micros="1"), ["budget_micros"]),
        (a_new_campaign(budget_micros=True), ["budget_micros"]),
        (a_new_campaign(budget_micros=10**15 + 1), ["budget_micros"]),
        (a_new_campaign(cpm_micros=0), ["cpm_micros"]),
        (a_new_campaign(cpm_micros=20_000_001), ["cpm_micros"]),
        (a_new_campaign(starts_at="2026-11-23T12:00:00"), ["starts_at"]),
        (a_new_campaign(starts_at="tomorrow"), ["starts_at"]),
        (a_new_campaign(timezone="Mars/Olympus"), ["timezone"]),
        (a_new_campaign(advertiser_id="1"), ["advertiser_id"]),
        (a_new_campaign(status="active"), ["status"]),
        (a_new_campaign(budget=5, cpm=1), ["budget", "cpm"]),
        (a_new_campaign(name="", cpm_micros=1), ["name", "cpm_micros"]),
        (a_new_campaign(ends_at=NOON.isoformat()), ["ends_at"]),
    ],
)
def test_wrong_fields_are_named_each_and_nothing_is_made(
    office: Office, body: dict[str, Any], paths: list[str]
) -> None:
    refused = office.send("campaigns", "POST", CAMPAIGNS, body)
    refused.assert_problem(422, "invalid-request", *paths)
    assert office.send("campaigns", "GET", CAMPAIGNS).json["items"] == []


@pytest.mark.parametrize("body", [[], "text", 5, None])
def test_a_body_that_is_no_object_is_refused(office: Office, body: object) -> None:
    token = {"authorization": f"Bearer {office.token()}", "content-type": "application/json"}
    event = api_event("POST", CAMPAIGNS, headers=token)
    event["body"] = None if body is None else '"text"' if body == "text" else str(body)
    refused = office.call("campaigns", event)
    assert refused.status in {400, 422}
    assert refused.json["request_id"]


def test_another_tenants_advertiser_is_an_unknown_one(office: Office) -> None:
    other = office.world.a_tenant()
    body = a_new_campaign(advertiser_id=other.advertiser_id)
    refused = office.send("campaigns", "POST", CAMPAIGNS, body)
    refused.assert_problem(422, "invalid-request", "advertiser_id")


@pytest.mark.parametrize("body", ["{", "{'a': 1}", "\ufeff{}"])
def test_a_body_that_is_no_json_is_malformed(office: Office, body: str) -> None:
    token = {"authorization": f"Bearer {office.token()}"}
    refused = office.call("campaigns", api_event("POST", CAMPAIGNS, body=body, headers=token))
    refused.assert_problem(400, "malformed-request")


def test_a_body_of_another_type_is_refused_by_its_type(office: Office) -> None:
    headers = {"authorization": f"Bearer {office.token()}", "content-type": "text/csv"}
    refused = office.call(
        "campaigns", api_event("POST", CAMPAIGNS, body=a_new_campaign()) | {"headers": headers}
    )
    refused.assert_problem(415, "unsupported-media-type")


def test_a_body_in_base64_is_read(office: Office) -> None:
    token = {"authorization": f"Bearer {office.token()}"}
    event = api_event("POST", CAMPAIGNS, body=a_new_campaign(), headers=token, is_base64=True)
    assert office.call("campaigns", event).status == 201


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_route_that_is_not_there_is_not_found(office: Office, method: str) -> None:
    refused = office.send("campaigns", method, CAMPAIGNS, {})
    assert refused.status in {404, 405}
    assert refused.json["request_id"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", CAMPAIGNS, a_new_campaign()),
        ("POST", CAMPAIGNS, {"name": ""}),
        ("POST", CAMPAIGNS, "{"),
        ("GET", CAMPAIGNS, None),
        ("GET", f"{CAMPAIGNS}?limit=many", None),
        ("GET", f"{CAMPAIGNS}/{SOME_ID}", None),
        ("PUT", f"{CAMPAIGNS}/{SOME_ID}/status", {"status": "flying"}),
        ("DELETE", f"{CAMPAIGNS}/{SOME_ID}", None),
    ],
)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Basic YWRtaW46YWRtaW4="},
        {"authorization": "Bearer not.a.token"},
        {"authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."},
    ],
)
def test_strangers_are_told_nothing_but_that_they_are(
    office: Office, method: str, path: str, body: object, headers: dict[str, str]
) -> None:
    refused = office.call("campaigns", api_event(method, path, body=body, headers=headers))
    refused.assert_problem(401, "unauthenticated")
    assert refused.headers["www-authenticate"] == "Bearer"


def test_who_asks_too_much_is_told_so_before_what_is_wrong(office: Office) -> None:
    office.guards.limits = LimitSettings(user_rate_limit=1, user_rate_window_s=60)
    for status, kind, paths in ((422, "invalid-request", ["limit"]), (429, "rate-limited", [])):
        answer = office.send("campaigns", "GET", "/api/v1/campaigns?limit=0")
        answer.assert_problem(status, kind, *paths)
    assert int(answer.headers["retry-after"]) > 0


def test_an_expired_token_is_no_token(office: Office) -> None:
    token = office.token()
    office.now[0] += timedelta(minutes=15)
    office.send("campaigns", "GET", CAMPAIGNS, token=token).assert_problem(401, "unauthenticated")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
def test_those_who_only_look_may_not_change(office: Office, role: Role) -> None:
    campaign = office.world.a_campaign(office.tenant)
    path, token = f"{CAMPAIGNS}/{campaign.campaign_id}", office.token(role=role)
    for method, where, body in (
        ("POST", CAMPAIGNS, a_new_campaign()),
        ("PUT", f"{path}/status", {"status": "archived"}),
        ("DELETE", path, None),
    ):
        refused = office.send("campaigns", method, where, body, token=token)
        refused.assert_problem(403, "forbidden")
    assert office.send("campaigns", "GET", path, token=token).json["status"] == "draft"


def test_another_tenants_campaign_is_not_found(office: Office) -> None:
    campaign = office.world.a_campaign(office.world.a_tenant())
    path = f"{CAMPAIGNS}/{campaign.campaign_id}"
    for method, where, body in (
        ("GET", path, None),
        ("PUT", f"{path}/status", {"status": "archived"}),
        ("DELETE", path, None),
    ):
        office.send("campaigns", method, where, body).assert_problem(404, "not-found")


@pytest.mark.parametrize("wrong", ["1", "ABC", SOME_ID.upper(), f"{SOME_ID}%0A"])
def test_what_cannot_be_an_id_is_told_by_its_name(office: Office, wrong: str) -> None:
    refused = office.send("campaigns", "GET", f"{CAMPAIGNS}/{wrong}")
    refused.assert_problem(422, "invalid-request", "campaign_id")


def test_pages_hold_each_campaign_once_newest_first(office: Office) -> None:
    made = [office.world.a_campaign(office.tenant).campaign_id for _ in range(5)]
    office.world.a_campaign(office.world.a_tenant())
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = office.send("campaigns", "GET", f"{CAMPAIGNS}?limit=2{cursor}").json
        seen += [item["id"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert page["next_cursor"] is None
    assert seen == made[::-1]


def test_a_page_that_ends_exactly_has_no_next(office: Office) -> None:
    for _ in range(2):
        office.world.a_campaign(office.tenant)
    page = office.send("campaigns", "GET", f"{CAMPAIGNS}?limit=2").json
    assert (len(page["items"]), page["next_cursor"]) == (2, None)


@pytest.mark.parametrize(
    ("query", "path"),
    [("limit=0", "limit"), ("limit=201", "limit"), ("limit=x", "limit"), ("cursor=x", "cursor")],
)
def test_a_wrong_page_is_told_by_its_name(office: Office, query: str, path: str) -> None:
    refused = office.send("campaigns", "GET", f"{CAMPAIGNS}?{query}")
    refused.assert_problem(422, "invalid-request", path)


def change_status(office: Office, campaign_id: str, status: str) -> Any:
    where = f"{CAMPAIGNS}/{campaign_id}/status"
    return office.send("campaigns", "PUT", where, {"status": status})


def test_activation_lists_everything_that_is_missing(office: Office) -> None:
    draft = a_campaign_draft(budget_micros=0, ends_at=NOON)
    campaign = office.world.a_campaign(office.tenant, draft)
    refused = change_status(office, campaign.campaign_id, "active")
    refused.assert_problem(409, "conflict", "creatives", "ends_at", "budget_micros")
    codes = [error["code"] for error in refused.json["errors"]]
    assert codes == ["no_ready_creative", "flight_ended", "budget_too_small"]
    assert office.changes.reasons == []


def test_a_campaign_with_all_it_needs_becomes_active_and_is_announced(office: Office) -> None:
    campaign = office.world.a_campaign(office.tenant)
    office.world.a_ready_creative(office.tenant, campaign.campaign_id)
    started = change_status(office, campaign.campaign_id, "active")
    assert (started.status, started.json["status"], started.json["version"]) == (200, "active", 2)
    assert len(office.changes.reasons) == 1


def test_asking_for_the_present_status_changes_nothing_and_announces_again(
    office: Office,
) -> None:
    campaign = office.world.a_serving_campaign(office.tenant)
    repeated = change_status(office, campaign.campaign_id, "active")
    assert (repeated.status, repeated.json["version"]) == (200, campaign.version)
    assert office.changes.reasons == [f"campaign {campaign.campaign_id} is active"]


def test_a_status_that_does_not_follow_is_a_conflict(office: Office) -> None:
    campaign = office.world.a_campaign(office.tenant)
    refused = change_status(office, campaign.campaign_id, "completed")
    refused.assert_problem(409, "conflict", "status")
    assert "active" in refused.json["errors"][0]["message"]


def test_an_unknown_status_is_told_by_its_name(office: Office) -> None:
    campaign = office.world.a_campaign(office.tenant)
    refused = change_status(office, campaign.campaign_id, "flying")
    refused.assert_problem(422, "invalid-request", "status")


def test_a_deleted_campaign_is_gone_and_announced(office: Office) -> None:
    campaign = office.world.a_serving_campaign(office.tenant)
    path = f"{CAMPAIGNS}/{campaign.campaign_id}"
    deleted = office.send("campaigns", "DELETE", path)
    assert (deleted.status, deleted.body) == (204, "")
    office.send("campaigns", "GET", path).assert_problem(404, "not-found")
    office.send("campaigns", "DELETE", path).assert_problem(404, "not-found")
    assert office.send("campaigns", "GET", CAMPAIGNS).json["items"] == []
    assert len(office.changes.reasons) == 1


@pytest.mark.parametrize("status", list(CampaignStatus))
def test_every_status_can_be_shown(office: Office, status: CampaignStatus) -> None:
    campaign = office.world.a_campaign(office.tenant)
    office.world.set_status(office.tenant, campaign, status)
    read = office.send("campaigns", "GET", f"{CAMPAIGNS}/{campaign.campaign_id}")
    assert read.json["status"] == status
