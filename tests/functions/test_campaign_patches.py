"""`PATCH /api/v1/campaigns/{campaign_id}`, from the recorded request to the answer."""

from datetime import datetime
from typing import Any

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.access import Role
from ctv_ads.domain.campaign import Campaign, CampaignStatus
from tests.builders import DAY, NOON, PRICE_MICROS, a_beacon, a_campaign_draft, some_claims
from tests.functions.conftest import Answer, Office

CAMPAIGNS = "/api/v1/campaigns"


def a_campaign(
    office: Office, status: CampaignStatus = CampaignStatus.DRAFT, **draft: Any
) -> Campaign:
    campaign = office.world.a_campaign(office.tenant, a_campaign_draft(**draft))
    office.world.set_status(office.tenant, campaign, status)
    return office.world.campaign(office.tenant, campaign.campaign_id)


def change(office: Office, campaign: Campaign, if_match: str = "*", **fields: Any) -> Answer:
    path = f"{CAMPAIGNS}/{campaign.campaign_id}"
    return office.send("campaigns", "PATCH", path, fields, headers={"if-match": if_match})


def test_every_field_of_a_draft_can_be_changed(office: Office) -> None:
    other = office.send("campaigns", "POST", "/api/v1/advertisers", {"name": "Apex"}).json
    wanted = {
        "name": "Summer tyres",
        "advertiser_id": other["id"],
        "budget_micros": 5_000_000,
        "cpm_micros": 30_000_000,
        "starts_at": "2026-11-01T00:00:00Z",
        "ends_at": "2026-12-01T00:00:00Z",
        "timezone": "Europe/Vienna",
    }
    campaign = a_campaign(office)
    changed = change(office, campaign, **wanted)
    assert changed.status == 200, changed.body
    assert {name: changed.json[name] for name in wanted} == wanted
    assert changed.json["advertiser_name"] == "Apex"
    assert changed.headers["etag"] == f'"{campaign.version + 1}"'
    read = office.send("campaigns", "GET", f"{CAMPAIGNS}/{campaign.campaign_id}")
    assert (read.json, read.headers["etag"]) == (changed.json, changed.headers["etag"])


def test_only_what_is_sent_is_changed(office: Office) -> None:
    campaign = a_campaign(office)
    before = office.send("campaigns", "GET", f"{CAMPAIGNS}/{campaign.campaign_id}").json
    assert change(office, campaign).json == before
    after = change(office, campaign, name="Renamed").json
    told = {name for name in before if before[name] != after[name]}
    assert told - {"updated_at"} == {"name", "version"}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": None}, "name"),
        ({"budget_micros": -1}, "budget_micros"),
        ({"cpm_micros": 1_001}, "cpm_micros"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"advertiser_id": "acme"}, "advertiser_id"),
        ({"status": "active"}, "status"),
        ({"starts_at": (NOON + 31 * DAY).isoformat()}, "ends_at"),
        ({"ends_at": (NOON - 2 * DAY).isoformat()}, "ends_at"),
    ],
)
def test_a_wrong_field_is_told_by_its_name(
    office: Office, fields: dict[str, Any], path: str
) -> None:
    campaign = a_campaign(office)
    change(office, campaign, **fields).assert_problem(422, "invalid-request", path)


def test_an_advertiser_of_nobody_or_of_another_is_unknown(office: Office) -> None:
    campaign = a_campaign(office)
    for advertiser_id in (new_id(), office.world.a_tenant().advertiser_id):
        refused = change(office, campaign, advertiser_id=advertiser_id)
        refused.assert_problem(422, "invalid-request", "advertiser_id")


def test_the_advertiser_is_fixed_after_draft(office: Office) -> None:
    other = office.send("campaigns", "POST", "/api/v1/advertisers", {"name": "Apex"}).json
    campaign = a_campaign(office, CampaignStatus.PAUSED)
    refused = change(office, campaign, advertiser_id=other["id"])
    refused.assert_problem(409, "conflict", "advertiser_id")
    assert change(office, campaign, advertiser_id=campaign.advertiser_id).status == 200


def test_a_budget_goes_down_to_what_is_billed_and_no_further(office: Office) -> None:
    campaign = office.world.a_serving_campaign(office.tenant)
    line_item_id = campaign.line_items[0].line_item_id
    office.world.ledger.record([a_beacon(some_claims(line_item_id=line_item_id))])
    refused = change(office, campaign, budget_micros=PRICE_MICROS - 1)
    refused.assert_problem(409, "conflict", "budget_micros")
    (error,) = refused.json["errors"]
    assert error["code"] == "below_billed"
    assert str(PRICE_MICROS) in error["message"]
    assert change(office, campaign, budget_micros=PRICE_MICROS).status == 200


@pytest.mark.parametrize("status", [CampaignStatus.COMPLETED, CampaignStatus.ARCHIVED])
def test_a_campaign_that_is_over_stays_as_it_was(office: Office, status: CampaignStatus) -> None:
    refused = change(office, a_campaign(office, status), name="Late")
    refused.assert_problem(409, "conflict", "status")


@pytest.mark.parametrize(
    ("status", "starts_at", "wanted", "expected"),
    [
        (CampaignStatus.DRAFT, NOON - DAY, NOON - 2 * DAY, 200),
        (CampaignStatus.ACTIVE, NOON - DAY, NOON - 2 * DAY, 409),
        (CampaignStatus.PAUSED, NOON - DAY, NOON + DAY, 409),
        (CampaignStatus.ACTIVE, NOON + DAY, NOON + 2 * DAY, 200),
        (CampaignStatus.ACTIVE, NOON + DAY, NOON - DAY, 422),
        (CampaignStatus.PAUSED, NOON + DAY, NOON - DAY, 200),
    ],
)
def test_a_start_moves_only_while_it_lies_ahead(
    office: Office, status: CampaignStatus, starts_at: datetime, wanted: datetime, expected: int
) -> None:
    campaign = a_campaign(office, status, starts_at=starts_at)
    assert change(office, campaign, starts_at=wanted.isoformat()).status == expected


@pytest.mark.parametrize(
    ("status", "expected"), [(CampaignStatus.ACTIVE, 422), (CampaignStatus.PAUSED, 200)]
)
def test_what_is_active_ends_in_the_future(
    office: Office, status: CampaignStatus, expected: int
) -> None:
    campaign = a_campaign(office, status)
    ends_at = (NOON - DAY / 2).isoformat()
    assert change(office, campaign, ends_at=ends_at).status == expected


def test_only_a_change_of_what_serves_is_announced(office: Office) -> None:
    change(office, a_campaign(office), name="Draft")
    serving = office.world.a_serving_campaign(office.tenant)
    change(office, serving, name=serving.name)
    assert office.changes.reasons == []
    change(office, serving, cpm_micros=30_000_000)
    assert len(office.changes.reasons) == 1
    (line_item,) = office.world.source.load(now=NOON).line_items[office.tenant.organization_id]
    assert line_item.price_micros == 30_000


def test_a_stale_change_of_any_kind_is_refused_with_both_versions(office: Office) -> None:
    campaign = a_campaign(office)
    stale = f'"{campaign.version}"'
    assert change(office, campaign, stale, name="First").status == 200
    path = f"{CAMPAIGNS}/{campaign.campaign_id}"
    for method, where, body in (
        ("PATCH", path, {"name": "Second"}),
        ("PUT", f"{path}/status", {"status": "archived"}),
        ("DELETE", path, None),
    ):
        refused = office.send("campaigns", method, where, body, headers={"if-match": stale})
        refused.assert_problem(412, "changed-meanwhile")
        versions = (refused.json["expected_version"], refused.json["current_version"])
        assert versions == (campaign.version, campaign.version + 1)
    wrong = change(office, campaign, "first", name="Second")
    wrong.assert_problem(422, "invalid-request", "If-Match")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
def test_those_who_only_look_may_not_change(office: Office, role: Role) -> None:
    path = f"{CAMPAIGNS}/{a_campaign(office).campaign_id}"
    refused = office.send("campaigns", "PATCH", path, {"name": "x"}, token=office.token(role=role))
    refused.assert_problem(403, "forbidden")


def test_another_tenants_campaign_is_not_found(office: Office) -> None:
    campaign = office.world.a_campaign(office.world.a_tenant())
    change(office, campaign, name="Mine").assert_problem(404, "not-found")
