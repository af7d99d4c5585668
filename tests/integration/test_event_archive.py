"""Events by day: archived whole, and dropped only after that."""

import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import psycopg
import pytest

from ctv_ads.adapters.aws.event_archive import S3EventArchive
from ctv_ads.adapters.postgres.beacon_ledger import PostgresBeaconLedger
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.event_days import PostgresEventDays
from ctv_ads.adapters.postgres.ledger_audit import PostgresLedgerAudit
from ctv_ads.domain.event_archive import EVENTS
from ctv_ads.errors import DependencyUnavailableError
from local.emulator import Emulator
from local.postgres import PostgresServer
from tests.books import Owner
from tests.cellars import AT, DAY, Cellar, a_cellar, a_server, events_of


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with a_server() as running:
        yield running


@pytest.fixture
def cellar(server: PostgresServer, aws_emulator: Emulator) -> Iterator[Cellar]:
    with a_cellar(server, aws_emulator) as cellar:
        yield cellar


@dataclass(slots=True)
class Seen:
    """A database as a transaction that is open sees it."""

    connection: Owner

    @contextmanager
    def transaction(self) -> Iterator[Owner]:
        yield self.connection


def test_a_closed_day_is_archived_whole_with_a_manifest(cellar: Cellar) -> None:
    beacons = events_of(cellar.campaign, ads=10)
    cellar.world.ledger.record(beacons)
    assert DAY in cellar.run().archived
    rows = cellar.rows()
    assert {(row["decision_id"], row["event"]) for row in rows} == {
        (beacon.claims.decision_id, beacon.event.value) for beacon in beacons
    }
    assert list(rows[0]) == [name for name, _ in EVENTS.columns]
    assert {row["campaign_id"] for row in rows} == {cellar.campaign.campaign_id}
    assert all(row["decided_at"].startswith("2026-09-01 ") for row in rows)
    manifest = cellar.manifest()
    assert manifest["events"] == len(rows) == sum(part["events"] for part in manifest["parts"])
    assert [part["key"] for part in manifest["parts"]] == cellar.keys("events/")
    for part in manifest["parts"]:
        body = cellar.object(part["key"])
        assert part["sha256"] == hashlib.sha256(body).hexdigest()
        assert part["size_bytes"] == len(body)
        assert part["events"] <= 7


def test_archiving_again_writes_the_same_bytes(cellar: Cellar) -> None:
    cellar.world.ledger.record(events_of(cellar.campaign, ads=10))
    cellar.run()
    before = cellar.manifest()
    assert cellar.run().archived == ()
    cellar.days().archive(DAY, lambda lines: cellar.archive().write(DAY, lines))
    assert cellar.manifest() == before


@pytest.mark.parametrize("hours", [0, 23])
def test_a_day_is_open_until_its_last_token_has_expired(cellar: Cellar, hours: int) -> None:
    cellar.world.ledger.record(events_of(cellar.campaign, ads=2))
    cellar.now = AT + timedelta(days=1, hours=hours)
    assert cellar.run().archived == ()
    cellar.now = AT + timedelta(days=2)
    assert cellar.run().archived == (DAY,)


def test_late_events_are_archived_too(cellar: Cellar) -> None:
    cellar.world.ledger.record(events_of(cellar.campaign, ads=5))
    cellar.run()
    first = len(cellar.rows())
    late = events_of(cellar.campaign, ads=5, seed=2)
    cellar.world.ledger.record(late)
    assert cellar.run().archived == (DAY,)
    assert len(cellar.rows()) == cellar.manifest()["events"] == first + len(late)


def test_days_are_made_ahead(cellar: Cellar) -> None:
    assert cellar.run().made == 9
    today = cellar.now.date()
    assert {today + timedelta(days=ahead) for ahead in range(-1, 8)} <= cellar.partitions()


def test_an_old_day_is_dropped_after_it_is_archived(cellar: Cellar) -> None:
    beacons = events_of(cellar.campaign, ads=5)
    cellar.world.ledger.record(beacons)
    run = cellar.run(retention=timedelta(days=40))
    assert (run.archived, run.dropped) == ((DAY,), (DAY,))
    assert DAY not in cellar.partitions()
    assert len(cellar.rows()) == len(beacons)
    assert cellar.run(retention=timedelta(days=40)).dropped == ()


def test_the_books_of_a_dropped_day_stay_without_fault(cellar: Cellar) -> None:
    cellar.world.ledger.record(events_of(cellar.campaign, ads=5))
    cellar.run(retention=timedelta(days=40))
    audit = PostgresLedgerAudit(cellar.world.pipeline)
    assert audit.faults_of(DAY) == []
    assert DAY in audit.days()
    # What is in the books is held against its chain as before.
    with cellar.owner.transaction():
        cellar.owner.execute("ALTER TABLE ledger_entries DISABLE TRIGGER append_only")
        cellar.owner.execute("UPDATE ledger_entries SET events = events + 1 WHERE day = %s", (DAY,))
        assert PostgresLedgerAudit(cast("Database", Seen(cellar.owner))).faults_of(DAY)
        raise psycopg.Rollback


def test_a_day_is_not_dropped_before_its_retention_is_over(cellar: Cellar) -> None:
    cellar.world.ledger.record(events_of(cellar.campaign, ads=5))
    assert cellar.run(retention=timedelta(days=90)).dropped == ()
    assert DAY in cellar.partitions()


def test_a_day_with_an_event_that_is_not_archived_is_not_dropped(cellar: Cellar) -> None:
    cellar.world.ledger.record(events_of(cellar.campaign, ads=5))
    assert not cellar.days().drop(DAY)
    cellar.run()
    cellar.world.ledger.record(events_of(cellar.campaign, ads=1, seed=3))
    assert not cellar.days().drop(DAY)
    assert DAY in cellar.partitions()


def test_a_recent_day_is_never_dropped(cellar: Cellar) -> None:
    recent = datetime.now(UTC) - timedelta(days=20)
    cellar.world.ledger.record(events_of(cellar.campaign, ads=1, at=recent))
    with pytest.raises(psycopg.errors.CheckViolation):
        cellar.days().drop(recent.date())


def test_a_day_that_somebody_uses_is_dropped_by_a_later_run(cellar: Cellar) -> None:
    cellar.world.ledger.record(events_of(cellar.campaign, ads=5))
    cellar.run()
    with psycopg.connect(cellar.world.schema.owner_dsn) as reader:
        reader.execute("SELECT count(*) FROM ad_events")
        assert not cellar.days().drop(DAY)
    assert cellar.days().drop(DAY)


def test_what_comes_after_a_day_was_dropped_does_not_replace_its_archive(cellar: Cellar) -> None:
    cellar.world.ledger.record(events_of(cellar.campaign, ads=5))
    cellar.run(retention=timedelta(days=40))
    before, late = cellar.manifest(), events_of(cellar.campaign, ads=1, seed=4)
    with closing(Database(cellar.world.schema.pipeline_secret)) as database:
        found = PostgresBeaconLedger(database).record(late)
    assert (found.recorded, len(found.gone)) == (0, len(late))
    run = cellar.run(retention=timedelta(days=40))
    assert (run.archived, run.dropped) == ((), ())
    assert DAY not in cellar.partitions()
    assert cellar.manifest() == before


def test_a_crash_before_the_commit_leaves_the_day_to_the_next_run(cellar: Cellar) -> None:
    class Crashing(S3EventArchive):
        def write(self, day: date, lines: Any) -> Any:
            super().write(day, lines)
            raise DependencyUnavailableError("s3", "gone")

    cellar.world.ledger.record(events_of(cellar.campaign, ads=5))
    with pytest.raises(DependencyUnavailableError):
        cellar.run(archive=Crashing(cellar.emulator.s3, cellar.bucket, events_in_part=7))
    assert not cellar.days().is_archived(DAY)
    assert cellar.run().archived == (DAY,)


def test_two_at_once_do_not_archive_the_same_day(cellar: Cellar) -> None:
    cellar.world.ledger.record(events_of(cellar.campaign, ads=5))
    outcomes = []
    with closing(Database(cellar.world.schema.pipeline_secret)) as database:

        def write(lines: Any) -> Any:
            other = PostgresEventDays(database)
            outcomes.append(other.archive(DAY, lambda _: pytest.fail("both archive it")))
            return cellar.archive().write(DAY, lines)

        assert cellar.days().archive(DAY, write) is not None
    assert outcomes == [None]
