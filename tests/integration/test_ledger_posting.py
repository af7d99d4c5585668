"""Credits and exported files: what the books hold besides deliveries."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from ctv_ads.adapters.postgres.ledger_credits import PostgresLedgerPosting
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.ports.ledger import Credited
from tests.books import Owner, a_campaign_of
from tests.builders import PRICE_MICROS, Tenant, a_campaign_draft
from tests.ledgers import TODAY, entries, faults, impressions, named
from tests.worlds import Schema, World


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


@pytest.fixture
def owner(schema: Schema) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    with psycopg.connect(schema.owner_dsn, autocommit=True, row_factory=dict_row) as connection:
        yield connection


def test_what_is_marked_as_invalid_later_is_credited_and_told_in_reports(world: World) -> None:
    tenant = world.a_tenant()
    draft = a_campaign_draft(budget_micros=3 * PRICE_MICROS)
    campaign = world.a_serving_campaign(tenant, draft)
    shown = impressions(campaign, 4)
    world.ledger.record(shown)
    posting = PostgresLedgerPosting(world.pipeline)
    for credited in (
        Credited(3, 3 * PRICE_MICROS, never_billed=1),
        Credited(0, 0, credited_before=3, never_billed=1),
    ):
        found = posting.credit(named(shown), "found later", rule=InvalidTraffic.DATA_CENTRE)
        assert found == credited
    with world.stores.transaction(tenant.caller) as store:
        told = store.statistics.invalid(campaign.campaign_id, first_day=None, last_day=None)
    assert [(one.rule, one.beacons) for one in told] == [(InvalidTraffic.DATA_CENTRE, 4)]
    assert faults(world, campaign) == []


def test_a_credit_is_an_entry_and_given_once(world: World, owner: Owner) -> None:
    tenant = world.a_tenant()
    draft = a_campaign_draft(budget_micros=3 * PRICE_MICROS)
    campaign = world.a_serving_campaign(tenant, draft)
    shown = impressions(campaign, 4)
    world.ledger.record(shown)
    posting = PostgresLedgerPosting(world.pipeline)
    assert posting.credit(named(shown), "data centre, found later") == Credited(
        3, 3 * PRICE_MICROS, never_billed=1
    )
    assert posting.credit(named(shown), "again") == Credited(
        0, 0, credited_before=3, never_billed=1
    )
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
    assert posting.credit(named(impressions(campaign, 2)), "unknown") == Credited(0, 0, unknown=2)
    assert posting.credit([], "nothing").is_complete


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
