"""`GET /api/v1/campaigns`: filters, search, order, pages, totals, fields."""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from ctv_ads.domain.campaign import Campaign, CampaignStatus
from ctv_ads.domain.ids import AdvertiserId
from local.bench.statements import Statement
from tests.builders import DAY, NOON, a_campaign_draft
from tests.functions.conftest import Answer, Office

CAMPAIGNS = "/api/v1/campaigns"
SORTS = ("created_at", "name", "starts_at", "ends_at", "budget_micros", "billed_micros", "status")


def listed(office: Office, query: str = "") -> Answer:
    answer = office.send("campaigns", "GET", f"{CAMPAIGNS}?{query}")
    assert answer.status == 200, answer.body
    return answer


def names(answer: Answer) -> list[str]:
    return [item["name"] for item in answer.json["items"]]


def a_campaign(office: Office, name: str, **changes: Any) -> Campaign:
    return office.world.a_campaign(office.tenant, a_campaign_draft(name=name, **changes))


def at(moment: Any) -> str:
    return quote(moment.isoformat())


def test_a_row_tells_all_of_a_campaign_but_its_line_items(office: Office) -> None:
    made = a_campaign(office, "Reifen 😀")
    (row,) = listed(office).json["items"]
    full = office.send("campaigns", "GET", f"{CAMPAIGNS}/{made.campaign_id}").json
    assert row == {name: full[name] for name in row}
    assert row["starts_at"] == "2026-11-22T12:00:00Z"
    assert "line_items" not in row
    assert len(row) == 15


def test_statuses_may_be_several_repeated_or_with_commas(office: Office) -> None:
    for status in CampaignStatus:
        office.world.set_status(office.tenant, a_campaign(office, status.value), status)
    for query in ("status=active&status=paused", "status=active,paused"):
        assert sorted(names(listed(office, query))) == ["active", "paused"]
    assert names(listed(office, "status=archived")) == ["archived"]
    assert len(names(listed(office))) == len(CampaignStatus)


def test_an_advertisers_campaigns_alone(office: Office) -> None:
    other = office.world.a_tenant()
    a_campaign(office, "mine")
    assert names(listed(office, f"advertiser_id={office.tenant.advertiser_id}")) == ["mine"]
    foreign = listed(office, f"advertiser_id={other.advertiser_id}").json
    assert foreign == {
        "items": [],
        "next_cursor": None,
        "totals": {"count": 0, "budget_micros": 0, "billed_micros": 0},
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"starts_before={at(NOON)}", ["early"]),
        (f"starts_after={at(NOON)}", ["at noon", "late"]),
        (f"ends_before={at(NOON + DAY)}", ["early"]),
        (f"ends_after={at(NOON + DAY)}", ["at noon", "late"]),
        (f"starts_after={at(NOON)}&ends_before={at(NOON + 2 * DAY)}", ["at noon"]),
        ("starts_before=2026-11-23T13:00:00%2B01:00", ["early"]),
    ],
)
def test_before_is_without_the_moment_and_after_with_it(
    office: Office, query: str, expected: list[str]
) -> None:
    for number, name in enumerate(["early", "at noon", "late"]):
        start = NOON + (number - 1) * DAY
        a_campaign(office, name, starts_at=start, ends_at=start + DAY)
    assert names(listed(office, f"{query}&sort=starts_at")) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("winter", ["100% Winter", "winter_tyres"]),
        ("WINTER", ["100% Winter", "winter_tyres"]),
        ("r", ["100% Winter", "Sommer, ÄPFEL", "winter_tyres"]),
        ("%", ["100% Winter"]),
        ("_", ["winter_tyres"]),
        ("\\", ["back\\slash"]),
        ("mer, ä", ["Sommer, ÄPFEL"]),
        ("äpfel", ["Sommer, ÄPFEL"]),
        ("' OR 1=1 --", []),
        ("winterx", []),
    ],
)
def test_search_finds_names_that_contain_the_words_literally(
    office: Office, words: str, expected: list[str]
) -> None:
    for name in ("winter_tyres", "100% Winter", "Sommer, ÄPFEL", "back\\slash"):
        a_campaign(office, name)
    office.world.a_campaign(office.world.a_tenant(), a_campaign_draft(name="winter r % _ \\"))
    assert names(listed(office, f"q={quote(words)}&sort=name")) == expected


def test_search_does_not_find_what_is_deleted(office: Office) -> None:
    campaign = a_campaign(office, "gone")
    office.send("campaigns", "DELETE", f"{CAMPAIGNS}/{campaign.campaign_id}")
    assert listed(office, "q=gone").json["totals"]["count"] == 0


@pytest.mark.parametrize("direction", ["", "-"])
@pytest.mark.parametrize("sort", SORTS)
def test_every_order_pages_through_each_campaign_once(
    office: Office, sort: str, direction: str
) -> None:
    # Pairs of equal values, so that only the id can tell where a page ended.
    made = [
        a_campaign(
            office,
            f"Name {number // 2}",
            budget_micros=number // 2,
            starts_at=NOON + number // 2 * DAY,
            ends_at=NOON + (9 + number // 2) * DAY,
        )
        for number in range(5)
    ]
    office.world.set_status(office.tenant, made[0], CampaignStatus.ARCHIVED)
    seen: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = listed(office, f"sort={direction}{sort}&limit=2{cursor}").json
        assert page["totals"]["count"] == 5
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    keys = [(item[sort].lower() if sort == "name" else item[sort], item["id"]) for item in seen]
    assert keys == sorted(keys, reverse=direction == "-")
    assert {item["id"] for item in seen} == {campaign.campaign_id for campaign in made}
    assert len(seen) == 5


def test_a_campaign_made_while_paging_moves_nothing(office: Office) -> None:
    made = [a_campaign(office, f"{number}").campaign_id for number in range(4)]
    first = listed(office, "limit=2").json
    a_campaign(office, "newcomer")
    second = listed(office, f"limit=2&cursor={first['next_cursor']}").json
    assert [item["id"] for item in first["items"] + second["items"]] == made[::-1]
    assert second["next_cursor"] is None


def test_totals_are_of_the_filter_and_not_of_the_page(office: Office) -> None:
    for number in range(3):
        a_campaign(office, f"Winter {number}", budget_micros=10**15)
    a_campaign(office, "Summer", budget_micros=5)
    page = listed(office, "q=winter&limit=1").json
    assert page["totals"] == {"count": 3, "budget_micros": 3 * 10**15, "billed_micros": 0}
    assert len(page["items"]) == 1


def test_totals_may_pass_what_a_bigint_holds(office: Office) -> None:
    for number in range(2):
        a_campaign(office, f"{number}", budget_micros=2**63 - 1)
    assert listed(office).json["totals"]["budget_micros"] == 2 * (2**63 - 1)


def test_only_the_fields_asked_for_are_told(office: Office) -> None:
    made = a_campaign(office, "Winter")
    for query in ("fields=name,status", "fields=name&fields=status", "fields=id,name,status"):
        assert listed(office, query).json["items"] == [
            {"id": made.campaign_id, "name": "Winter", "status": "draft"}
        ]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("status=flying", "status.0"),
        ("status=active,flying", "status.1"),
        ("status=", "status.0"),
        ("advertiser_id=1", "advertiser_id"),
        ("starts_before=yesterday", "starts_before"),
        ("starts_after=2026-11-23T12:00:00", "starts_after"),
        ("ends_before=2026-02-30T12:00:00Z", "ends_before"),
        ("ends_after=1", "ends_after"),
        ("q=", "q"),
        ("q=%20", "q"),
        ("q=a%00b", "q"),
        (f"q={'x' * 201}", "q"),
        ("sort=password", "sort"),
        ("sort=--name", "sort"),
        ("fields=password", "fields.0"),
        ("fields=name,organization_id", "fields.1"),
        ("cursor=x", "cursor"),
        (f"cursor={'x' * 2001}", "cursor"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
    ],
)
def test_what_cannot_be_asked_is_told_by_its_name(office: Office, query: str, path: str) -> None:
    refused = office.send("campaigns", "GET", f"{CAMPAIGNS}?{query}")
    refused.assert_problem(422, "invalid-request", path)


SOME_ID = "01a20626-e06b-7027-a8ba-5ebc8f6a5d40"


@pytest.mark.parametrize(
    "parts",
    [
        ["name", "x", SOME_ID],
        ["-created_at", "some day", SOME_ID],
        ["-created_at", "a\u0000b", SOME_ID],
        ["-created_at", "\ud800", SOME_ID],
        ["-created_at", "2026-11-23", "1"],
        ["-created_at", 5, SOME_ID],
        ["-created_at", "2026-11-23"],
        {"sort": "-created_at"},
        5,
    ],
)
def test_a_cursor_of_somebody_elses_making_is_refused(office: Office, parts: object) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")
    refused = office.send("campaigns", "GET", f"{CAMPAIGNS}?cursor={cursor}")
    refused.assert_problem(422, "invalid-request", "cursor")


@pytest.mark.parametrize("rows", [0, 1, 30])
@pytest.mark.parametrize("query", ["", "q=winter&status=draft&sort=name", "fields=name"])
def test_a_list_takes_two_statements_whatever_its_length(
    office: Office, statements: list[Statement], rows: int, query: str
) -> None:
    for number in range(rows):
        a_campaign(office, f"Winter {number}")
    statements.clear()
    listed(office, f"limit=20&{query}")
    assert len([statement for statement in statements if statement.is_identity]) == 1
    assert len(statements) == 3


def test_an_advertiser_of_ones_own_filters(office: Office) -> None:
    mine = AdvertiserId(office.tenant.advertiser_id)
    a_campaign(office, "a", advertiser_id=mine)
    assert names(listed(office, f"advertiser_id={mine}&status=draft&q=A")) == ["a"]
