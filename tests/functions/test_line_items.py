"""Line items over HTTP, from the recorded request to the answer."""

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.access import Role
from ctv_ads.domain.campaign import Campaign, CampaignStatus
from tests.builders import DAY, NOON, a_campaign_draft
from tests.functions.conftest import Office
from tests.functions.line_item_requests import (
    EVERYTHING,
    LINE_ITEMS,
    change,
    list_path,
    make,
    warned,
)


@pytest.fixture
def campaign(office: Office) -> Campaign:
    return office.world.a_campaign(office.tenant)


def test_a_line_item_with_a_name_alone_inherits_everything(
    office: Office, campaign: Campaign
) -> None:
    made = make(office, campaign, pacing="asap")
    assert (made.status, made.headers["etag"]) == (201, '"1"'), made.body
    inherited = ("rate_micros", "budget_micros", "goal", "starts_at", "ends_at", "timezone")
    assert [made.json[name] for name in inherited] == [None] * len(inherited)
    assert (made.json["type"], made.json["priority"]) == ("standard", 8)
    assert (made.json["is_default"], made.json["warnings"]) == (False, [])


def test_everything_that_can_be_booked_is_kept(office: Office, campaign: Campaign) -> None:
    made = make(office, campaign, **EVERYTHING)
    assert made.status == 201, made.body
    assert {name: made.json[name] for name in EVERYTHING} == EVERYTHING
    read = office.send("campaigns", "GET", f"{LINE_ITEMS}/{made.json['id']}")
    assert (read.status, read.json, read.headers["etag"]) == (200, made.json, '"1"')
    listed = office.send("campaigns", "GET", f"{list_path(campaign)}?sort=-created_at").json
    assert listed["items"][0] == made.json
    summaries = office.send("campaigns", "GET", f"/api/v1/campaigns/{campaign.campaign_id}").json
    assert made.json["id"] in {item["id"] for item in summaries["line_items"]}


@pytest.mark.parametrize(
    ("type_", "priority"),
    [("sponsorship", 4), ("standard", 8), ("bulk", 12), ("price_priority", 12), ("house", 16)],
)
def test_a_type_brings_its_priority(
    office: Office, campaign: Campaign, type_: str, priority: int
) -> None:
    assert make(office, campaign, type=type_).json["priority"] == priority
    assert make(office, campaign, type=type_, priority=1).json["priority"] == 1


def test_only_what_is_sent_is_changed(office: Office, campaign: Campaign) -> None:
    made = make(office, campaign, **EVERYTHING).json
    unchanged = change(office, made["id"])
    assert unchanged.json == made
    changed = change(office, made["id"], goal=None, targeting={}, status="active")
    assert (changed.status, changed.headers["etag"]) == (200, '"2"')
    expected = EVERYTHING | {"goal": None, "targeting": {}, "status": "active"}
    assert {name: changed.json[name] for name in EVERYTHING} == expected


def test_a_change_is_held_against_what_is_stored(office: Office, campaign: Campaign) -> None:
    made = make(office, campaign, rate_type="cpcv", rate_micros=7).json
    refused = change(office, made["id"], rate_type="cpm")
    refused.assert_problem(422, "invalid-request", "rate_micros")
    assert change(office, made["id"], rate_type="cpm", rate_micros=None).status == 200


def test_a_stale_change_is_refused(office: Office, campaign: Campaign) -> None:
    made = make(office, campaign).json
    assert change(office, made["id"], '"1"', name="First").status == 200
    refused = change(office, made["id"], '"1"', name="Second")
    refused.assert_problem(412, "changed-meanwhile")
    path, stale = f"{LINE_ITEMS}/{made['id']}", {"if-match": '"1"'}
    deleted = office.send("campaigns", "DELETE", path, headers=stale)
    deleted.assert_problem(412, "changed-meanwhile")


def test_the_same_key_makes_one_line_item(office: Office, campaign: Campaign) -> None:
    once, body = {"idempotency-key": "evenings"}, {"name": "Evenings"}
    answers = [
        office.send("campaigns", "POST", list_path(campaign), body, headers=once) for _ in range(2)
    ]
    assert answers[0].json == answers[1].json
    assert office.send("campaigns", "GET", list_path(campaign)).json["totals"]["count"] == 2


def test_a_campaign_keeps_at_least_one_line_item(office: Office, campaign: Campaign) -> None:
    made = make(office, campaign).json
    default = f"{LINE_ITEMS}/{campaign.line_items[0].line_item_id}"
    assert office.send("campaigns", "DELETE", default).status == 204
    office.send("campaigns", "GET", default).assert_problem(404, "not-found")
    refused = office.send("campaigns", "DELETE", f"{LINE_ITEMS}/{made['id']}")
    refused.assert_problem(409, "conflict", "line_item")


@pytest.mark.parametrize("status", [CampaignStatus.COMPLETED, CampaignStatus.ARCHIVED])
def test_nothing_is_booked_in_a_campaign_that_is_over(
    office: Office, campaign: Campaign, status: CampaignStatus
) -> None:
    office.world.set_status(office.tenant, campaign, status)
    make(office, campaign).assert_problem(409, "conflict", "campaign")
    default = campaign.line_items[0].line_item_id
    change(office, default, name="Late").assert_problem(409, "conflict", "campaign")


def test_only_changes_of_a_campaign_that_serves_are_announced(
    office: Office, campaign: Campaign
) -> None:
    make(office, campaign)
    assert office.changes.reasons == []
    serving = office.world.a_serving_campaign(office.tenant)
    made = make(office, serving).json
    change(office, made["id"], priority=1)
    change(office, made["id"], priority=1)
    office.send("campaigns", "DELETE", f"{LINE_ITEMS}/{made['id']}")
    assert len(office.changes.reasons) == 3


def test_lists_are_of_one_campaign_filtered_and_paged(office: Office, campaign: Campaign) -> None:
    make(office, office.world.a_campaign(office.tenant), name="Elsewhere")
    make(office, campaign, name="b", type="house", status="paused")
    make(office, campaign, name="A", type="bulk")
    for query, names in (
        ("", ["Default", "b", "A"]),
        ("?sort=name", ["A", "b", "Default"]),
        ("?sort=-priority", ["b", "A", "Default"]),
        ("?type=bulk", ["A"]),
        ("?status=paused", ["b"]),
        ("?q=B&status=active", []),
    ):
        found = office.send("campaigns", "GET", f"{list_path(campaign)}{query}").json
        told = [item["name"] if not item["is_default"] else "Default" for item in found["items"]]
        if query != "?sort=name":
            assert told == names, query
        assert found["totals"] == {"count": len(names), "billed_micros": 0}
    first = office.send("campaigns", "GET", f"{list_path(campaign)}?limit=2").json
    rest = office.send(
        "campaigns", "GET", f"{list_path(campaign)}?limit=2&cursor={first['next_cursor']}"
    ).json
    assert len({item["id"] for item in first["items"] + rest["items"]}) == 3


def test_what_a_cut_campaign_leaves_over_is_flagged(office: Office) -> None:
    draft = a_campaign_draft(budget_micros=1_000_000, ends_at=NOON + 30 * DAY)
    campaign = office.world.a_campaign(office.tenant, draft)
    late = (NOON + 20 * DAY).isoformat()
    made = make(office, campaign, ends_at=late, pacing="asap").json
    path = f"/api/v1/campaigns/{campaign.campaign_id}"
    cut = {"ends_at": (NOON + 10 * DAY).isoformat()}
    assert office.send("campaigns", "PATCH", path, cut).status == 200
    read = office.send("campaigns", "GET", f"{LINE_ITEMS}/{made['id']}")
    assert warned(read) == [("ends_at", "outside_campaign_flight")]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
def test_those_who_only_look_may_not_change(office: Office, campaign: Campaign, role: Role) -> None:
    path, token = f"{LINE_ITEMS}/{campaign.line_items[0].line_item_id}", office.token(role=role)
    for method, where, body in (
        ("POST", list_path(campaign), {"name": "Evenings"}),
        ("PATCH", path, {"name": "Evenings"}),
        ("DELETE", path, None),
        ("PUT", f"{path}/creatives", {"items": []}),
    ):
        refused = office.send("campaigns", method, where, body, token=token)
        refused.assert_problem(403, "forbidden")
    for where in (path, list_path(campaign), f"{path}/creatives"):
        assert office.send("campaigns", "GET", where, token=token).status == 200


def test_another_tenants_line_items_are_not_found(office: Office) -> None:
    other = office.world.a_campaign(office.world.a_tenant())
    path = f"{LINE_ITEMS}/{other.line_items[0].line_item_id}"
    for method, where, body in (
        ("POST", list_path(other), {"name": "Mine"}),
        ("GET", list_path(other), None),
        ("GET", path, None),
        ("PATCH", path, {"name": "Mine"}),
        ("DELETE", path, None),
        ("GET", f"{path}/creatives", None),
        ("PUT", f"{path}/creatives", {"items": []}),
        ("GET", f"{LINE_ITEMS}/{new_id()}", None),
    ):
        office.send("campaigns", method, where, body).assert_problem(404, "not-found")
