"""Recorded events in a database of their own, and the bucket that they are archived in."""

import csv
import gzip
import io
import json
import random
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from psycopg.rows import dict_row

from ctv_ads.adapters.aws.event_archive import S3EventArchive
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.break_days import PostgresBreakDays
from ctv_ads.adapters.postgres.event_days import PostgresEventDays
from ctv_ads.adapters.postgres.statistics_rebuild import PostgresStatisticsRebuild
from ctv_ads.adapters.session_sketches import count_sessions
from ctv_ads.domain.beacon import Beacon, BeaconEvent
from ctv_ads.domain.campaign import Campaign
from ctv_ads.domain.event_archive import BREAKS, EVENTS, ArchivedKind
from ctv_ads.domain.ids import CreativeId, PlacementId
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
       requests, opportunities, no_fills, ads_served, impressions, starts, first_quartiles, completes, clicks, errors,
       billed_micros, unbilled_impressions {sketch}
FROM {table} ORDER BY 1, 2, 3, 4, 5, 6, 7"""

INVALID = tuple(
    f"SELECT {period}, campaign_id, line_item_id, creative_id, placement_id, country, device_type,"  # noqa: S608
    f" rule, beacons FROM {table} ORDER BY 1, 2, 3, 4, 5, 6, 7, 8"
    for table, period in (("invalid_hours", "hour"), ("invalid_days", "day"))
)


@contextmanager
def a_server() -> Iterator[PostgresServer]:
    """A server of its own: what is archived and dropped is all that there is."""
    with (
        TemporaryDirectory(prefix="ctv-archive-") as folder,
        PostgresServer(
            Path(folder) / "data", free_port(), password="owner-of-tests", durable=False
        ) as running,
    ):
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

    def break_days(self) -> PostgresBreakDays:
        return PostgresBreakDays(self.world.pipeline)

    def archive(self, kind: ArchivedKind = EVENTS, *, events_in_part: int = 7) -> S3EventArchive:
        return S3EventArchive(self.emulator.s3, self.bucket, kind, events_in_part=events_in_part)

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

    def run_breaks(self, **others: Any) -> Any:
        return self.run(days=self.break_days(), archive=self.archive(BREAKS), **others)

    def rows(self, day: date = DAY, *, kind: ArchivedKind = EVENTS) -> list[dict[str, str]]:
        """Return the archived events as a reader of CSV sees them."""
        return [
            row
            for key in self.keys(f"{kind.name}/v1/day={day}/")
            for row in csv.DictReader(io.StringIO(gzip.decompress(self.object(key)).decode()))
        ]

    def keys(self, prefix: str) -> list[str]:
        listed = self.emulator.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for item in listed.get("Contents", [])]

    def object(self, key: str) -> bytes:
        body: bytes = self.emulator.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body

    def manifest(self, day: date = DAY, *, kind: ArchivedKind = EVENTS) -> dict[str, Any]:
        key = f"manifests/{kind.name}/v1/{day}.json"
        document: dict[str, Any] = json.loads(self.object(key))
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
            *(self.owner.execute(invalid.encode()).fetchall() for invalid in INVALID),
        ]


@contextmanager
def a_cellar(server: PostgresServer, emulator: Emulator) -> Iterator[Cellar]:
    """No day, no count, and a campaign that can pay for a thousand impressions."""
    bucket = f"archive-{new_id()}"
    emulator.s3.create_bucket(Bucket=bucket)
    schema = migrated(server)
    with (
        closing(postgres_world(schema)) as world,
        psycopg.connect(schema.owner_dsn, autocommit=True, row_factory=dict_row) as owner,
    ):
        for day in PostgresEventDays(world.pipeline).days():
            owner.execute(f"DROP TABLE ad_events_{day:%Y%m%d}".encode())
        owner.execute(
            "TRUNCATE archived_days, delivery_hours, delivery_days, delivery_errors,"
            " invalid_beacons, forged_beacons, invalid_hours, invalid_days, purged_traffic_days,"
            " break_events, archived_break_days, delivery_no_fills"
        )
        yield Cellar(world, owner, emulator, bucket, a_campaign_of(world, 1000))


def breaks_of(cellar: Cellar, *, breaks: int = 1, at: datetime = AT) -> list[Beacon]:
    """Return what players tell of the beginning and end of breaks, over a whole day."""
    placement = cellar.owner.execute(
        "SELECT p.placement_id::text FROM placements p JOIN campaigns c USING (organization_id)"
        " WHERE c.campaign_id = %s",
        (cellar.campaign.campaign_id,),
    ).fetchone()
    assert placement
    told = [
        some_claims(
            placement_id=placement["placement_id"],
            slot=0,
            decided_at=at + timedelta(minutes=number * 1439 // breaks),
        )
        for number in range(breaks)
    ]
    return [
        a_beacon(claims, event=event)
        for claims in told
        for event in (BeaconEvent.BREAK_START, BeaconEvent.BREAK_END)
    ]


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
