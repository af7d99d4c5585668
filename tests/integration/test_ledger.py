"""The books on real PostgreSQL: they add up to the events, and nobody can change them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import psycopg
import pytest

from ctv_ads.adapters.postgres.database import connection_parameters
from ctv_ads.adapters.postgres.ledger_audit import PostgresLedgerAudit
from ctv_ads.adapters.postgres.ledger_credits import PostgresLedgerPosting
from ctv_ads.domain.beacon import BeaconEvent
from ctv_ads.domain.campaign import Campaign
from ctv_ads.domain.line_item import RateType
from ctv_ads.errors import NotFoundError
from tests.books import WAIT_S, Owner, a_campaign_of, ads_shown
from tests.builders import DAY, NOON, PRICE_MICROS, a_beacon, a_campaign_draft, some_claims
from tests.ledgers import TODAY, entries, faults, impressions, named
from tests.recorder import record_together
from tests.worlds import Schema, World


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


def test_a_batch_is_entered_by_line_item_day_and_bucket(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 100)
    tomorrow = a_beacon(
        some_claims(line_item_id=campaign.line_items[0].line_item_id, decided_at=NOON + DAY)
    )
    batch = [*impressions(campaign, 3), *impressions(campaign, 2, bucket=5), tomorrow]
    world.ledger.record(batch)
    world.ledger.record(batch)
    found = [
        (e["day"], e["bucket"], e["events"], e["amount_micros"]) for e in entries(owner, campaign)
    ]
    assert found == [
        (TODAY, 0, 3, 3 * PRICE_MICROS),
        (TODAY, 5, 2, 2 * PRICE_MICROS),
        (TODAY + timedelta(days=1), 0, 1, PRICE_MICROS),
    ]
    assert faults(world, campaign) == []


def test_what_is_not_billed_is_not_entered(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 2)
    world.ledger.record(ads_shown(campaign, 5))
    assert sum(e["events"] for e in entries(owner, campaign)) == 2
    assert faults(world, campaign) == []


def test_recorders_at_once_keep_one_chain_of_an_advertiser(
    world: World, schema: Schema, owner: Owner
) -> None:
    tenant = world.a_tenant()
    campaigns = [
        world.a_serving_campaign(tenant, a_campaign_draft(budget_micros=100 * PRICE_MICROS))
        for _ in range(4)
    ]
    shares = [
        [[b for c in order for b in impressions(c, 3)] for _ in range(5)]
        for order in (campaigns, campaigns[::-1], campaigns[2:], campaigns[1:3])
    ]
    # A deadlock would end one of them with an error.
    assert record_together(schema.pipeline_secret, shares, within_s=WAIT_S) == [0, 0, 0, 0]
    for campaign in campaigns:
        assert faults(world, campaign) == []
    row = owner.execute(
        "SELECT max(sequence) AS last, count(*) AS n FROM ledger_entries WHERE advertiser_id = %s",
        (tenant.advertiser_id,),
    ).fetchone()
    assert row is not None
    assert row["last"] == row["n"] == 2 * 5 * 4 + 5 * 2 * 2


CHANGES = (
    "UPDATE ledger_entries SET amount_micros = 1",
    "DELETE FROM ledger_entries",
    "TRUNCATE ledger_entries",
    "DELETE FROM credited_events",
    "TRUNCATE credited_events",
)


@pytest.mark.parametrize("change", CHANGES)
def test_not_even_the_owner_changes_the_books(world: World, owner: Owner, change: str) -> None:
    campaign = a_campaign_of(world, 2)
    shown = impressions(campaign, 2)
    world.ledger.record(shown)
    PostgresLedgerPosting(world.pipeline).credit(named(shown[:1]), "tested")
    with pytest.raises(psycopg.errors.RestrictViolation, match="only ever appended to"):
        owner.execute(change.encode())


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("role", ["api", "pipeline"])
def test_no_role_has_the_right_to_change_them(schema: Schema, role: str, change: str) -> None:
    secret = schema.api_secret if role == "api" else schema.pipeline_secret
    with (
        psycopg.connect(**connection_parameters(secret)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(change.encode())


def test_who_records_cannot_state_a_hash_or_a_place(schema: Schema) -> None:
    with psycopg.connect(**connection_parameters(schema.pipeline_secret)) as connection:
        for column in ("sequence", "entry_hash", "previous_hash", "recorded_at", "entry_id"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(
                    f"INSERT INTO ledger_entries ({column}) VALUES (NULL)".encode()  # noqa: S608
                )


TAMPERING = {
    "an amount": "UPDATE ledger_entries SET amount_micros = amount_micros - 1 WHERE {mine}",
    "an entry": "DELETE FROM ledger_entries WHERE {mine} AND sequence = 1",
    "the last entry": (
        "DELETE FROM ledger_entries e WHERE {mine} AND sequence ="
        " (SELECT max(sequence) FROM ledger_entries WHERE advertiser_id = e.advertiser_id)"
    ),
    "what a day builds on": "UPDATE ledger_chains SET start_hash = sha256('else')"
    " WHERE advertiser_id = (SELECT advertiser_id FROM campaigns WHERE campaign_id = %(campaign)s)",
    "an event": "DELETE FROM ad_events WHERE decision_id = (SELECT decision_id FROM ad_events"
    " WHERE line_item_id = %(line_item)s AND billed_micros > 0 LIMIT 1)",
    "what an event cost": "UPDATE ad_events SET billed_micros = billed_micros + 1"
    " WHERE line_item_id = %(line_item)s AND billed_micros > 0",
    "an event's name": "UPDATE ad_events SET decision_id = uuidv7()"
    " WHERE line_item_id = %(line_item)s AND billed_micros > 0",
    "the bill": "UPDATE campaigns SET billed_micros = billed_micros - 1"
    " WHERE campaign_id = %(campaign)s",
    "the bill of a line item": "UPDATE line_items SET billed_micros = billed_micros - 1 WHERE {mine}",
    "what a day's budget paid": "UPDATE line_item_days SET billed_micros = 0 WHERE {mine}",
    "a report of days": "UPDATE delivery_days SET billed_micros = billed_micros + 1 WHERE {mine}",
    "a report of hours": "DELETE FROM delivery_hours WHERE {mine}",
}


@pytest.mark.parametrize("what", TAMPERING)
def test_an_audit_tells_what_was_tampered_with(world: World, owner: Owner, what: str) -> None:
    campaign = a_campaign_of(world, 10)
    for _ in range(2):
        world.ledger.record(impressions(campaign, 2))
    assert faults(world, campaign) == []
    values = {
        "line_item": campaign.line_items[0].line_item_id,
        "campaign": campaign.campaign_id,
    }
    with owner.transaction(force_rollback=True):
        owner.execute("SET LOCAL session_replication_role = replica")
        statement = TAMPERING[what].format(mine="line_item_id = %(line_item)s")
        assert owner.execute(statement.encode(), values).rowcount > 0
        assert audited(owner, campaign) != []


def test_an_audit_tells_of_a_day_that_was_taken_away(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 10)
    line_item_id = campaign.line_items[0].line_item_id
    for day in range(3):
        claims = some_claims(line_item_id=line_item_id, decided_at=NOON + day * DAY)
        world.ledger.record([a_beacon(claims)])
    assert faults(world, campaign) == []
    with owner.transaction(force_rollback=True):
        owner.execute("SET LOCAL session_replication_role = replica")
        for table in ("ledger_entries", "ledger_chains"):
            owner.execute(
                f"DELETE FROM {table} WHERE advertiser_id = %s AND day = %s".encode(),  # noqa: S608
                (campaign.advertiser_id, TODAY + DAY),
            )
        found = audited(owner, campaign, TODAY + 2 * DAY)
        assert any("does not build on 2026-11-24 as it says" in fault for fault in found)


def audited(owner: Owner, campaign: Campaign, day: date = TODAY) -> list[str]:
    """Return what an audit finds inside the owner's transaction."""

    class SameTransaction:
        @contextmanager
        def transaction(self) -> Iterator[Owner]:
            yield owner

    audit = PostgresLedgerAudit(SameTransaction())  # type: ignore[arg-type]
    ids = {campaign.campaign_id, campaign.advertiser_id, campaign.line_items[0].line_item_id}
    found = [*audit.faults_of(day), *audit.faults_of_bills()]
    return [fault for fault in found if any(known in fault for known in ids)]


def test_another_tenants_books_are_not_found(world: World) -> None:
    mine, other = world.a_tenant(), world.a_tenant()
    world.ledger.record(impressions(world.a_serving_campaign(other), 1))
    with world.stores.transaction(mine.caller) as store, pytest.raises(NotFoundError):
        list(store.ledger.chains(other.advertiser_id, first_day=TODAY, last_day=TODAY))


def test_completions_are_in_the_books_like_impressions(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 5)
    claims = some_claims(line_item_id=campaign.line_items[0].line_item_id, rate_type=RateType.CPCV)
    world.ledger.record([a_beacon(claims), a_beacon(claims, event=BeaconEvent.COMPLETE)])
    assert [e["events"] for e in entries(owner, campaign)] == [1]
    assert faults(world, campaign) == []
