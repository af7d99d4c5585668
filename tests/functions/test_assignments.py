"""`/api/v1/line-items/{line_item_id}/creatives`, from the recorded request to the answer."""

from typing import Any

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.domain.campaign import Campaign, CampaignStatus
from ctv_ads.domain.ids import CampaignId
from tests.builders import DAY, NOON
from tests.functions.conftest import Answer, Office

# Of nothing; the same in every worker, which must collect the same tests.
SOME_ID = "01a20626-e06b-7027-a8ba-5ebc8f6a5d40"


@pytest.fixture
def campaign(office: Office) -> Campaign:
    return office.world.a_serving_campaign(office.tenant)


def path(campaign: Campaign) -> str:
    return f"/api/v1/line-items/{campaign.line_items[0].line_item_id}/creatives"


def a_creative(office: Office, campaign_id: CampaignId) -> str:
    return office.world.a_ready_creative(office.tenant, campaign_id).creative_id


def put(office: Office, campaign: Campaign, *items: Any, if_match: str = "*") -> Answer:
    headers = {"if-match": if_match}
    return office.send("campaigns", "PUT", path(campaign), {"items": items}, headers=headers)


def test_a_line_item_begins_without_assignments(office: Office, campaign: Campaign) -> None:
    read = office.send("campaigns", "GET", path(campaign))
    assert (read.status, read.json, read.headers["etag"]) == (200, {"items": []}, '"1"')


def test_assignments_are_replaced_whole_and_told_in_sequence(
    office: Office, campaign: Campaign
) -> None:
    first, second = (a_creative(office, campaign.campaign_id) for _ in range(2))
    times = {"starts_at": NOON.isoformat(), "ends_at": (NOON + DAY).isoformat()}
    stored = put(
        office,
        campaign,
        {"creative_id": first},
        {"creative_id": second, "weight": 70, "sequence": 1, **times},
    )
    assert stored.status == 200, stored.body
    assert [item["creative_id"] for item in stored.json["items"]] == [second, first]
    assert stored.json["items"][0] == {
        "creative_id": second,
        "weight": 70,
        "sequence": 1,
        "starts_at": "2026-11-23T12:00:00Z",
        "ends_at": "2026-11-24T12:00:00Z",
    }
    assert stored.json["items"][1]["weight"] == 1
    read = office.send("campaigns", "GET", path(campaign))
    assert (read.json, read.headers["etag"]) == (stored.json, stored.headers["etag"])
    only = put(office, campaign, {"creative_id": first, "weight": 2})
    assert [(item["creative_id"], item["weight"]) for item in only.json["items"]] == [(first, 2)]
    assert put(office, campaign).json == {"items": []}
    assert len(office.changes.reasons) == 3


def test_they_share_the_version_of_their_line_item(office: Office, campaign: Campaign) -> None:
    assert put(office, campaign, if_match='"1"').headers["etag"] == '"2"'
    refused = put(office, campaign, if_match='"1"')
    refused.assert_problem(412, "changed-meanwhile")
    line_item = office.send("campaigns", "GET", path(campaign).removesuffix("/creatives"))
    assert line_item.headers["etag"] == '"2"'


def test_a_creative_of_another_campaign_or_of_nobody_is_unknown(
    office: Office, campaign: Campaign
) -> None:
    own = a_creative(office, campaign.campaign_id)
    other = office.world.a_campaign(office.tenant)
    stranger = office.world.a_tenant()
    foreign = office.world.a_campaign(stranger)
    strange = [
        a_creative(office, other.campaign_id),
        office.world.a_ready_creative(stranger, foreign.campaign_id).creative_id,
        new_id(),
    ]
    items = [{"creative_id": id_} for id_ in (own, *strange)]
    refused = put(office, campaign, *items)
    paths = [f"items.{number}.creative_id" for number in (1, 2, 3)]
    refused.assert_problem(422, "invalid-request", *paths)
    assert office.send("campaigns", "GET", path(campaign)).json == {"items": []}


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"creative_id": "tyres"}, "creative_id"),
        ({"weight": 0}, "weight"),
        ({"weight": 1_001}, "weight"),
        ({"weight": None}, "weight"),
        ({"sequence": 0}, "sequence"),
        ({"starts_at": "tomorrow"}, "starts_at"),
        ({"starts_at": NOON.isoformat(), "ends_at": NOON.isoformat()}, "ends_at"),
        ({"rank": 1}, "rank"),
    ],
)
def test_a_wrong_field_is_told_by_its_path(
    office: Office, campaign: Campaign, fields: dict[str, Any], where: str
) -> None:
    refused = put(office, campaign, {"creative_id": SOME_ID, **fields})
    refused.assert_problem(422, "invalid-request", f"items.0.{where}")


def test_a_creative_is_named_once(office: Office, campaign: Campaign) -> None:
    item = {"creative_id": a_creative(office, campaign.campaign_id)}
    refused = put(office, campaign, item, item)
    refused.assert_problem(422, "invalid-request", "items.1.creative_id")


def test_there_is_a_limit_of_assignments(office: Office, campaign: Campaign) -> None:
    refused = put(office, campaign, *([{"creative_id": SOME_ID}] * 201))
    refused.assert_problem(422, "invalid-request", "items")


def test_a_campaign_that_is_over_keeps_its_assignments(office: Office, campaign: Campaign) -> None:
    office.world.set_status(office.tenant, campaign, CampaignStatus.COMPLETED)
    put(office, campaign).assert_problem(409, "conflict", "campaign")


def test_every_change_of_an_assignment_is_audited_once(office: Office, campaign: Campaign) -> None:
    first, second = (a_creative(office, campaign.campaign_id) for _ in range(2))
    put(office, campaign, {"creative_id": first}, {"creative_id": second})
    put(office, campaign, {"creative_id": first}, {"creative_id": second, "weight": 5})
    put(office, campaign, {"creative_id": first})
    with office.world.api.transaction(office.tenant.caller) as connection:
        rows = connection.execute(
            "SELECT action, coalesce(after, before) ->> 'creative_id' AS creative_id"
            " FROM audit_events WHERE entity = 'creative_assignment' AND entity_id = %s"
            " ORDER BY audit_event_id",
            (campaign.line_items[0].line_item_id,),
        ).fetchall()
    audited = [(row["action"], row["creative_id"]) for row in rows]
    assert audited == [
        ("create", first),
        ("create", second),
        ("update", second),
        ("delete", second),
    ]
