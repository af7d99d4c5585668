"""`GET /api/v1/exports/campaigns.csv`."""

import csv
import io

import pytest

from ctv_ads.domain.access import Role
from ctv_ads.domain.campaign import CampaignStatus
from functions.campaigns.routes import campaign_lists
from tests.builders import a_campaign_draft
from tests.functions.conftest import Answer, Office

EXPORT = "/api/v1/exports/campaigns.csv"


def exported(office: Office, query: str = "") -> Answer:
    answer = office.send("campaigns", "GET", f"{EXPORT}?{query}")
    assert answer.status == 200, answer.body
    return answer


def rows(answer: Answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.body, newline="")))


def following(answer: Answer) -> str:
    """The query of the next file, as a client takes it from the header."""
    address, _, relation = answer.headers["link"].partition("; ")
    assert relation == 'rel="next"'
    path, _, query = address.strip("<>").partition("?")
    assert path == EXPORT
    return query


def test_a_file_holds_what_the_list_tells(office: Office) -> None:
    office.world.a_campaign(office.tenant, a_campaign_draft(name="Reifen, 😀"))
    answer = exported(office)
    (row,) = rows(answer)
    listed = office.send("campaigns", "GET", "/api/v1/campaigns").json["items"][0]
    assert row == {name: str(value) for name, value in listed.items()}
    assert row["starts_at"].endswith("Z")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["content-disposition"] == 'attachment; filename="campaigns.csv"'
    assert "link" not in answer.headers


def test_columns_come_in_the_order_asked_for(office: Office) -> None:
    office.world.a_campaign(office.tenant)
    assert exported(office, "fields=status,name").body == "status,name\r\ndraft,Winter tyres\r\n"


def test_a_name_that_could_be_a_formula_is_text(office: Office) -> None:
    name = "=HYPERLINK(1)"
    office.world.a_campaign(office.tenant, a_campaign_draft(name=name))
    assert rows(exported(office))[0]["name"] == f"'{name}"


def test_an_empty_list_is_a_header_alone(office: Office) -> None:
    assert exported(office, "fields=id,name").body == "id,name\r\n"


def test_filters_and_order_are_those_of_the_list(office: Office) -> None:
    for name in ("Winter b", "Winter a", "Summer"):
        office.world.a_campaign(office.tenant, a_campaign_draft(name=name))
    archived = office.world.a_campaign(office.tenant, a_campaign_draft(name="Winter c"))
    office.world.set_status(office.tenant, archived, CampaignStatus.ARCHIVED)
    office.world.a_campaign(office.world.a_tenant(), a_campaign_draft(name="Winter d"))
    answer = exported(office, "q=winter&status=draft&sort=name&fields=name")
    assert answer.body == "name\r\nWinter a\r\nWinter b\r\n"


@pytest.mark.parametrize("limit", ["MAX_ROWS", "MAX_BYTES"])
def test_what_one_file_cannot_hold_follows_in_the_next(
    office: Office, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(campaign_lists, limit, {"MAX_ROWS": 2, "MAX_BYTES": 40}[limit])
    made = [f"Winter {number}" for number in range(5)]
    for name in [*made, "Summer"]:
        office.world.a_campaign(office.tenant, a_campaign_draft(name=name))
    query = "q=winter&sort=name&fields=name&starts_after=2026-01-01T00:00:00%2B00:00&status=draft"
    seen: list[str] = []
    files = 0
    while query:
        answer = exported(office, query)
        seen += [row["name"] for row in rows(answer)]
        query = following(answer) if "link" in answer.headers else ""
        files += 1
    assert seen == made
    assert files == 3


def test_a_file_that_ends_exactly_has_no_next(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign_lists, "MAX_ROWS", 2)
    for _ in range(2):
        office.world.a_campaign(office.tenant)
    assert "link" not in exported(office).headers


def test_many_rows_come_in_parts(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctv_ads.adapters.postgres.listing._STREAMED_ROWS", 2)
    for _ in range(5):
        office.world.a_campaign(office.tenant)
    assert len(rows(exported(office))) == 5


@pytest.mark.parametrize("role", list(Role))
def test_who_may_only_look_takes_nothing_away(office: Office, role: Role) -> None:
    answer = office.send("campaigns", "GET", EXPORT, token=office.token(role=role))
    if role is Role.VIEWER:
        answer.assert_problem(403, "forbidden")
    else:
        assert answer.status == 200


@pytest.mark.parametrize(
    ("query", "path"), [("fields=x", "fields.0"), ("cursor=x", "cursor"), ("sort=x", "sort")]
)
def test_what_cannot_be_asked_is_told_by_its_name(office: Office, query: str, path: str) -> None:
    refused = office.send("campaigns", "GET", f"{EXPORT}?{query}")
    refused.assert_problem(422, "invalid-request", path)
