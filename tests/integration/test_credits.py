"""Credits: reports and budgets tell net spend, and a dropped day is credited from the archive."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from ctv_ads.adapters.aws.event_archive import S3EventArchive
from ctv_ads.adapters.postgres.ledger_audit import PostgresLedgerAudit
from ctv_ads.adapters.postgres.ledger_credits import PostgresLedgerPosting
from ctv_ads.adapters.postgres.ledger_flat import PostgresFlatRates
from ctv_ads.domain.beacon import Beacon, BeaconEvent
from ctv_ads.domain.line_item import RateType
from ctv_ads.domain.statistics import BreakdownBy
from ctv_ads.errors import NotFoundError
from ctv_ads.ports.ledger import Credited
from ctv_ads.use_cases.audit_ledger import AuditLedger
from ctv_ads.use_cases.credit_events import CreditEvents
from local import ledger as local_ledger
from local.emulator import Emulator
from local.postgres import PostgresServer
from tests.books import Owner, a_campaign_of
from tests.builders import DAY as ONE_DAY
from tests.builders import NOON, PRICE_MICROS, a_beacon, a_campaign_draft, some_claims
from tests.cellars import AT, DAY, Cellar, a_cellar, a_server, events_of
from tests.ledgers import TODAY, faults, impressions, named
from tests.worlds import World

RETENTION = timedelta(days=40)
_SPENT = """
SELECT (SELECT billed_micros FROM campaigns WHERE campaign_id = %(c)s) AS campaign,
       (SELECT sum(billed_micros) FROM line_items WHERE campaign_id = %(c)s) AS line_items,
       (SELECT sum(billed_micros) FROM line_item_days WHERE campaign_id = %(c)s) AS budget_days,
       (SELECT sum(billed_micros) FROM delivery_days WHERE campaign_id = %(c)s) AS days,
       (SELECT sum(billed_micros) FROM delivery_hours WHERE campaign_id = %(c)s) AS hours"""


@pytest.fixture
def world(postgres_of_session: World) -> World:
    return postgres_of_session


def spent(owner: Owner, campaign_id: str) -> set[int]:
    """Return what the campaign has spent, as everybody tells it."""
    row = owner.execute(_SPENT, {"c": campaign_id}).fetchone()
    assert row is not None
    return {int(value) for value in row.values()}


def test_a_credit_leaves_bills_reports_and_daily_budgets_alike(world: World, owner: Owner) -> None:
    tenant = world.a_tenant()
    campaign = world.a_serving_campaign(tenant, a_campaign_draft(budget_micros=10**6))
    shown = [*impressions(campaign, 3), *impressions(campaign, 2, bucket=7)]
    world.ledger.record(shown)
    PostgresLedgerPosting(world.pipeline).credit(named(shown[2:4]), "machines")
    assert spent(owner, campaign.campaign_id) == {3 * PRICE_MICROS}
    with world.stores.transaction(tenant.caller) as store:
        told = store.statistics.of_campaign(campaign.campaign_id, first_day=None, last_day=None)
    assert told.totals.spend_micros == told.billed_micros == 3 * PRICE_MICROS
    assert told.totals.impressions == 5
    assert faults(world, campaign) == []


def test_a_credit_makes_room_in_the_daily_budget(world: World, owner: Owner) -> None:
    campaign = a_campaign_of(world, 50)
    owner.execute(
        "UPDATE line_items SET daily_budget_micros = %s WHERE campaign_id = %s",
        (2 * PRICE_MICROS, campaign.campaign_id),
    )
    shown = impressions(campaign, 2)
    assert world.ledger.record(shown).billed_impressions == 2
    assert world.ledger.record(impressions(campaign, 1)).billed_impressions == 0
    PostgresLedgerPosting(world.pipeline).credit(named(shown[:1]), "machines")
    assert world.ledger.record(impressions(campaign, 2)).billed_impressions == 1
    assert faults(world, campaign) == []


def test_what_one_local_day_did_not_pay_is_taken_from_its_neighbour(
    world: World, owner: Owner
) -> None:
    campaign = a_campaign_of(world, 50)
    shown = impressions(campaign, 3)
    world.ledger.record(shown)
    # As if the grant's day, forgotten since, had been the one before.
    owner.execute(
        "INSERT INTO line_item_days SELECT line_item_id, budget_day - 1, organization_id, campaign_id,"
        " %(of_it)s, 2 FROM line_item_days WHERE campaign_id = %(c)s",
        {"c": campaign.campaign_id, "of_it": 2 * PRICE_MICROS},
    )
    owner.execute(
        "UPDATE line_item_days SET billed_micros = %s, billed_events = 1"
        " WHERE campaign_id = %s AND billed_events = 3",
        (PRICE_MICROS, campaign.campaign_id),
    )
    PostgresLedgerPosting(world.pipeline).credit(named(shown[:2]), "machines")
    rows = owner.execute(
        "SELECT billed_micros, billed_events FROM line_item_days WHERE campaign_id = %s"
        " ORDER BY budget_day",
        (campaign.campaign_id,),
    ).fetchall()
    assert [tuple(row.values()) for row in rows] == [(PRICE_MICROS, 1), (0, 0)]
    assert faults(world, campaign) == []


def test_a_flat_day_is_told_as_spend_of_nobody(world: World, owner: Owner) -> None:
    tenant = world.a_tenant()
    campaign = world.a_serving_campaign(tenant, a_campaign_draft(budget_micros=10**6))
    line_item_id = campaign.line_items[0].line_item_id
    owner.execute(
        "UPDATE line_items SET rate_type = 'flat', rate_micros = 40000, starts_at = %s, ends_at = %s"
        " WHERE line_item_id = %s",
        (NOON, NOON + 3 * ONE_DAY, line_item_id),
    )
    claims = some_claims(line_item_id=line_item_id, price_micros=0, rate_type=RateType.FLAT)
    world.ledger.record([a_beacon(claims)])
    PostgresFlatRates(world.pipeline).post(campaign.campaign_id, today=TODAY + ONE_DAY)
    assert spent(owner, campaign.campaign_id) == {10_000}
    with world.stores.transaction(tenant.caller) as store:
        parts = store.statistics.breakdown(
            campaign.campaign_id, BreakdownBy.LINE_ITEM, first_day=None, last_day=None
        )
    assert [(part.key, part.counts.spend_micros, part.counts.impressions) for part in parts] == [
        (line_item_id, 10_000, 1)
    ]
    assert faults(world, campaign) == []


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with a_server() as running:
        yield running


@pytest.fixture
def cellar(server: PostgresServer, aws_emulator: Emulator) -> Iterator[Cellar]:
    with a_cellar(server, aws_emulator) as cellar:
        yield cellar


def billed_of(beacons: Sequence[Beacon]) -> list[Beacon]:
    return [beacon for beacon in beacons if beacon.event is BeaconEvent.IMPRESSION]


def crediting(cellar: Cellar, archive: S3EventArchive | None = None) -> CreditEvents:
    return CreditEvents(PostgresLedgerPosting(cellar.world.pipeline), archive or cellar.archive())


def faults_there(cellar: Cellar) -> list[str]:
    report = AuditLedger(PostgresLedgerAudit(cellar.world.pipeline), cellar.archive())()
    ids = {cellar.campaign.campaign_id, cellar.campaign.line_items[0].line_item_id}
    return [fault for fault in report.faults if any(known in fault for known in ids)]


def test_counting_a_day_anew_keeps_credits_and_flat_days(cellar: Cellar) -> None:
    beacons = events_of(cellar.campaign, ads=9)
    cellar.world.ledger.record(beacons)
    crediting(cellar)(named(billed_of(beacons)[:4]), "machines")
    flat = a_campaign_of(cellar.world, 50)
    cellar.owner.execute(
        "UPDATE line_items SET rate_type = 'flat', rate_micros = 40000, starts_at = %s, ends_at = %s"
        " WHERE campaign_id = %s",
        (AT, AT + 4 * ONE_DAY, flat.campaign_id),
    )
    claims = some_claims(
        line_item_id=flat.line_items[0].line_item_id,
        price_micros=0,
        rate_type=RateType.FLAT,
        decided_at=AT,
    )
    cellar.world.ledger.record([a_beacon(claims)])
    PostgresFlatRates(cellar.world.pipeline).post(flat.campaign_id, today=TODAY)
    expected = cellar.counted()
    cellar.run()
    for from_archive in (False, True):
        cellar.owner.execute("TRUNCATE delivery_hours, delivery_days, delivery_errors")
        cellar.rebuild(from_archive=from_archive)
        assert cellar.counted() == expected
    assert spent(cellar.owner, flat.campaign_id) == {10_000}


def test_events_of_a_dropped_day_are_credited_from_the_archive(cellar: Cellar) -> None:
    beacons = events_of(cellar.campaign, ads=9)
    cellar.world.ledger.record(beacons)
    before = min(spent(cellar.owner, cellar.campaign.campaign_id))
    cellar.run(retention=RETENTION)
    assert DAY not in cellar.partitions()
    wanted = named(billed_of(beacons)[:4])
    credit = crediting(cellar)
    assert credit(wanted, "machines") == Credited(4, 4 * PRICE_MICROS)
    assert credit(wanted, "machines") == Credited(0, 0, credited_before=4)
    assert spent(cellar.owner, cellar.campaign.campaign_id) == {before - 4 * PRICE_MICROS}
    assert faults_there(cellar) == []


def test_a_day_that_is_nowhere_is_refused_and_nothing_is_credited(cellar: Cellar) -> None:
    beacons = events_of(cellar.campaign, ads=3)
    cellar.world.ledger.record(beacons)
    cellar.run(retention=RETENTION)
    elsewhere = S3EventArchive(cellar.emulator.s3, "no-such-bucket")
    with pytest.raises(NotFoundError, match="was dropped, and is not in the archive"):
        crediting(cellar, _Emptied(elsewhere))(named(beacons), "machines")  # type: ignore[arg-type]


class _Emptied:
    """An archive that somebody emptied."""

    def __init__(self, archive: S3EventArchive) -> None:
        self._archive = archive

    def manifest(self, _: object) -> None:
        return None


def written(folder: Path, beacons: Sequence[Beacon]) -> Path:
    rows = "".join(f"{e.day},{e.decision_id},{e.slot},{e.event.value}\n" for e in named(beacons))
    (folder / "events.csv").write_text("day,decision_id,slot,event\n" + rows)
    return folder / "events.csv"


def test_the_command_fails_unless_everything_was_credited(
    cellar: Cellar, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    beacons = events_of(cellar.campaign, ads=2)
    cellar.world.ledger.record(beacons)
    shown = billed_of(beacons)
    give = local_ledger.give_credit
    pipeline, archive = cellar.world.pipeline, cellar.archive()
    file = written(tmp_path, shown[:1])
    with pytest.raises(ValueError, match="a reason is"):
        give(pipeline, archive, file, "=HYPERLINK()|")
    assert give(pipeline, archive, file, "machines") == 0
    assert f"1 of 1 events credited: {PRICE_MICROS} micros" in capsys.readouterr().out
    file = written(tmp_path, [*shown, *impressions(cellar.campaign, 1)])
    assert give(pipeline, archive, file, "machines") == 1
    told = capsys.readouterr()
    assert "1 of 3 events credited" in told.out
    assert "1 were credited before, 0 were never billed, 1 are unknown" in told.err


def test_an_audit_recounts_dropped_days_from_the_archive_or_tells_that_it_did_not(
    aws_emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    with a_server() as server, a_cellar(server, aws_emulator) as cellar:
        cellar.world.ledger.record(events_of(cellar.campaign, ads=9))
        cellar.run(retention=RETENTION)
        pipeline, archive = cellar.world.pipeline, cellar.archive()
        assert local_ledger.verify(pipeline, archive, is_strict=True) == 0
        assert "1 days audited, 0 of them not recounted, 0 faults" in capsys.readouterr().out
        for elsewhere, why in (
            (_Emptied(archive), "dropped, and not in the archive"),
            (S3EventArchive(Emulator(Path("/nowhere"), 1).s3, "none"), "does not answer"),
        ):
            assert local_ledger.verify(pipeline, elsewhere) == 0  # type: ignore[arg-type]
            assert local_ledger.verify(pipeline, elsewhere, is_strict=True) == 1  # type: ignore[arg-type]
            told = capsys.readouterr().out
            assert f"not recounted: {DAY}" in told
            assert why in told
            assert "1 days audited, 1 of them not recounted, 0 faults" in told
        first = cellar.manifest()["parts"][0]["key"]
        kept = cellar.object(first)
        cellar.emulator.s3.put_object(
            Bucket=cellar.bucket, Key=first, Body=kept[:-9] + b"otherwise"
        )
        assert local_ledger.verify(pipeline, archive) == 1
        assert "is not what was written" in capsys.readouterr().out
        cellar.emulator.s3.put_object(Bucket=cellar.bucket, Key=first, Body=kept)
        manifest = archive.manifest(DAY)
        assert manifest is not None
        lines = b"".join(archive.read(manifest)).splitlines(keepends=True)
        archive.write(DAY, iter([line for line in lines if b",impression," not in line]))
        assert local_ledger.verify(pipeline, archive) == 1
        assert "None recounted" in capsys.readouterr().out
