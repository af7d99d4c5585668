"""Events of whole breaks by day: archived and dropped as other events are."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from ctv_ads.adapters.postgres.break_events import PostgresBreakEvents
from ctv_ads.domain.beacon import Beacon
from ctv_ads.domain.event_archive import BREAKS
from local.emulator import Emulator
from local.postgres import PostgresServer
from tests.cellars import AT, DAY, Cellar, a_cellar, a_server, breaks_of, events_of

LONG = timedelta(days=40)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with a_server() as running:
        yield running


@pytest.fixture
def cellar(server: PostgresServer, aws_emulator: Emulator) -> Iterator[Cellar]:
    with a_cellar(server, aws_emulator) as cellar:
        yield cellar


def record(cellar: Cellar, *, breaks: int, at: datetime = AT) -> list[Beacon]:
    beacons = breaks_of(cellar, breaks=breaks, at=at)
    PostgresBreakEvents(cellar.world.pipeline).record(beacons)
    return beacons


def left(cellar: Cellar) -> int:
    (row,) = cellar.owner.execute("SELECT count(*) AS rows FROM break_events").fetchall()
    return int(row["rows"])


def test_a_closed_day_is_archived_whole_with_a_manifest_of_its_own(cellar: Cellar) -> None:
    cellar.world.ledger.record(events_of(cellar.campaign, ads=3))
    beacons = record(cellar, breaks=10)
    assert cellar.run_breaks().archived == (DAY,)
    rows = cellar.rows(kind=BREAKS)
    assert list(rows[0]) == [name for name, _ in BREAKS.columns]
    assert {(row["decision_id"], row["event"], row["placement_id"]) for row in rows} == {
        (one.claims.decision_id, one.event.value, one.claims.placement_id) for one in beacons
    }
    assert len(rows) == len(beacons)
    manifest = cellar.manifest(kind=BREAKS)
    assert manifest["events"] == len(beacons)
    assert [column["name"] for column in manifest["columns"]] == list(rows[0])
    for part in manifest["parts"]:
        assert part["sha256"] == hashlib.sha256(cellar.object(part["key"])).hexdigest()
    # Other events wait for their own turn.
    assert cellar.keys("events/") == []
    assert cellar.run().archived == (DAY,)
    assert cellar.run_breaks().archived == ()


def test_days_are_archived_one_by_one_once_they_are_closed(cellar: Cellar) -> None:
    for ahead in range(3):
        record(cellar, breaks=2, at=AT + timedelta(days=ahead))
    cellar.now = AT + timedelta(days=3, hours=23)
    run = cellar.run_breaks()
    assert (run.made, run.archived) == (0, (DAY, DAY + timedelta(days=1)))


def test_an_old_day_is_dropped_after_it_is_archived_and_another_stays(cellar: Cellar) -> None:
    beacons = record(cellar, breaks=3)
    record(cellar, breaks=2, at=AT + timedelta(days=50))
    assert cellar.run_breaks(retention=timedelta(days=90)).dropped == ()
    assert left(cellar) == 10
    assert cellar.run_breaks(retention=LONG).dropped == (DAY,)
    assert left(cellar) == 4
    assert len(cellar.rows(kind=BREAKS)) == len(beacons)


def test_a_day_with_an_event_that_is_not_archived_is_not_dropped(cellar: Cellar) -> None:
    record(cellar, breaks=3)
    assert not cellar.break_days().drop(DAY)
    cellar.run_breaks()
    record(cellar, breaks=1)
    assert not cellar.break_days().drop(DAY)
    assert left(cellar) == 8
    # The next run archives it again, with what came late, and then it may go.
    run = cellar.run_breaks(retention=LONG)
    assert (run.archived, run.dropped, left(cellar)) == ((DAY,), (DAY,), 0)
    assert cellar.manifest(kind=BREAKS)["events"] == 8


def test_what_comes_after_a_day_was_dropped_stays_and_replaces_nothing(cellar: Cellar) -> None:
    record(cellar, breaks=3)
    cellar.run_breaks(retention=LONG)
    before = cellar.manifest(kind=BREAKS)
    record(cellar, breaks=1)
    run = cellar.run_breaks(retention=LONG)
    assert (run.archived, run.dropped) == ((), ())
    assert cellar.manifest(kind=BREAKS) == before
    assert left(cellar) == 2


def test_a_recent_day_is_never_dropped(cellar: Cellar) -> None:
    recent = datetime.now(UTC) - timedelta(days=20)
    record(cellar, breaks=1, at=recent)
    with pytest.raises(psycopg.errors.CheckViolation):
        cellar.break_days().drop(recent.date())


def test_who_records_is_not_kept_waiting_by_a_day_that_is_dropped(cellar: Cellar) -> None:
    record(cellar, breaks=3)
    cellar.run_breaks()
    with cellar.owner.transaction():
        dropped = cellar.owner.execute(
            "SELECT drop_archived_break_day(%s) AS it", (DAY,)
        ).fetchone()
        assert dropped == {"it": True}
        with cellar.world.pipeline.transaction() as connection:
            connection.execute("SET LOCAL lock_timeout = '1s'")
            record(cellar, breaks=1)
    assert left(cellar) == 2
