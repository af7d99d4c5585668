"""`GET /api/v1/audit`: who changed what, from the transaction that changed it."""

from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from ctv_ads.domain.access import Action, Caller, Role
from ctv_ads.domain.campaign import CampaignStatus
from local.bench.statements import Statement
from tests.builders import DAY, NOON
from tests.functions.conftest import Answer, Office
from tests.functions.recorded import REQUEST_ID

AUDIT = "/api/v1/audit"
CAMPAIGNS = "/api/v1/campaigns"


def audit(office: Office, query: str = "", *, role: Role = Role.OWNER) -> Answer:
    return office.send("campaigns", "GET", f"{AUDIT}?{query}", token=office.token(role=role))


def events(office: Office, query: str = "") -> list[dict[str, Any]]:
    answer = audit(office, query)
    assert answer.status == 200, answer.body
    return list(answer.json["items"])


def a_new_campaign(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Winter tyres",
        "budget_micros": 1_000_000,
        "cpm_micros": 20_000_000,
        "starts_at": NOON.isoformat(),
        "ends_at": (NOON + DAY).isoformat(),
        **changes,
    }


def made(office: Office) -> str:
    return str(office.send("campaigns", "POST", CAMPAIGNS, a_new_campaign()).json["id"])


def test_an_event_tells_who_what_when_and_how_it_was(office: Office) -> None:
    campaign_id = made(office)
    path = f"{CAMPAIGNS}/{campaign_id}/status"
    assert office.send("campaigns", "PUT", path, {"status": "archived"}).status == 200
    changed, created = events(office, f"entity_id={campaign_id}")
    account = office.tenant.account
    assert changed["actor"] == {
        "id": account.user_id,
        "name": account.name,
        "email": account.email,
    }
    assert (changed["action"], changed["entity"]) == ("update", "campaign")
    assert (changed["before"]["status"], changed["after"]["status"]) == ("draft", "archived")
    assert changed["request_id"] == REQUEST_ID
    assert (created["action"], created["before"]) == ("create", None)
    assert created["after"]["name"] == "Winter tyres"
    assert changed["occurred_at"] >= created["occurred_at"]
    assert changed["occurred_at"].endswith("Z")


def test_filters_narrow_it_down(office: Office) -> None:
    first, second = made(office), made(office)
    office.send("campaigns", "DELETE", f"{CAMPAIGNS}/{first}")
    mine = {"campaign", "line_item"}
    assert {event["entity"] for event in events(office, "entity=line_item")} == {"line_item"}
    assert {event["entity_id"] for event in events(office, f"entity_id={second}")} == {second}
    deleted = events(office, "action=delete")
    assert {(event["entity"]) for event in deleted} == mine
    assert all(event["after"]["deleted_at"] for event in deleted)
    assert events(office, f"actor_id={office.world.a_tenant().caller.user_id}") == []
    assert len(events(office, f"actor_id={office.tenant.caller.user_id}")) == 6
    assert len(events(office, f"request_id={quote(REQUEST_ID)}")) == 6
    assert events(office, "request_id=another") == []


def test_from_is_with_the_moment_and_to_without(office: Office) -> None:
    campaign_id = made(office)
    (event,) = events(office, f"entity_id={campaign_id}")
    moment = quote(event["occurred_at"])
    assert len(events(office, f"entity_id={campaign_id}&from={moment}")) == 1
    assert events(office, f"entity_id={campaign_id}&to={moment}") == []
    assert events(office, "from=2100-01-01T00:00:00Z") == []


def test_pages_hold_each_event_once_newest_first(office: Office) -> None:
    for _ in range(3):
        made(office)
    expected = [event["id"] for event in events(office)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = audit(office, f"limit=2{cursor}").json
        seen += [event["id"] for event in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == expected
    assert len(set(seen)) == len(seen) >= 6


def test_another_organizations_events_are_not_there(office: Office) -> None:
    other = office.world.a_tenant()
    foreign = office.world.a_campaign(other)
    assert events(office, f"entity_id={foreign.campaign_id}") == []
    assert foreign.campaign_id not in audit(office).body


@pytest.mark.parametrize("role", list(Role))
def test_only_those_who_may_read_it_do(office: Office, role: Role) -> None:
    answer = audit(office, role=role)
    nobody = Caller(office.tenant.caller.user_id, office.tenant.organization_id, role)
    assert nobody.may(Action.READ_AUDIT) == (role in {Role.OWNER, Role.ADMIN})
    if nobody.may(Action.READ_AUDIT):
        assert answer.status == 200
    else:
        answer.assert_problem(403, "forbidden")


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("entity=Campaigns!", "entity"),
        ("entity_id=1", "entity_id"),
        ("actor_id=1", "actor_id"),
        ("action=look", "action"),
        ("from=yesterday", "from"),
        ("to=1", "to"),
        ("request_id=a%00b", "request_id"),
        ("cursor=x", "cursor"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
    ],
)
def test_what_cannot_be_asked_is_told_by_its_name(office: Office, query: str, path: str) -> None:
    audit(office, query).assert_problem(422, "invalid-request", path)


@pytest.mark.parametrize("rows", [1, 10])
def test_it_takes_one_statement_whatever_its_length(
    office: Office, statements: list[Statement], rows: int
) -> None:
    for _ in range(rows):
        made(office)
    statements.clear()
    events(office, "limit=5")
    assert len([each for each in statements if not each.is_identity]) == 1


def test_what_the_system_did_has_no_actor(office: Office) -> None:
    campaign = office.world.a_campaign(office.tenant)
    office.world.a_ready_creative(office.tenant, campaign.campaign_id)
    latest = events(office, "entity=creative")[0]
    assert latest["actor"] is None
    assert latest["after"]["status"] == "ready"


def test_a_write_that_is_rolled_back_leaves_nothing(office: Office) -> None:
    caller = office.tenant.caller

    def change_and_fail() -> None:
        with office.world.stores.transaction(caller) as store:
            campaign = office.world.a_campaign(office.tenant)
            store.campaigns.set_status(campaign.campaign_id, CampaignStatus.ARCHIVED, NOON)
            raise RuntimeError("in the middle")

    before = events(office)
    with pytest.raises(RuntimeError):
        change_and_fail()
    assert events(office) == before


def test_a_refused_write_leaves_nothing(office: Office) -> None:
    campaign_id = made(office)
    before = events(office)
    path = f"{CAMPAIGNS}/{campaign_id}/status"
    assert office.send("campaigns", "PUT", path, {"status": "active"}).status == 409
    assert office.send("campaigns", "POST", CAMPAIGNS, {"name": ""}).status == 422
    assert (
        office.send(
            "campaigns",
            "POST",
            f"{CAMPAIGNS}/status",
            {"ids": [campaign_id], "status": "completed"},
        ).status
        == 200
    )
    assert events(office) == before


def test_no_secret_of_any_audited_table_can_get_into_it(office: Office) -> None:
    """Whatever tables there are: what looks like a secret is a hash, which the audit leaves out."""
    audited = """
    SELECT c.relname || '.' || a.attname FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE t.tgname = 'audit' AND a.attname ~ '(password|secret|token|hash)'
      AND a.attname NOT LIKE '%\\_hash' AND a.attname NOT LIKE '%\\_at'"""
    kept = """
    SELECT DISTINCT entity || '.' || key FROM audit_events,
        LATERAL jsonb_object_keys(coalesce(before, '{}') || coalesce(after, '{}')) AS key
    WHERE key LIKE '%\\_hash' OR key ~ '(password|secret|token)' AND key NOT LIKE '%\\_at'"""
    made(office)
    with psycopg.connect(office.world.schema.owner_dsn) as owner:
        for query in (audited, kept):
            assert owner.execute(query.encode()).fetchall() == []
