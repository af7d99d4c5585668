"""Days counted anew, from events or from the archive, come out as they were counted at first."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.delivery_counts import PostgresDecisionCounts
from ctv_ads.adapters.postgres.invalid_traffic import PostgresInvalidTraffic
from ctv_ads.domain.beacon import ForgedBeacon
from ctv_ads.domain.delivery import DecidedCounts, DecidedRow
from ctv_ads.domain.ids import CreativeId, PlacementId
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.domain.reasons import NoFillReason
from ctv_ads.errors import ArchiveCorruptError, NotFoundError
from local.emulator import Emulator
from local.postgres import PostgresServer
from tests.builders import a_beacon, some_claims
from tests.cellars import AT, DAY, Cellar, a_cellar, a_server, events_of


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with a_server() as running:
        yield running


@pytest.fixture
def cellar(server: PostgresServer, aws_emulator: Emulator) -> Iterator[Cellar]:
    with a_cellar(server, aws_emulator) as cellar:
        yield cellar


def test_the_statistics_come_out_equal_from_events_and_from_the_archive(cellar: Cellar) -> None:
    for beacons in (
        events_of(cellar.campaign, ads=30),
        events_of(cellar.campaign, ads=3, at=AT - timedelta(days=1)),
        events_of(cellar.campaign, ads=3, at=AT + timedelta(days=1)),
    ):
        cellar.world.ledger.record(beacons)
    tenant_placement = cellar.owner.execute(
        "SELECT placement_id::text FROM placements ORDER BY 1 DESC LIMIT 1"
    ).fetchone()
    assert tenant_placement
    placement_id = PlacementId(tenant_placement["placement_id"])
    claims = some_claims(
        line_item_id=cellar.campaign.line_items[0].line_item_id,
        decided_at=AT + timedelta(hours=3),
        placement_id=placement_id,
        session=9,
    )
    cellar.world.ledger.record([a_beacon(claims)])
    decided = (
        DecidedRow(
            hour=claims.decided_at,
            placement_id=placement_id,
            requests=7,
            opportunities=9,
            no_fills=2,
        ),
        # Counted in the row of the event.
        DecidedRow(
            hour=claims.decided_at,
            placement_id=placement_id,
            line_item_id=claims.line_item_id,
            creative_id=claims.creative_id,
            ads_served=4,
        ),
    )
    PostgresDecisionCounts(cellar.world.pipeline).add([DecidedCounts(new_id(), decided)])
    invalid = [
        replace(one, invalid=InvalidTraffic.CRAWLER) for one in events_of(cellar.campaign, ads=5)
    ]
    PostgresInvalidTraffic(cellar.world.pipeline).record(
        invalid, [(new_id(), 0, ForgedBeacon(AT, None, "bot"))]
    )
    expected = cellar.counted()
    assert all(expected)

    cellar.run()
    spoil = "UPDATE {} SET impressions = 99, billed_micros = 1, starts = 5 WHERE requests = 0"
    for from_archive in (False, True):
        for table in ("delivery_hours", "delivery_days"):
            cellar.owner.execute(spoil.format(table).encode())
        cellar.owner.execute("DELETE FROM delivery_errors")
        cellar.owner.execute("UPDATE invalid_hours SET beacons = 7, country = 'XX'")
        cellar.owner.execute("DELETE FROM invalid_days")
        for day in (DAY - timedelta(days=1), DAY, DAY + timedelta(days=1)):
            assert cellar.rebuild(day, from_archive=from_archive) > 0
        assert cellar.counted() == expected


def test_what_decisions_counted_stays_as_it_is(cellar: Cellar) -> None:
    cellar.world.ledger.record(events_of(cellar.campaign, ads=3))
    placement = cellar.owner.execute("SELECT placement_id::text FROM placements").fetchone()
    assert placement
    here: Any = {"hour": AT, "placement_id": placement["placement_id"]}
    rows = (
        DecidedRow(
            **here,
            requests=8,
            opportunities=9,
            no_fills=2,
            no_fill_reasons={NoFillReason.NO_TOKENS: 2},
        ),
        DecidedRow(
            **here,
            line_item_id=cellar.campaign.line_items[0].line_item_id,
            creative_id=CreativeId(new_id()),
            ads_served=6,
        ),
    )
    PostgresDecisionCounts(cellar.world.pipeline).add([DecidedCounts(new_id(), rows)])
    # Nothing that could be counted again accounts for this: records of decisions are sampled, and
    # which creative one had is known for as long as its inventory is kept.
    cellar.owner.execute("UPDATE delivery_hours SET ads_served = ads_served + 1")
    cellar.owner.execute("UPDATE delivery_no_fills SET no_fills = no_fills + 1")

    def decided() -> list[Any]:
        return [
            cellar.owner.execute(statement).fetchall()
            for statement in (
                (
                    b"SELECT hour, line_item_id, creative_id, placement_id, country, device_type,"
                    b" requests, opportunities, no_fills, ads_served FROM delivery_hours"
                    b" WHERE requests + ads_served > 0 ORDER BY 1, 2, 3, 4, 5, 6"
                ),
                (
                    b"SELECT day, line_item_id, creative_id, placement_id, country, device_type,"
                    b" requests, opportunities, no_fills, ads_served FROM delivery_days"
                    b" WHERE requests + ads_served > 0 ORDER BY 1, 2, 3, 4, 5, 6"
                ),
                b"SELECT * FROM delivery_no_fills ORDER BY hour, reason",
            )
        ]

    before = decided()
    assert all(before)
    cellar.run()
    for from_archive in (False, True):
        cellar.rebuild(from_archive=from_archive)
        assert decided() == before


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
