"""Copies of campaigns, and the status of many at once."""

import json
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from ctv_ads.domain.access import Role
from ctv_ads.domain.campaign import Campaign, CampaignStatus
from ctv_ads.errors import DependencyUnavailableError
from tests.builders import DAY, NOON, a_beacon, a_campaign_draft, some_claims
from tests.functions.conftest import Answer, Office
from tests.functions.recorded import REQUEST_ID

CAMPAIGNS = "/api/v1/campaigns"
SOME_ID = "01a20626-e06b-7027-a8ba-5ebc8f6a5d40"
# What a copy has of its own, whatever columns there are.
_OWN = {
    "campaigns": {"campaign_id", "name", "status", "billed_micros", "version"},
    "line_items": {"campaign_id", "line_item_id", "billed_micros", "version"},
    "creatives": {"campaign_id", "creative_id", "version"},
    "creative_assignments": {"campaign_id", "line_item_id", "creative_id"},
}
_TIMES = {"created_at", "updated_at"}


def rows_of(office: Office, table: str, campaign_id: str) -> list[dict[str, Any]]:
    query = f"SELECT * FROM {table} WHERE campaign_id = %s AND (to_jsonb({table})->>'deleted_at') IS NULL"  # noqa: S608
    key = {"campaigns": "campaign_id", "creatives": "creative_id"}.get(table, "line_item_id")
    with psycopg.connect(office.world.schema.owner_dsn, row_factory=dict_row) as owner:
        return owner.execute(f"{query} ORDER BY {key}".encode(), (campaign_id,)).fetchall()


def owner_says(office: Office, statement: str, *values: object) -> None:
    with psycopg.connect(office.world.schema.owner_dsn) as owner:
        owner.execute(statement.encode(), values)


def duplicate(office: Office, campaign_id: str, **options: Any) -> Answer:
    return office.send("campaigns", "POST", f"{CAMPAIGNS}/{campaign_id}/duplicate", **options)


@pytest.fixture
def booked(office: Office) -> Campaign:
    """A campaign with billing, two line items, two creatives and an assignment."""
    world = office.world
    campaign = world.a_serving_campaign(office.tenant, a_campaign_draft(name="Winter"))
    world.a_ready_creative(office.tenant, campaign.campaign_id)
    item = campaign.line_items[0].line_item_id
    world.ledger.record([a_beacon(some_claims(line_item_id=item))])
    owner_says(
        office,
        "INSERT INTO line_items SELECT copy.* FROM line_items l, jsonb_populate_record(l,"
        " jsonb_build_object('line_item_id', uuidv7(), 'is_default', false, 'name', 'Second',"
        " 'frequency_caps', %s::jsonb, 'pacing', 'asap')) AS copy WHERE l.line_item_id = %s",
        json.dumps([{"limit": 3, "window_ms": None, "scope": "campaign", "key": "device"}]),
        item,
    )
    creative = rows_of(office, "creatives", campaign.campaign_id)[1]["creative_id"]
    owner_says(
        office,
        "INSERT INTO creative_assignments (organization_id, campaign_id, line_item_id,"
        " creative_id, weight) VALUES (%s, %s, %s, %s, 7)",
        office.tenant.organization_id,
        campaign.campaign_id,
        item,
        creative,
    )
    return world.campaign(office.tenant, campaign.campaign_id)


def test_a_copy_is_a_draft_with_all_that_is_booked_and_nothing_billed(
    office: Office, booked: Campaign
) -> None:
    copied = duplicate(office, booked.campaign_id)
    assert copied.status == 201
    assert copied.json["name"] == "Copy of Winter"
    assert (copied.json["status"], copied.json["billed_micros"]) == ("draft", 0)
    assert copied.headers["etag"] == '"1"'
    for table, own in _OWN.items():
        before = rows_of(office, table, booked.campaign_id)
        after = rows_of(office, table, copied.json["id"])
        assert before
        assert [strip(row, own | _TIMES) for row in after] == [
            strip(row, own | _TIMES) for row in before
        ]
    assert {row["billed_micros"] for row in rows_of(office, "line_items", copied.json["id"])} == {0}


def strip(row: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def test_an_assignment_joins_the_copies_of_both(office: Office, booked: Campaign) -> None:
    copy_id = duplicate(office, booked.campaign_id).json["id"]
    (assignment,) = rows_of(office, "creative_assignments", copy_id)
    items, creatives = (rows_of(office, table, copy_id) for table in ("line_items", "creatives"))
    assert assignment["line_item_id"] == items[0]["line_item_id"]
    assert assignment["creative_id"] == creatives[1]["creative_id"]
    assert assignment["weight"] == 7


def test_a_copy_can_be_activated_at_once_and_leaves_its_original_alone(
    office: Office, booked: Campaign
) -> None:
    copy_id = duplicate(office, booked.campaign_id).json["id"]
    started = office.send("campaigns", "PUT", f"{CAMPAIGNS}/{copy_id}/status", {"status": "active"})
    assert started.status == 200, started.body
    assert office.world.campaign(office.tenant, booked.campaign_id) == booked


def test_what_is_not_ready_or_deleted_is_not_copied(office: Office) -> None:
    campaign = office.world.a_campaign(office.tenant)
    ready = office.world.a_ready_creative(office.tenant, campaign.campaign_id)
    owner_says(
        office, "UPDATE creatives SET deleted_at = now() WHERE creative_id = %s", ready.creative_id
    )
    path = f"{CAMPAIGNS}/{campaign.campaign_id}/creatives"
    body = {"name": "a", "filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 1}
    assert office.send("creatives", "POST", path, body).status == 201
    copy_id = duplicate(office, campaign.campaign_id).json["id"]
    assert rows_of(office, "creatives", copy_id) == []
    assert len(rows_of(office, "line_items", copy_id)) == 1


def test_the_longest_name_stays_a_name(office: Office) -> None:
    campaign = office.world.a_campaign(office.tenant, a_campaign_draft(name="x" * 200))
    assert duplicate(office, campaign.campaign_id).json["name"] == "Copy of " + "x" * 192


def test_a_copy_is_the_work_of_who_made_it(office: Office, booked: Campaign) -> None:
    copy_id = duplicate(office, booked.campaign_id).json["id"]
    (row,) = rows_of(office, "campaigns", copy_id)
    assert str(row["created_by"]) == office.tenant.caller.user_id


def test_a_key_makes_one_copy(office: Office, booked: Campaign) -> None:
    first, second = (
        duplicate(office, booked.campaign_id, headers={"idempotency-key": "k"}) for _ in range(2)
    )
    assert first.json == second.json
    assert second.headers["etag"] == '"1"'
    other = office.world.a_campaign(office.tenant)
    reused = duplicate(office, other.campaign_id, headers={"idempotency-key": "k"})
    reused.assert_problem(409, "conflict", "Idempotency-Key")


def test_what_is_not_there_cannot_be_copied(office: Office) -> None:
    foreign = office.world.a_campaign(office.world.a_tenant())
    gone = office.world.a_campaign(office.tenant)
    office.send("campaigns", "DELETE", f"{CAMPAIGNS}/{gone.campaign_id}")
    for campaign_id in (SOME_ID, foreign.campaign_id, gone.campaign_id):
        duplicate(office, campaign_id).assert_problem(404, "not-found")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
def test_those_who_only_look_may_change_nothing(office: Office, role: Role) -> None:
    campaign = office.world.a_campaign(office.tenant)
    token = office.token(role=role)
    duplicate(office, campaign.campaign_id, token=token).assert_problem(403, "forbidden")
    refused = change(office, [campaign.campaign_id], "archived", token=token)
    refused.assert_problem(403, "forbidden")
    assert office.world.campaign(office.tenant, campaign.campaign_id) == campaign


def change(office: Office, ids: Sequence[str], status: str, **options: Any) -> Answer:
    body = {"ids": [*ids], "status": status}
    return office.send("campaigns", "POST", f"{CAMPAIGNS}/status", body, **options)


def test_each_campaign_changes_by_itself_and_is_told_of(office: Office) -> None:
    ready = office.world.a_serving_campaign(office.tenant)
    bare = office.world.a_campaign(office.tenant, a_campaign_draft(ends_at=NOON))
    foreign = office.world.a_serving_campaign(office.world.a_tenant())
    ids = [bare.campaign_id, ready.campaign_id, foreign.campaign_id, SOME_ID]
    answer = change(office, ids, "paused")
    assert answer.status == 200, answer.body
    results = answer.json["results"]
    assert [result["id"] for result in results] == ids
    assert [result["ok"] for result in results] == [False, True, False, False]
    assert [result["status"] for result in results] == [None, "paused", None, None]
    problems = [result["problem"] for result in results]
    assert [problem and problem["status"] for problem in problems] == [409, None, 404, 404]
    assert problems[0]["errors"][0]["path"] == "status"
    assert problems[0]["request_id"] == REQUEST_ID
    assert problems[2] == problems[3]
    assert office.world.campaign(office.tenant, ready.campaign_id).status is CampaignStatus.PAUSED


def test_activation_of_many_tells_each_what_is_missing(office: Office) -> None:
    campaign = office.world.a_campaign(office.tenant, a_campaign_draft(budget_micros=0))
    (result,) = change(office, [campaign.campaign_id], "active").json["results"]
    codes = [error["code"] for error in result["problem"]["errors"]]
    assert codes == ["no_ready_creative", "budget_too_small"]


def test_many_changes_are_announced_once(office: Office) -> None:
    made = [office.world.a_serving_campaign(office.tenant).campaign_id for _ in range(3)]
    change(office, made, "paused")
    assert office.changes.reasons == ["3 campaigns are paused"]
    change(office, made, "paused")
    assert len(office.changes.reasons) == 2, "a repeat is announced again, once for all"


def test_a_repeated_id_is_told_twice_and_changed_once(office: Office) -> None:
    campaign = office.world.a_serving_campaign(office.tenant)
    results = change(office, [campaign.campaign_id] * 2, "paused").json["results"]
    assert [result["status"] for result in results] == ["paused", "paused"]
    changed = office.world.campaign(office.tenant, campaign.campaign_id)
    assert changed.version == campaign.version + 1


@pytest.mark.parametrize(
    ("ids", "status", "path"),
    [
        ([], "paused", "ids"),
        ([SOME_ID] * 101, "paused", "ids"),
        ([SOME_ID, "1"], "paused", "ids.1"),
        ([SOME_ID], "flying", "status"),
    ],
)
def test_what_cannot_be_asked_is_told_by_its_name(
    office: Office, ids: list[str], status: str, path: str
) -> None:
    change(office, ids, status).assert_problem(422, "invalid-request", path)


def test_a_hundred_are_changed(office: Office) -> None:
    results = change(office, [SOME_ID] * 100, "paused").json["results"]
    assert len(results) == 100


def test_when_the_database_goes_away_the_rest_is_told_so_and_what_is_done_is_announced(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [office.world.a_serving_campaign(office.tenant).campaign_id for _ in range(3)]
    opened = []
    begin = office.world.api._begin

    def begin_once(identity: Any) -> Any:
        opened.append(identity)
        if len(opened) > 1:
            raise DependencyUnavailableError("postgresql", "Connection refused")
        return begin(identity)

    with monkeypatch.context() as patch:
        patch.setattr(office.world.api, "_begin", begin_once)
        results = change(office, made, "paused").json["results"]
    assert [result["ok"] for result in results] == [True, False, False]
    assert [result["problem"]["status"] for result in results[1:]] == [503, 503]
    assert len(opened) == 2
    assert office.changes.reasons == ["1 campaigns are paused"]
    assert office.world.campaign(office.tenant, made[2]).ends_at == NOON + 30 * DAY
