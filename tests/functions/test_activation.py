"""Activation over HTTP: what keeps every line item from serving is told, field by field."""

import pytest

from ctv_ads.domain.campaign import Campaign, CampaignStatus
from tests.builders import DAY, NOON
from tests.functions.conftest import Answer, Office
from tests.functions.line_item_requests import change, make


@pytest.fixture
def campaign(office: Office) -> Campaign:
    """A campaign that has all it needs."""
    made = office.world.a_campaign(office.tenant)
    office.world.a_ready_creative(office.tenant, made.campaign_id)
    return made


def default_of(campaign: Campaign) -> str:
    return campaign.line_items[0].line_item_id


def activate(office: Office, campaign: Campaign) -> Answer:
    path = f"/api/v1/campaigns/{campaign.campaign_id}/status"
    return office.send("campaigns", "PUT", path, {"status": "active"})


def assign(office: Office, line_item_id: str, **assignment: object) -> None:
    path = f"/api/v1/line-items/{line_item_id}/creatives"
    body = {"items": [assignment]}
    put = office.send("campaigns", "PUT", path, body, headers={"if-match": "*"})
    assert put.status == 200, put.body


def test_a_campaign_whose_line_items_are_all_paused_is_not_activated(
    office: Office, campaign: Campaign
) -> None:
    second = make(office, campaign, name="Mornings", status="paused").json["id"]
    assert change(office, default_of(campaign), status="paused").status == 200
    refused = activate(office, campaign)
    paths = [f"line_items.{item}.status" for item in (default_of(campaign), second)]
    refused.assert_problem(409, "conflict", *paths)
    assert "Mornings" in refused.json["errors"][1]["message"]
    found = office.world.campaign(office.tenant, campaign.campaign_id)
    assert found.status is CampaignStatus.DRAFT

    assert change(office, second, status="active").status == 200
    assert activate(office, campaign).status == 200


def test_each_line_item_is_told_its_own_reason(office: Office, campaign: Campaign) -> None:
    other = office.world.a_ready_creative(office.tenant, campaign.campaign_id)
    second = make(office, campaign, ends_at=(NOON + DAY).isoformat()).json["id"]
    assign(office, second, creative_id=other.creative_id)
    third = make(office, campaign, budget_micros=0).json["id"]
    first = default_of(campaign)
    assign(office, first, creative_id=other.creative_id, ends_at=(NOON + DAY).isoformat())
    office.now[0] = NOON + DAY
    told = {(error["path"], error["code"]) for error in activate(office, campaign).json["errors"]}
    assert (f"line_items.{first}.creatives", "assignments_over") in told
    assert (f"line_items.{second}.ends_at", "flight_ended") in told
    assert (f"line_items.{third}.budget_micros", "budget_too_small") in told


def test_an_assigned_creative_that_is_not_ready_serves_nothing(
    office: Office, campaign: Campaign
) -> None:
    other = office.world.a_ready_creative(office.tenant, campaign.campaign_id)
    assign(office, default_of(campaign), creative_id=other.creative_id)
    path = f"/api/v1/creatives/{other.creative_id}"
    assert office.send("creatives", "PATCH", path, {"status": "archived"}).status == 200
    refused = activate(office, campaign)
    refused.assert_problem(409, "conflict", f"line_items.{default_of(campaign)}.creatives")


def test_deleted_line_items_neither_serve_nor_object(office: Office, campaign: Campaign) -> None:
    second = make(office, campaign, name="Mornings").json["id"]
    assert change(office, default_of(campaign), status="paused").status == 200
    path = f"/api/v1/line-items/{second}"
    deleted = office.send("campaigns", "DELETE", path, headers={"if-match": "*"})
    assert deleted.status == 204
    refused = activate(office, campaign)
    refused.assert_problem(409, "conflict", f"line_items.{default_of(campaign)}.status")


def test_a_campaign_that_was_paused_is_asked_again(office: Office, campaign: Campaign) -> None:
    assert activate(office, campaign).status == 200
    path = f"/api/v1/campaigns/{campaign.campaign_id}/status"
    assert office.send("campaigns", "PUT", path, {"status": "paused"}).status == 200
    assert change(office, default_of(campaign), status="paused").status == 200
    assert activate(office, campaign).status == 409
