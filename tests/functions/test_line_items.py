"""Line items over HTTP, from the recorded request to the answer."""

from typing import Any

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.access import Role
from ctv_ads.domain.campaign import Campaign, CampaignStatus
from tests.builders import DAY, NOON, a_campaign_draft
from tests.functions.conftest import Answer, Office

LINE_ITEMS = "/api/v1/line-items"
EVERYTHING: dict[str, Any] = {
    "name": "Evenings in Austria",
    "type": "sponsorship",
    "priority": 3,
    "status": "paused",
    "rate_type": "cpcv",
    "rate_micros": 25_001,
    "budget_micros": 900_000,
    "daily_budget_micros": 100_000,
    "goal": {"unit": "percent", "amount": 100},
    "pacing": "front_loaded",
    "starts_at": "2026-11-23T12:00:00Z",
    "ends_at": "2026-11-30T12:00:00Z",
    "timezone": "Europe/Vienna",
    "dayparts": [{"days": ["mon", "tue"], "from_min": 1080, "to_min": 1440}],
    "targeting": {
        "country": {"include": ["AT", "DE"], "exclude": []},
        "region": {"include": [], "exclude": ["AT-9"]},
        "device_type": {"include": ["ctv"], "exclude": []},
        "language": {"include": ["de-AT"], "exclude": []},
        "livestream": {"include": ["true"], "exclude": []},
        "break_type": {"include": ["preroll"], "exclude": []},
        "kv.section": {"include": ["sports"], "exclude": []},
    },
    "frequency_caps": [
        {"limit": 3, "window_ms": 86_400_000, "scope": "campaign", "key": "household"},
        {"limit": 1, "window_ms": None, "scope": "creative", "key": "session"},
    ],
    "separation": [{"by": "category", "extent": "pod"}],
    "creative_rotation": "weighted",
}


@pytest.fixture
def campaign(office: Office) -> Campaign:
    return office.world.a_campaign(office.tenant)


def list_path(campaign: Campaign) -> str:
    return f"/api/v1/campaigns/{campaign.campaign_id}/line-items"


def make(office: Office, campaign: Campaign, **fields: Any) -> Answer:
    return office.send("campaigns", "POST", list_path(campaign), {"name": "Evenings", **fields})


def change(office: Office, line_item_id: str, if_match: str = "*", **fields: Any) -> Answer:
    path = f"{LINE_ITEMS}/{line_item_id}"
    return office.send("campaigns", "PATCH", path, fields, headers={"if-match": if_match})


def warned(answer: Answer) -> list[tuple[str, str]]:
    return [(warning["path"], warning["code"]) for warning in answer.json["warnings"]]


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


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": ""}, "name"),
        ({"type": "network"}, "type"),
        ({"priority": 0}, "priority"),
        ({"priority": 17}, "priority"),
        ({"status": "archived"}, "status"),
        ({"rate_type": "cpm", "rate_micros": 1_001}, "rate_micros"),
        ({"rate_type": "cpm", "rate_micros": 0}, "rate_micros"),
        ({"rate_type": "cpcv"}, "rate_micros"),
        ({"rate_type": "flat"}, "rate_micros"),
        ({"budget_micros": -1}, "budget_micros"),
        ({"budget_micros": 1_000_001}, "budget_micros"),
        ({"daily_budget_micros": 1_000_001}, "daily_budget_micros"),
        ({"budget_micros": 5, "daily_budget_micros": 6}, "daily_budget_micros"),
        ({"goal": {"unit": "views", "amount": 1}}, "goal.unit"),
        ({"goal": {"unit": "impressions", "amount": 0}}, "goal.amount"),
        ({"goal": {"unit": "percent", "amount": 50}, "type": "standard"}, "goal.unit"),
        ({"goal": {"unit": "percent", "amount": 101}, "type": "house"}, "goal.amount"),
        ({"pacing": "slow"}, "pacing"),
        ({"starts_at": (NOON - 2 * DAY).isoformat()}, "starts_at"),
        ({"ends_at": (NOON + 31 * DAY).isoformat()}, "ends_at"),
        ({"starts_at": NOON.isoformat(), "ends_at": NOON.isoformat()}, "ends_at"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"dayparts": [{"days": [], "from_min": 0, "to_min": 1}]}, "dayparts.0.days"),
        ({"dayparts": [{"days": ["mo"], "from_min": 0, "to_min": 1}]}, "dayparts.0.days.0"),
        ({"dayparts": [{"days": ["mon"], "from_min": 9, "to_min": 9}]}, "dayparts.0.to_min"),
        ({"dayparts": [{"days": ["mon"], "from_min": 0, "to_min": 1441}]}, "dayparts.0.to_min"),
        ({"targeting": {"country": {"include": ["Austria"]}}}, "targeting.country.include.0"),
        ({"targeting": {"country": {"include": ["AT", "de"]}}}, "targeting.country.include.1"),
        ({"targeting": {"country": {"include": [7]}}}, "targeting.country.include.0"),
        ({"targeting": {"country": ["AT"]}}, "targeting.country"),
        ({"targeting": {"planet": {"include": ["Mars"]}}}, "targeting.planet"),
        ({"targeting": {"kv.a b": {"include": ["x"]}}}, "targeting.kv.a b"),
        ({"targeting": {"region": {"exclude": ["Tyrol"]}}}, "targeting.region.exclude.0"),
        ({"targeting": {"language": {"include": ["german!"]}}}, "targeting.language.include.0"),
        ({"targeting": {"livestream": {"include": ["yes"]}}}, "targeting.livestream.include.0"),
        ({"targeting": {"break_type": {"include": ["bumper"]}}}, "targeting.break_type.include.0"),
        ({"targeting": {"placement": {"include": ["demo"]}}}, "targeting.placement.include.0"),
        (
            {"targeting": {"os": {"include": ["tizen"], "exclude": ["tizen"]}}},
            "targeting.os.exclude.0",
        ),
        ({"frequency_caps": [{"limit": 0}]}, "frequency_caps.0.limit"),
        ({"frequency_caps": [{"limit": 1, "window_ms": 999}]}, "frequency_caps.0.window_ms"),
        ({"frequency_caps": [{"limit": 1, "scope": "pod"}]}, "frequency_caps.0.scope"),
        ({"separation": [{"by": "brand", "extent": "pod"}]}, "separation.0.by"),
        ({"creative_rotation": "random"}, "creative_rotation"),
        ({"is_default": True}, "is_default"),
    ],
)
def test_a_wrong_field_is_told_by_its_path(
    office: Office, campaign: Campaign, fields: dict[str, Any], path: str
) -> None:
    make(office, campaign, **fields).assert_problem(422, "invalid-request", path)
    default = campaign.line_items[0].line_item_id
    change(office, default, **fields).assert_problem(422, "invalid-request", path)


@pytest.mark.parametrize("size", [51, 5_000])
def test_targeting_has_a_limit_of_dimensions(office: Office, campaign: Campaign, size: int) -> None:
    targeting = {f"kv.k{number}": {"include": ["x"]} for number in range(size)}
    refused = make(office, campaign, targeting=targeting)
    refused.assert_problem(422, "invalid-request", "targeting")


def test_unknown_but_well_formed_values_are_kept_and_flagged(
    office: Office, campaign: Campaign
) -> None:
    placement, stranger = office.tenant.placement_id, office.world.a_tenant().placement_id
    targeting = {
        "country": {"include": ["AT", "XX"]},
        "region": {"include": ["US-CA", "XX-1"]},
        "genre": {"include": ["Drama"], "exclude": ["Telenovela"]},
        "os": {"include": ["titan_os"]},
        "placement": {"include": [placement, stranger]},
        "segment": {"include": ["whatever"]},
        "kv.any": {"include": ["thing"]},
    }
    made = make(office, campaign, targeting=targeting, pacing="asap")
    assert made.status == 201, made.body
    assert set(warned(made)) == {
        ("targeting", "targeting_not_served_yet"),
        ("targeting.country.include.1", "unknown_value"),
        ("targeting.region.include.1", "unknown_value"),
        ("targeting.genre.exclude.0", "unknown_value"),
        ("targeting.os.include.0", "unknown_value"),
        ("targeting.placement.include.1", "unknown_value"),
    }
    read = office.send("campaigns", "GET", f"{LINE_ITEMS}/{made.json['id']}")
    assert warned(read) == warned(made)


def test_values_are_kept_once_and_empty_rules_not_at_all(
    office: Office, campaign: Campaign
) -> None:
    targeting = {"city": {"include": ["Wien", "Graz", "Wien"]}, "os": {}}
    made = make(office, campaign, targeting=targeting)
    assert made.json["targeting"] == {"city": {"include": ["Wien", "Graz"], "exclude": []}}


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
