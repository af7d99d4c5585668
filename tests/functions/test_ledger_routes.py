"""`/api/v1/campaigns/{campaign_id}/ledger` and `/api/v1/exports/ledger.csv`."""

import csv
import io
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.ledger_credits import PostgresLedgerPosting
from ctv_ads.domain.access import Role
from functions.analytics import ledger, ledger_events
from tests.builders import NOON, PRICE_MICROS, a_beacon, a_campaign_draft, some_claims
from tests.functions.conftest import Office
from tests.functions.recorded import api_event
from tests.ledgers import named


def books(campaign_id: str, query: str = "") -> str:
    return f"/api/v1/campaigns/{campaign_id}/ledger{query}"


def file_of(office: Office, query: str = "&from=2026-11-23&to=2026-11-25") -> str:
    return f"/api/v1/exports/ledger.csv?advertiser_id={office.tenant.advertiser_id}{query}"


def a_billed_campaign(office: Office, *, days: int = 3) -> str:
    """One impression a day, each in a batch of its own."""
    campaign = office.world.a_serving_campaign(
        office.tenant, a_campaign_draft(budget_micros=1_000_000)
    )
    for day in range(days):
        claims = some_claims(
            line_item_id=campaign.line_items[0].line_item_id,
            decided_at=NOON + timedelta(days=day),
        )
        office.world.ledger.record([a_beacon(claims)])
    return campaign.campaign_id


def test_entries_come_by_day_and_tell_what_is_owed(office: Office) -> None:
    found = office.send("analytics", "GET", books(a_billed_campaign(office))).json
    assert (found["count"], found["owed_micros"]) == (3, 3 * PRICE_MICROS)
    assert [entry["day"] for entry in found["items"]] == ["2026-11-23", "2026-11-24", "2026-11-25"]
    (entry, *_) = found["items"]
    assert (entry["kind"], entry["debit_account"], entry["credit_account"]) == (
        "delivery",
        "receivable",
        "revenue",
    )
    assert (entry["amount_micros"], entry["events"]) == (PRICE_MICROS, 1)


def test_a_cursor_goes_on_where_the_page_ended(office: Office) -> None:
    campaign_id = a_billed_campaign(office)
    first = office.send("analytics", "GET", books(campaign_id, "?limit=2")).json
    path = books(campaign_id, f"?limit=2&cursor={first['next_cursor']}")
    rest = office.send("analytics", "GET", path).json
    days = [entry["day"] for entry in (*first["items"], *rest["items"])]
    assert days == ["2026-11-23", "2026-11-24", "2026-11-25"]
    assert rest["next_cursor"] is None


def test_days_can_be_narrowed(office: Office) -> None:
    path = books(a_billed_campaign(office), "?from=2026-11-24&to=2026-11-24")
    found = office.send("analytics", "GET", path).json
    assert [entry["day"] for entry in found["items"]] == ["2026-11-24"]
    assert found["owed_micros"] == PRICE_MICROS


def test_the_books_of_a_deleted_campaign_stay_open(office: Office) -> None:
    campaign_id = a_billed_campaign(office)
    before = office.send("analytics", "GET", books(campaign_id)).json
    path = f"/api/v1/campaigns/{campaign_id}"
    paused = office.send("campaigns", "PUT", f"{path}/status", {"status": "paused"})
    assert paused.status == 200, paused.body
    assert office.send("campaigns", "DELETE", path).status == 204
    assert office.send("campaigns", "GET", path).status == 404
    assert office.send("analytics", "GET", books(campaign_id)).json == before
    assert before["count"] == 3


def test_another_tenants_books_are_not_found(office: Office) -> None:
    other = office.world.a_tenant()
    campaign = office.world.a_serving_campaign(other)
    office.send("analytics", "GET", books(campaign.campaign_id)).assert_problem(404, "not-found")
    path = f"/api/v1/exports/ledger.csv?advertiser_id={other.advertiser_id}"
    refused = office.send("analytics", "GET", f"{path}&from=2026-11-23&to=2026-11-23")
    refused.assert_problem(404, "not-found")


def test_a_viewer_bound_to_others_sees_no_books_of_ours(office: Office) -> None:
    campaign_id = a_billed_campaign(office, days=1)
    bound = replace(office.tenant.account, role=Role.VIEWER, advertiser_ids=frozenset({new_id()}))
    token = office.tokens.issue(bound, new_id())
    refused = office.send("analytics", "GET", books(campaign_id), token=token)
    refused.assert_problem(404, "not-found")


def test_strangers_see_no_books(office: Office) -> None:
    refused = office.call("analytics", api_event("GET", books(new_id())))
    refused.assert_problem(401, "unauthenticated")


def test_the_file_holds_the_entries_of_all_campaigns_in_their_order(office: Office) -> None:
    for _ in range(2):
        a_billed_campaign(office, days=2)
    found = office.send("analytics", "GET", file_of(office))
    rows = list(csv.DictReader(io.StringIO(found.body)))
    mine = [(row["day"], row["sequence"]) for row in rows]
    assert mine == sorted(mine)
    assert len(mine) >= 4
    assert rows[1]["previous_hash"] == rows[0]["entry_hash"]


def test_a_file_that_is_full_tells_where_the_next_one_starts(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = office.world.a_tenant()
    token = office.token(tenant)
    campaign = office.world.a_serving_campaign(tenant)
    line_item_id = campaign.line_items[0].line_item_id
    for _ in range(3):
        office.world.ledger.record([a_beacon(some_claims(line_item_id=line_item_id))])
    monkeypatch.setattr(ledger, "MAX_BYTES", 1800)
    path = (
        f"{ledger.EXPORT_PATH}?advertiser_id={tenant.advertiser_id}&from=2026-11-23&to=2026-11-24"
    )
    sequences = []
    while path:
        found = office.send("analytics", "GET", path, token=token)
        assert found.status == 200
        sequences += [row["sequence"] for row in csv.DictReader(io.StringIO(found.body))]
        path = found.headers.get("Link", found.headers.get("link", "")).partition(">")[0][1:]
    assert sequences == ["1", "2", "3"]


def test_billed_events_are_exported_in_files_that_follow_one_another(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = office.world.a_tenant()
    token = office.token(tenant)
    campaign = office.world.a_serving_campaign(tenant)
    line_item_id = campaign.line_items[0].line_item_id
    shown = [
        a_beacon(some_claims(line_item_id=line_item_id, decided_at=NOON + timedelta(days=day)))
        for day in (0, 0, 0, 1, 1)
    ]
    office.world.ledger.record(shown)
    PostgresLedgerPosting(office.world.pipeline).credit(named(shown[:1]), "machines")
    start = (
        f"{ledger_events.EXPORT_PATH}?advertiser_id={tenant.advertiser_id}"
        "&from=2026-11-23&to=2026-11-24"
    )
    for limit, value in (("MOST_EVENTS", 2), ("MAX_BYTES", 900), ("MOST_EVENTS", 20_000)):
        with monkeypatch.context() as patched:
            patched.setattr(ledger_events, limit, value)
            rows, path, files = [], start, 0
            while path:
                found = office.send("analytics", "GET", path, token=token)
                assert found.status == 200
                files += 1
                rows += list(csv.DictReader(io.StringIO(found.body)))
                link = found.headers.get("Link", found.headers.get("link", ""))
                path = link.partition(">")[0][1:]
        assert {row["decision_id"] for row in rows} == {b.claims.decision_id for b in shown}
        assert len(rows) == 5
        assert (files == 1) == (value == 20_000)
    assert [row["decision_id"] for row in rows if row["credited_batch"]] == [
        shown[0].claims.decision_id
    ]
    assert rows[0]["received_at"] == "2026-11-23T12:00:00Z"


def test_events_that_only_the_archive_has_are_refused_and_not_left_out(office: Office) -> None:
    a_billed_campaign(office, days=1)
    path = (
        f"{ledger_events.EXPORT_PATH}?advertiser_id={office.tenant.advertiser_id}"
        "&from=2026-11-20&to=2026-11-30"
    )
    with psycopg.connect(office.world.schema.owner_dsn, autocommit=True) as owner:
        owner.execute(
            "INSERT INTO archived_days (day, events, schema_version, archived_at, dropped_at)"
            " VALUES ('2026-11-23', 0, 1, now(), now())"
        )
        try:
            office.send("analytics", "GET", path).assert_problem(409, "conflict")
        finally:
            owner.execute("DELETE FROM archived_days WHERE day = '2026-11-23'")


def test_a_viewer_bound_to_others_sees_no_events_of_ours(office: Office) -> None:
    a_billed_campaign(office, days=1)
    others = office.world.a_tenant()
    bound = replace(
        office.tenant.account,
        role=Role.VIEWER,
        advertiser_ids=frozenset({others.advertiser_id}),
    )
    path = (
        f"{ledger_events.EXPORT_PATH}?advertiser_id={office.tenant.advertiser_id}"
        "&from=2026-11-20&to=2026-11-30"
    )
    refused = office.send("analytics", "GET", path, token=office.tokens.issue(bound, new_id()))
    assert refused.status in {403, 404}


@pytest.mark.parametrize(
    ("query", "missing"),
    [("", ["from", "to"]), ("&from=2026-11-23", ["to"]), ("&from=x&to=2026-11-23", ["from"])],
)
def test_a_file_of_no_days_is_not_made(office: Office, query: str, missing: list[str]) -> None:
    refused = office.send("analytics", "GET", file_of(office, query))
    refused.assert_problem(422, "invalid-request", *missing)
