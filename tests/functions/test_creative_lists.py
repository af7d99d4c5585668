"""`GET /api/v1/campaigns/{campaign_id}/creatives`: found, sorted, in pages."""

from typing import Any

import pytest

from ctv_ads.domain.campaign import Campaign
from tests.functions.conftest import Answer, Office

NAMES = ["100% Winter", "summer", "Winter_tyres"]
TAG: dict[str, object] = {"kind": "vast_tag", "tag_url": "https://third.example/vast"}
FILE: dict[str, object] = {"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 1}


@pytest.fixture
def campaign(office: Office) -> Campaign:
    """With a ready film and those above, of which the last is a tag."""
    campaign = office.world.a_campaign(office.tenant)
    office.world.a_ready_creative(office.tenant, campaign.campaign_id)
    for name, kind in zip(NAMES, (FILE, FILE, TAG), strict=True):
        made = office.send("creatives", "POST", path(campaign), {"name": name, **kind})
        assert made.status == 201, made.body
    return campaign


def path(campaign: Campaign, query: str = "") -> str:
    return f"/api/v1/campaigns/{campaign.campaign_id}/creatives?{query}"


def listed(office: Office, campaign: Campaign, query: str = "") -> Answer:
    return office.send("creatives", "GET", path(campaign, query))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=winter", ["Winter tyres, 15 s", "100% Winter", "Winter_tyres"]),
        ("q=%25", ["100% Winter"]),
        ("q=_", ["Winter_tyres"]),
        ("kind=vast_tag", ["Winter_tyres"]),
        ("status=uploading", ["100% Winter", "summer"]),
        ("status=uploading&q=SUM", ["summer"]),
        ("status=archived", []),
    ],
)
def test_filters_let_through_what_they_name(
    office: Office, campaign: Campaign, query: str, expected: list[str]
) -> None:
    found = listed(office, campaign, query).json
    assert [item["name"] for item in found["items"]] == expected
    assert (found["totals"], found["next_cursor"]) == ({"count": len(expected)}, None)


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "name", "-name"])
def test_every_order_pages_through_each_creative_once(
    office: Office, campaign: Campaign, sort: str
) -> None:
    office.world.a_ready_creative(office.tenant, office.world.a_campaign(office.tenant).campaign_id)
    whole: list[dict[str, Any]] = listed(office, campaign, f"sort={sort}").json["items"]
    keys = [str(item[sort.lstrip("-")]).lower() for item in whole]
    assert keys == sorted(keys, reverse=sort.startswith("-"))
    assert len(whole) == 4
    seen, cursor = [], ""
    while True:
        page = listed(office, campaign, f"limit=1&sort={sort}{cursor}").json
        assert page["totals"] == {"count": 4}
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == whole


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("sort=status", "sort"),
        ("limit=201", "limit"),
        ("cursor=x", "cursor"),
        ("status=gone", "status"),
        ("kind=x", "kind"),
    ],
)
def test_what_cannot_be_asked_is_told_by_its_name(
    office: Office, campaign: Campaign, query: str, wrong: str
) -> None:
    listed(office, campaign, query).assert_problem(422, "invalid-request", wrong)
