"""The books on real PostgreSQL: they add up to the events, and nobody can change them."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from ctv_ads.adapters.postgres.database import connection_parameters
from ctv_ads.adapters.postgres.ledger import PostgresLedgerAudit
from ctv_ads.adapters.postgres.ledger_posting import PostgresLedgerPosting
from ctv_ads.domain.beacon import Beacon, BeaconEvent
from ctv_ads.domain.campaign import Campaign
from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.line_item import RateType
from ctv_ads.errors import NotFoundError
from ctv_ads.ports.ledger import Credited, DeliveredEvent
from local import ledger as local_ledger
from tests.books import WAIT_S, Owner, a_campaign_of, ads_shown
from tests.builders import DAY, NOON, PRICE_MICROS, Tenant, a_beacon, a_campaign_draft, some_claims
from tests.recorder import record_together
from tests.worlds import Schema, World

TODAY = NOON.date()
_ENTRIES = """
SELECT kind, day, bucket, amount_micros, events, debit_account, credit_account, reason
FROM ledger_entries WHERE campaign_id = %s ORDER BY day, sequence"""


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


@pytest.fixture
def owner(schema: Schema) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    with psycopg.connect(schema.owner_dsn, autocommit=True, row_factory=dict_row) as connection:
        yield connection


def entries(owner: Owner, campaign: Campaign) -> list[dict[str, Any]]:
    return owner.execute(_ENTRIES, (campaign.campaign_id,)).fetchall()


def faults(world: World, campaign: Campaign) -> list[str]:
    """Return what an audit finds, of this campaign's advertiser and line items."""
    audit = PostgresLedgerAudit(world.pipeline)
    ids = {campaign.campaign_id, campaign.advertiser_id, campaign.line_items[0].line_item_id}
    found = [fault for day in audit.days() for fault in audit.faults_of(day)]
    found += audit.faults_of_bills()
    return [fault for fault in found if any(known in fault for known in ids)]


def impressions(campaign: Campaign, count: int, *, bucket: int = 0) -> list[Beacon]:
    line_item_id = campaign.line_items[0].line_item_id
    return [a_beacon(some_claims(line_item_id=line_item_id, bucket=bucket)) for _ in range(count)]


def named(beacons: Sequence[Beacon]) -> list[DeliveredEvent]:
    return [
        DeliveredEvent(b.claims.decided_at.date(), b.claims.decision_id, b.claims.slot, b.event)
        for b in beacons
    ]


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
    "an event": "DELETE FROM ad_events WHERE decision_id = (SELECT decision_id FROM ad_events"
    " WHERE line_item_id = %(line_item)s AND billed_micros > 0 LIMIT 1)",
    "what an event cost": "UPDATE ad_events SET billed_micros = billed_micros + 1"
    " WHERE line_item_id = %(line_item)s AND billed_micros > 0",
    "an event's name": "UPDATE ad_events SET decision_id = uuidv7()"
    " WHERE line_item_id = %(line_item)s AND billed_micros > 0",
    "the bill": "UPDATE campaigns SET billed_micros = billed_micros - 1"
    " WHERE campaign_id = %(campaign)s",
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


def audited(owner: Owner, campaign: Campaign) -> list[str]:
    """Return what an audit finds inside the owner's transaction."""

    class SameTransaction:
        @contextmanager
        def transaction(self) -> Iterator[Owner]:
            yield owner

    audit = PostgresLedgerAudit(SameTransaction())  # type: ignore[arg-type]
    ids = {campaign.campaign_id, campaign.advertiser_id, campaign.line_items[0].line_item_id}
    found = [*audit.faults_of(TODAY), *audit.faults_of_bills()]
    return [fault for fault in found if any(known in fault for known in ids)]


def test_a_credit_is_an_entry_and_given_once(world: World, owner: Owner) -> None:
    tenant = world.a_tenant()
    draft = a_campaign_draft(budget_micros=3 * PRICE_MICROS)
    campaign = world.a_serving_campaign(tenant, draft)
    shown = impressions(campaign, 4)
    world.ledger.record(shown)
    posting = PostgresLedgerPosting(world.pipeline)
    assert posting.credit(named(shown), "data centre, found later") == Credited(3, 3 * PRICE_MICROS)
    assert posting.credit(named(shown), "again") == Credited(0, 0)
    assert world.campaign(tenant, campaign.campaign_id).billed_micros == 0
    (_, credit) = entries(owner, campaign)
    assert (credit["kind"], credit["debit_account"], credit["credit_account"]) == (
        "credit",
        "revenue",
        "receivable",
    )
    assert (credit["amount_micros"], credit["reason"]) == (
        3 * PRICE_MICROS,
        "data centre, found later",
    )
    assert faults(world, campaign) == []
    assert world.ledger.record(impressions(campaign, 1)).billed_impressions == 1
    assert faults(world, campaign) == []


def test_what_was_never_billed_is_not_credited(world: World) -> None:
    campaign = a_campaign_of(world, 5)
    posting = PostgresLedgerPosting(world.pipeline)
    assert posting.credit(named(impressions(campaign, 2)), "unknown") == Credited(0, 0)
    assert posting.credit([], "nothing") == Credited(0, 0)


def make_flat(
    owner: Owner, campaign: Campaign, rate_micros: int, *, budget_micros: int | None = None
) -> LineItemId:
    line_item_id = campaign.line_items[0].line_item_id
    owner.execute(
        "UPDATE line_items SET rate_type = 'flat', rate_micros = %s, budget_micros = %s,"
        " starts_at = %s, ends_at = %s WHERE line_item_id = %s",
        (rate_micros, budget_micros, NOON, NOON + 3 * DAY, line_item_id),
    )
    return line_item_id


def test_each_day_of_a_flat_rate_is_entered_once(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 50)
    line_item_id = make_flat(owner, campaign, 100_003)
    posting = PostgresLedgerPosting(world.pipeline)
    for day in range(-1, 6):
        for _ in range(2):
            posting.post_flat(TODAY + timedelta(days=day), now=NOON + 30 * DAY)
    found = entries(owner, campaign)
    assert [e["amount_micros"] for e in found] == [25_000, 25_001, 25_001, 25_001]
    assert {e["kind"] for e in found} == {"flat"}
    assert [e["day"] for e in found] == [TODAY + timedelta(days=n) for n in range(4)]
    assert faults(world, campaign) == []
    row = owner.execute(
        "SELECT billed_micros FROM line_items WHERE line_item_id = %s", (line_item_id,)
    ).fetchone()
    assert row == {"billed_micros": 100_003}


@pytest.mark.parametrize("own_budget", [None, 60_000])
def test_a_flat_rate_ends_with_the_budget(
    world: World, owner: Owner, own_budget: int | None
) -> None:
    campaign = a_campaign_of(world, 4)  # 90,000 micros
    make_flat(owner, campaign, 200_000, budget_micros=own_budget)
    posting = PostgresLedgerPosting(world.pipeline)
    for day in range(4):
        posting.post_flat(TODAY + timedelta(days=day), now=NOON + 30 * DAY)
    assert sum(e["amount_micros"] for e in entries(owner, campaign)) == (own_budget or 90_000)
    assert faults(world, campaign) == []


def test_a_day_that_is_not_over_is_not_entered(world: World) -> None:
    with pytest.raises(ValueError, match="is not over"):
        PostgresLedgerPosting(world.pipeline).post_flat(TODAY, now=NOON)


def test_the_command_tells_faults_and_their_number(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    campaign = a_campaign_of(world, 5)
    shown = impressions(campaign, 2)
    world.ledger.record(shown)
    listed = tmp_path / "events.csv"
    rows = "".join(f"{e.day},{e.decision_id},{e.slot},{e.event.value}\n" for e in named(shown))
    listed.write_text("day,decision_id,slot,event\n" + rows)
    assert local_ledger.give_credit(world.pipeline, listed, "machines") == 0
    assert "2 of 2 events credited: 40000 micros" in capsys.readouterr().out
    assert local_ledger.verify(world.pipeline) in {0, 1}
    assert campaign.campaign_id not in capsys.readouterr().out


def exported(world: World, tenant: Tenant) -> list[dict[str, str]]:
    fields = (
        "advertiser_id", "day", "sequence", "kind", "campaign_id", "line_item_id", "rate_type",
        "bucket", "batch", "debit_account", "credit_account", "amount_micros", "events",
        "events_sha256", "recorded_at", "reason", "previous_hash", "entry_hash",
    )  # fmt: skip
    with world.stores.transaction(tenant.caller) as store:
        chains = store.ledger.chains(
            tenant.advertiser_id, first_day=TODAY, last_day=TODAY + timedelta(days=9)
        )
        return [{name: str(getattr(entry, name)) for name in fields} for entry in chains]


def checked(rows: Sequence[dict[str, str]], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the program that advertisers have, on a file and nothing else."""
    file = folder / "ledger.csv"
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    file.write_text("\n".join(lines) + "\n")
    program = Path(__file__).parents[2] / "docs" / "tools" / "check_ledger.py"
    return subprocess.run(
        [sys.executable, "-I", "-S", str(program), str(file)],
        capture_output=True,
        text=True,
        check=False,
        env={},
    )


def test_an_advertiser_checks_the_file_without_us(world: World, tmp_path: Path) -> None:
    tenant = world.a_tenant()
    campaign = world.a_serving_campaign(tenant)
    shown = impressions(campaign, 3)
    world.ledger.record(shown)
    world.ledger.record(impressions(campaign, 2))
    PostgresLedgerPosting(world.pipeline).credit(named(shown[:1]), "machines")
    rows = exported(world, tenant)
    good = checked(rows, tmp_path)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "3 entries, 80000 micros owed, 0 faults" in good.stdout
    for change in ({"amount_micros": "1"}, {"day": "2026-11-22"}, {"reason": "kindness"}):
        bad = checked([rows[0], {**rows[1], **change}, rows[2]], tmp_path)
        assert bad.returncode == 1, change
        assert "FAULT" in bad.stdout
    assert checked(rows[1:], tmp_path).returncode == 1
    assert checked([rows[0], rows[2]], tmp_path).returncode == 1


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
