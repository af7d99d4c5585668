"""Events by day: archived whole, dropped only after that, and counted anew to the same."""

import csv
import gzip
import hashlib
import io
import json
import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from ctv_ads.adapters.aws.event_archive import S3EventArchive
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.beacon_ledger import PostgresBeaconLedger
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.delivery_counts import PostgresDecisionCounts
from ctv_ads.adapters.postgres.event_days import PostgresEventDays
from ctv_ads.adapters.postgres.statistics_rebuild import PostgresStatisticsRebuild
from ctv_ads.adapters.session_sketches import count_sessions
from ctv_ads.domain.beacon import Beacon, BeaconEvent
from ctv_ads.domain.campaign import Campaign
from ctv_ads.domain.delivery import DecidedCounts, DecidedRow
from ctv_ads.domain.event_archive import COLUMNS
from ctv_ads.domain.ids import CreativeId, PlacementId
from ctv_ads.errors import ArchiveCorruptError, DependencyUnavailableError, NotFoundError
from ctv_ads.use_cases.archive_events import ArchiveEvents, RebuildStatistics
from local.emulator import Emulator
from local.ports import free_port
from local.postgres import PostgresServer
from tests.books import Owner, a_campaign_of
from tests.builders import NOON, a_beacon, some_claims
from tests.conftest import migrated
from tests.worlds import World, postgres_world

DAY = date(2026, 9, 1)
AT = datetime(2026, 9, 1, tzinfo=UTC)
KINDS = (
    BeaconEvent.IMPRESSION,
    BeaconEvent.START,
    BeaconEvent.COMPLETE,
    BeaconEvent.CLICK_TRACKING,
    BeaconEvent.ERROR,
)
COUNTED = """
SELECT {period}, campaign_id, line_item_id, creative_id, placement_id, country, device_type,
       requests, ads_served, impressions, starts, first_quartiles, completes, clicks, errors,
       billed_micros, unbilled_impressions {sketch}
FROM {table} ORDER BY 1, 2, 3, 4, 5, 6, 7"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A database of its own: what is archived and dropped is all that there is."""
    with TemporaryDirectory(prefix="ctv-archive-") as folder:
        port = free_port()
        with PostgresServer(
            Path(folder) / "data", port, password="owner-of-tests", durable=False
        ) as running:
            yield running


@dataclass(slots=True)
class Cellar:
    """Recorded events, and where they go."""

    world: World
    owner: Owner
    emulator: Emulator
    bucket: str
    campaign: Campaign
    now: datetime = NOON

    def days(self) -> PostgresEventDays:
        return PostgresEventDays(self.world.pipeline)

    def archive(self, *, events_in_part: int = 7) -> S3EventArchive:
        return S3EventArchive(self.emulator.s3, self.bucket, events_in_part=events_in_part)

    def run(self, *, retention: timedelta = timedelta(days=400), **parts: Any) -> Any:
        given: dict[str, Any] = {"days": self.days(), "archive": self.archive()} | parts
        return ArchiveEvents(
            **given,
            beacon_lifetime=timedelta(days=1),
            retention=retention,
            clock=lambda: self.now,
        )()

    def rebuild(self, day: date = DAY, *, from_archive: bool = False) -> int:
        statistics = PostgresStatisticsRebuild(self.world.pipeline)
        rebuild = RebuildStatistics(self.days(), self.archive(), statistics)
        return rebuild(day, from_archive=from_archive)

    def rows(self, day: date = DAY) -> list[dict[str, str]]:
        """Return the archived events as a reader of CSV sees them."""
        return [
            row
            for key in self.keys(f"events/v1/day={day}/")
            for row in csv.DictReader(io.StringIO(gzip.decompress(self.object(key)).decode()))
        ]

    def keys(self, prefix: str) -> list[str]:
        listed = self.emulator.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for item in listed.get("Contents", [])]

    def object(self, key: str) -> bytes:
        body: bytes = self.emulator.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body

    def manifest(self, day: date = DAY) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.object(f"manifests/events/v1/{day}.json"))
        return document

    def partitions(self) -> set[date]:
        return set(self.days().days())

    def counted(self) -> list[Any]:
        """Return everything that was counted, with sessions as numbers."""
        hours = self.owner.execute(
            COUNTED.format(period="hour", table="delivery_hours", sketch=", sessions").encode()
        ).fetchall()
        for row in hours:
            row["sessions"] = row["sessions"] and count_sessions([row["sessions"]])
        days = COUNTED.format(period="day", table="delivery_days", sketch="")
        errors = (
            "SELECT * FROM delivery_errors ORDER BY hour, creative_id, 5, 6, 7, vast_error_code"
        )
        return [
            hours,
            self.owner.execute(days.encode()).fetchall(),
            self.owner.execute(errors.encode()).fetchall(),
        ]


@pytest.fixture
def cellar(server: PostgresServer, aws_emulator: Emulator) -> Iterator[Cellar]:
    bucket = f"archive-{new_id()}"
    aws_emulator.s3.create_bucket(Bucket=bucket)
    schema = migrated(server)
    with (
        closing(postgres_world(schema)) as world,
        psycopg.connect(schema.owner_dsn, autocommit=True, row_factory=dict_row) as owner,
    ):
        for day in PostgresEventDays(world.pipeline).days():
            owner.execute(f"DROP TABLE ad_events_{day:%Y%m%d}".encode())
        owner.execute("TRUNCATE archived_days, delivery_hours, delivery_days, delivery_errors")
        yield Cellar(world, owner, aws_emulator, bucket, a_campaign_of(world, 1000))


def events_of(campaign: Campaign, *, ads: int, at: datetime = AT, seed: int = 1) -> list[Beacon]:
    """Return events of ads over a whole day, of a few creatives, placements and viewers."""
    chance = random.Random(seed)  # noqa: S311 - the same beacons every time
    creatives = [new_id() for _ in range(2)]
    placements = [PlacementId(new_id()) for _ in range(2)]
    found = []
    for number in range(ads):
        claims = some_claims(
            line_item_id=campaign.line_items[0].line_item_id,
            decided_at=at + timedelta(minutes=number * 1439 // ads),
            creative_id=CreativeId(chance.choice(creatives)),
            placement_id=chance.choice(placements),
            country=chance.choice(["AT", ""]),
            device_type=chance.choice(["ctv", ""]),
            session=chance.choice([0, 5, 2**64 - 1]),
        )
        found += [
            a_beacon(claims, event=event, received_at=claims.decided_at + timedelta(seconds=9))
            for event in KINDS
            if chance.random() < 0.8 or event is BeaconEvent.IMPRESSION
        ]
    return found


def test_a_closed_day_is_archived_whole_with_a_manifest(cellar: Cellar) -> None:
    beacons = events_of(cellar.campaign, ads=10)
    cellar.world.ledger.record(beacons)
    assert DAY in cellar.run().archived
    rows = cellar.rows()
    assert {(row["decision_id"], row["event"]) for row in rows} == {
        (beacon.claims.decision_id, beacon.event.value) for beacon in beacons
    }
    assert list(rows[0]) == [name for name, _ in COLUMNS]
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
    before = cellar.manifest()
    with closing(Database(cellar.world.schema.pipeline_secret)) as database:
        PostgresBeaconLedger(database).record(events_of(cellar.campaign, ads=1, seed=4))
    run = cellar.run(retention=timedelta(days=40))
    assert (run.archived, run.dropped) == ((), ())
    assert DAY in cellar.partitions()
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


def test_the_statistics_come_out_equal_from_events_and_from_the_archive(cellar: Cellar) -> None:
    for beacons in (
        events_of(cellar.campaign, ads=30),
        events_of(cellar.campaign, ads=3, at=AT - timedelta(days=1)),
        events_of(cellar.campaign, ads=3, at=AT + timedelta(days=1)),
    ):
        cellar.world.ledger.record(beacons)
    tenant_placement = cellar.owner.execute("SELECT placement_id::text FROM placements").fetchone()
    assert tenant_placement
    row = DecidedRow(
        hour=AT + timedelta(hours=3),
        placement_id=PlacementId(tenant_placement["placement_id"]),
        requests=7,
    )
    PostgresDecisionCounts(cellar.world.pipeline).add([DecidedCounts(new_id(), (row,))])
    expected = cellar.counted()
    assert len(expected[2]) > 1

    cellar.run()
    spoil = "UPDATE {} SET impressions = 99, billed_micros = 1, starts = 5 WHERE requests = 0"
    for from_archive in (False, True):
        for table in ("delivery_hours", "delivery_days"):
            cellar.owner.execute(spoil.format(table).encode())
        cellar.owner.execute("DELETE FROM delivery_errors")
        for day in (DAY - timedelta(days=1), DAY, DAY + timedelta(days=1)):
            assert cellar.rebuild(day, from_archive=from_archive) > 0
        assert cellar.counted() == expected


def test_a_dropped_day_is_counted_from_the_archive(cellar: Cellar) -> None:
    beacons = events_of(cellar.campaign, ads=10)
    cellar.world.ledger.record(beacons)
    expected = cellar.counted()
    cellar.run(retention=timedelta(days=40))
    cellar.owner.execute("TRUNCATE delivery_hours, delivery_days, delivery_errors")
    assert cellar.rebuild() == len(beacons)
    assert cellar.counted() == expected


def test_rows_that_no_event_accounts_for_are_gone(cellar: Cellar) -> None:
    cellar.world.ledger.record(events_of(cellar.campaign, ads=3))
    expected = cellar.counted()
    for table in ("delivery_hours", "delivery_days"):
        cellar.owner.execute(
            f"CREATE TEMP TABLE more AS SELECT * FROM {table} LIMIT 1;"  # noqa: S608
            f"UPDATE more SET country = 'XX'; INSERT INTO {table} SELECT * FROM more;"
            "DROP TABLE more".encode()
        )
    cellar.rebuild()
    assert cellar.counted() == expected


def test_a_day_that_is_nowhere_or_archived_in_part_cannot_be_counted(cellar: Cellar) -> None:
    with pytest.raises(NotFoundError):
        cellar.rebuild()
    cellar.world.ledger.record(events_of(cellar.campaign, ads=3))
    cellar.run()
    cellar.world.ledger.record(events_of(cellar.campaign, ads=1, seed=9))
    with pytest.raises(NotFoundError):
        cellar.rebuild(from_archive=True)


@pytest.mark.parametrize("change", ["other bytes", "gone", "other columns", "other schema"])
def test_a_damaged_archive_is_not_counted(cellar: Cellar, change: str) -> None:
    cellar.world.ledger.record(events_of(cellar.campaign, ads=10))
    expected = cellar.counted()
    cellar.run()
    manifest = cellar.manifest()
    part = manifest["parts"][-1]
    if change == "other bytes":
        put(cellar, part["key"], cellar.object(part["key"]) + b"x")
    elif change == "gone":
        cellar.emulator.s3.delete_object(Bucket=cellar.bucket, Key=part["key"])
    elif change == "other columns":
        body = gzip.compress(b"a,b\n1,2\n")
        put(cellar, part["key"], body)
        part["sha256"] = hashlib.sha256(body).hexdigest()
    else:
        manifest["schema_version"] = 2
    put(cellar, f"manifests/events/v1/{DAY}.json", json.dumps(manifest).encode())
    with pytest.raises(ArchiveCorruptError):
        cellar.rebuild(from_archive=True)
    assert cellar.counted() == expected


def put(cellar: Cellar, key: str, body: bytes) -> None:
    cellar.emulator.s3.put_object(Bucket=cellar.bucket, Key=key, Body=body)
