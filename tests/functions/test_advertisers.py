"""`/api/v1/advertisers`, from the recorded request to the answer."""

from typing import Any

import pytest

from ctv_ads.domain.access import Role
from ctv_ads.domain.campaign import CampaignStatus
from tests.functions.conftest import Answer, Office

ADVERTISERS = "/api/v1/advertisers"


def make(office: Office, **fields: Any) -> Answer:
    return office.send("campaigns", "POST", ADVERTISERS, {"name": "Acme", **fields})


def change(office: Office, advertiser_id: str, body: Any, if_match: str = "*") -> Answer:
    path = f"{ADVERTISERS}/{advertiser_id}"
    return office.send("campaigns", "PATCH", path, body, headers={"if-match": if_match})


def test_an_advertiser_is_made_and_read(office: Office) -> None:
    made = make(office, name=" Acme & Söhne ", domain="acme.example", product_category="1002")
    assert made.status == 201, made.body
    assert made.headers["etag"] == '"1"'
    assert made.json["name"] == "Acme & Söhne"
    assert made.json["warnings"] == []
    read = office.send("campaigns", "GET", f"{ADVERTISERS}/{made.json['id']}")
    assert (read.status, read.json, read.headers["etag"]) == (200, made.json, '"1"')


def test_a_category_that_nobody_knows_is_kept_and_flagged(office: Office) -> None:
    made = make(office, product_category="999999")
    assert made.status == 201
    (warning,) = made.json["warnings"]
    assert (warning["path"], warning["code"]) == ("product_category", "unknown_value")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"domain": "https://acme.example"}, "domain"),
        ({"domain": "ACME.example"}, "domain"),
        ({"domain": "acme"}, "domain"),
        ({"domain": "a." * 127 + "example"}, "domain"),
        ({"product_category": "IAB1"}, "product_category"),
        ({"product_category": 1002}, "product_category"),
        ({"rank": 1}, "rank"),
    ],
)
def test_a_wrong_field_is_told_by_its_name(
    office: Office, fields: dict[str, Any], path: str
) -> None:
    make(office, **fields).assert_problem(422, "invalid-request", path)
    advertiser_id = office.tenant.advertiser_id
    change(office, advertiser_id, fields).assert_problem(422, "invalid-request", path)


def test_only_what_is_sent_is_changed(office: Office) -> None:
    made = make(office, domain="acme.example", product_category="1002").json
    changed = change(office, made["id"], {"domain": None})
    assert changed.status == 200
    assert changed.headers["etag"] == '"2"'
    told = {key: changed.json[key] for key in ("name", "domain", "product_category")}
    assert told == {"name": "Acme", "domain": None, "product_category": "1002"}
    assert office.send("campaigns", "GET", f"{ADVERTISERS}/{made['id']}").json == changed.json


def test_a_change_that_changes_nothing_makes_no_version(office: Office) -> None:
    made = make(office).json
    for body in ({}, {"name": "Acme"}):
        assert change(office, made["id"], body).json == made
    assert office.changes.reasons == []


def test_a_new_name_is_announced_for_players_are_told_it(office: Office) -> None:
    made = make(office).json
    assert change(office, made["id"], {"name": "Apex"}).json["name"] == "Apex"
    assert len(office.changes.reasons) == 1


def test_a_stale_change_is_refused_with_both_versions(office: Office) -> None:
    made = make(office).json
    assert change(office, made["id"], {"name": "First"}, '"1"').status == 200
    refused = change(office, made["id"], {"name": "Second"}, '"1"')
    refused.assert_problem(412, "changed-meanwhile")
    assert (refused.json["expected_version"], refused.json["current_version"]) == (1, 2)
    path, stale = f"{ADVERTISERS}/{made['id']}", {"if-match": '"1"'}
    deleted = office.send("campaigns", "DELETE", path, headers=stale)
    deleted.assert_problem(412, "changed-meanwhile")
    assert office.send("campaigns", "GET", path).json["name"] == "First"


def test_the_same_key_makes_one_advertiser(office: Office) -> None:
    once = {"idempotency-key": "acme-1"}
    first, again = (
        office.send("campaigns", "POST", ADVERTISERS, {"name": "Acme"}, headers=once)
        for _ in range(2)
    )
    assert (again.status, again.json) == (201, first.json)
    other = office.send("campaigns", "POST", ADVERTISERS, {"name": "Apex"}, headers=once)
    other.assert_problem(409, "conflict", "Idempotency-Key")


@pytest.mark.parametrize("status", list(CampaignStatus))
def test_an_advertiser_goes_only_when_its_campaigns_are_over(
    office: Office, status: CampaignStatus
) -> None:
    campaign = office.world.a_campaign(office.tenant)
    office.world.set_status(office.tenant, campaign, status)
    path = f"{ADVERTISERS}/{office.tenant.advertiser_id}"
    deleted = office.send("campaigns", "DELETE", path)
    if status in {CampaignStatus.COMPLETED, CampaignStatus.ARCHIVED}:
        assert deleted.status == 204
        office.send("campaigns", "GET", path).assert_problem(404, "not-found")
        shown = office.send("campaigns", "GET", f"/api/v1/campaigns/{campaign.campaign_id}")
        assert shown.json["advertiser_name"] == office.tenant.advertiser_name
    else:
        deleted.assert_problem(409, "conflict", "campaigns")


def test_a_deleted_campaign_keeps_no_advertiser(office: Office) -> None:
    campaign = office.world.a_campaign(office.tenant)
    office.send("campaigns", "DELETE", f"/api/v1/campaigns/{campaign.campaign_id}")
    deleted = office.send("campaigns", "DELETE", f"{ADVERTISERS}/{office.tenant.advertiser_id}")
    assert deleted.status == 204


def test_lists_are_searched_sorted_and_paged(office: Office) -> None:
    for name in ("50%_Off", "Zebra", "alpha"):
        make(office, name=name)
    first = office.send("campaigns", "GET", f"{ADVERTISERS}?sort=-name&limit=2").json
    rest = office.send(
        "campaigns", "GET", f"{ADVERTISERS}?sort=-name&limit=2&cursor={first['next_cursor']}"
    ).json
    names = [item["name"] for item in first["items"] + rest["items"]]
    assert sorted(names) == sorted(["50%_Off", "Zebra", "alpha", office.tenant.advertiser_name])
    assert (first["totals"], rest["next_cursor"]) == ({"count": 4}, None)
    found = office.send("campaigns", "GET", f"{ADVERTISERS}?q=%25_off").json
    assert [item["name"] for item in found["items"]] == ["50%_Off"]
    assert found["totals"] == {"count": 1}


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("limit=0", "limit"),
        ("sort=budget", "sort"),
        ("cursor=%7B%7D", "cursor"),
        ("q=a%00b", "q"),
        ("q=" + "x" * 201, "q"),
    ],
)
def test_a_wrong_list_is_told_by_its_name(office: Office, query: str, path: str) -> None:
    refused = office.send("campaigns", "GET", f"{ADVERTISERS}?{query}")
    refused.assert_problem(422, "invalid-request", path)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
def test_those_who_only_look_may_not_change(office: Office, role: Role) -> None:
    path, token = f"{ADVERTISERS}/{office.tenant.advertiser_id}", office.token(role=role)
    for method, where, body in (
        ("POST", ADVERTISERS, {"name": "Acme"}),
        ("PATCH", path, {"name": "Acme"}),
        ("DELETE", path, None),
    ):
        refused = office.send("campaigns", method, where, body, token=token)
        refused.assert_problem(403, "forbidden")
    assert office.send("campaigns", "GET", path, token=token).status == 200


def test_another_tenants_advertiser_is_not_found(office: Office) -> None:
    other = office.world.a_tenant()
    path = f"{ADVERTISERS}/{other.advertiser_id}"
    for method, body in (("GET", None), ("PATCH", {"name": "Mine"}), ("DELETE", None)):
        office.send("campaigns", method, path, body).assert_problem(404, "not-found")
    listed = office.send("campaigns", "GET", ADVERTISERS).json["items"]
    assert [item["id"] for item in listed] == [office.tenant.advertiser_id]
