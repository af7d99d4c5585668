"""The consumer's ledger: beacons per second into PostgreSQL, with durable commits.

The day holds 1.5 million events already. Two kinds of batches: whole ads, six events each of
which one is paid for, and impressions alone, the dearest that there is. Each ad is of one of 40
line items, 120 creatives, 5 placements, 6 countries and 4 kinds of devices, and every bucket can
pay; sessions are told apart by their hash.
"""

import random
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier

import psycopg

from ctv_ads.adapters.garbage import garbage_left_alone
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.beacon_ledger import PostgresBeaconLedger
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.domain.beacon import Beacon, BeaconClaims, BeaconEvent
from ctv_ads.domain.ids import CreativeId, DecisionId, LineItemId, PlacementId
from ctv_ads.migrate import ensure_role, migrate_up, packaged_migrations

_PASSWORD = "bench"  # noqa: S105 - of a database that lives for one run
_LINE_ITEMS, _CREATIVES_EACH, _PLACEMENTS = 40, 3, 5
# Some are asked for more than others, as everywhere.
_COUNTRIES = {"US": 60, "DE": 15, "GB": 10, "FR": 8, "BR": 4, "": 3}
_DEVICES = {"ctv": 70, "set_top_box": 20, "phone": 7, "": 3}
_BUCKET = 1_800_000_000
_PLAYED = timedelta(minutes=2)
SIZES = (100, 1000, 10_000)
_ROUNDS = 4
_SETTLES_S = 3
ROWS_BEFORE = 1_500_000
WHOLE_ADS = (
    BeaconEvent.IMPRESSION,
    BeaconEvent.START,
    BeaconEvent.FIRST_QUARTILE,
    BeaconEvent.MIDPOINT,
    BeaconEvent.THIRD_QUARTILE,
    BeaconEvent.COMPLETE,
)
IMPRESSIONS = (BeaconEvent.IMPRESSION,)

_BOOK = """
INSERT INTO campaigns (campaign_id, organization_id, advertiser_id, name, status, budget_micros,
                       cpm_micros, starts_at, ends_at, created_by)
VALUES (%(campaign)s, %(organization)s, %(advertiser)s, 'Bench', 'active', 1000000000000000,
        20000000, now() - interval '1 day', now() + interval '1 day', %(user)s);
INSERT INTO line_items (line_item_id, organization_id, campaign_id, name)
VALUES (%(line_item)s, %(organization)s, %(campaign)s, 'Bench');
INSERT INTO token_buckets (line_item_id, bucket, organization_id, campaign_id, budget_day,
                           granted_micros, opened_at)
VALUES (%(line_item)s, %(bucket)s, %(organization)s, %(campaign)s, current_date,
        900000000000000, now())"""
_FILM = """
INSERT INTO creatives (creative_id, organization_id, campaign_id, name, filename, content_type,
                       declared_size_bytes, status, facts, media_sha256, media_key, created_by)
SELECT %(creative)s, c.organization_id, c.campaign_id, 'Bench', 'b.mp4', 'video/mp4', 1, 'ready',
       '{"duration_ms": 30000}', repeat('0', 64), 'bench.mp4', c.created_by
FROM line_items l JOIN campaigns c USING (campaign_id) WHERE l.line_item_id = %(line_item)s"""
_FILL = """
INSERT INTO ad_events (day, decision_id, slot, event, line_item_id, creative_id, placement_id,
                       decided_at, received_at, price_micros, user_agent_class)
SELECT %(now)s::timestamptz::date, uuidv7(), 1, 'start', %(line_item)s, %(line_item)s,
       %(line_item)s, %(now)s, %(now)s, 20000, 'roku'
FROM generate_series(1, %(rows)s)"""


@dataclass(frozen=True, slots=True)
class Bookings:
    """What the beacons of a bench are about."""

    line_items: Sequence[LineItemId]
    creatives: Mapping[LineItemId, Sequence[CreativeId]]
    placements: Sequence[PlacementId]


def prepare_database(dsn: str, *, rows_before: int = ROWS_BEFORE) -> Bookings:
    """Migrate an empty database, book line items, and fill today with events."""
    with psycopg.connect(dsn, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        for role in ("ctv_api", "ctv_pipeline"):
            ensure_role(connection, role, _PASSWORD)
        migrate_up(connection, packaged_migrations())
        shared = {name: new_id() for name in ("organization", "user", "advertiser")}
        connection.execute(
            "INSERT INTO organizations (organization_id, name) VALUES (%(organization)s, 'Bench');"
            "INSERT INTO users (user_id, email, name, password_hash)"
            " VALUES (%(user)s, 'b@x', 'B', '-');"
            "INSERT INTO advertisers (advertiser_id, organization_id, name)"
            " VALUES (%(advertiser)s, %(organization)s, 'Bench')",
            shared,
        )
        line_items = [LineItemId(new_id()) for _ in range(_LINE_ITEMS)]
        for line_item in line_items:
            booked = {"campaign": new_id(), "line_item": line_item, "bucket": _BUCKET}
            connection.execute(_BOOK, {**shared, **booked})
        creatives = {
            item: [CreativeId(new_id()) for _ in range(_CREATIVES_EACH)] for item in line_items
        }
        for item, films in creatives.items():
            for film in films:
                connection.execute(_FILM, {"creative": film, "line_item": item})
        now = datetime.now(UTC)
        connection.execute(
            "SELECT ensure_ad_event_partitions(%(today)s, %(today)s)", {"today": now.date()}
        )
        connection.execute(_FILL, {"now": now, "line_item": line_items[0], "rows": rows_before})
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    time.sleep(_SETTLES_S)  # the disk goes on writing what was loaded
    return Bookings(
        line_items,
        creatives,
        [PlacementId(new_id()) for _ in range(_PLACEMENTS)],
    )


def beacons_of(
    bookings: Bookings, events: Sequence[BeaconEvent], count: int, *, chance: random.Random
) -> Sequence[Beacon]:
    """Return `count` new beacons of ads that have just ended; viewers see four in a session."""
    now = datetime.now(UTC).replace(microsecond=0)
    decided_at = now - _PLAYED
    beacons: list[Beacon] = []
    session = 0
    while len(beacons) < count:
        if len(beacons) % (4 * len(events)) == 0:
            session = chance.getrandbits(64)
        line_item = chance.choice(bookings.line_items)
        claims = BeaconClaims(
            decision_id=DecisionId(new_id()),
            slot=1,
            decided_at=decided_at,
            expires_at=now + timedelta(days=1),
            line_item_id=line_item,
            creative_id=chance.choice(bookings.creatives[line_item]),
            placement_id=chance.choice(bookings.placements),
            price_micros=20_000,
            bucket=_BUCKET,
            country=_one_of(_COUNTRIES, chance),
            device_type=_one_of(_DEVICES, chance),
            session=session,
        )
        beacons += [Beacon(event, claims, now, "203.0.113.0/24", "roku") for event in events]
    return beacons[:count]


def _one_of(weights: Mapping[str, int], chance: random.Random) -> str:
    return chance.choices(list(weights), list(weights.values()))[0]


def ledger_on(server: Mapping[str, object]) -> tuple[PostgresBeaconLedger, Database]:
    """Return the ledger as the consumer has it, and its database."""
    secret = {**server, "username": "ctv_pipeline", "password": _PASSWORD, "sslmode": "disable"}
    database = Database(secret, statement_timeout_ms=20_000)
    return PostgresBeaconLedger(database), database


def measure_recording(
    server: Mapping[str, object],
    bookings: Bookings,
    events: Sequence[BeaconEvent],
    *,
    events_per_size: int = 40_000,
) -> dict[int, dict[str, float]]:
    """Return by batch size: events per second (of the median batch) and ms per 100 events."""
    ledger, database = ledger_on(server)
    chance = random.Random(5)  # noqa: S311 - the same batches every time
    ledger.record(beacons_of(bookings, events, 100, chance=chance))
    found: dict[int, dict[str, float]] = {}
    taken: dict[int, list[float]] = {size: [] for size in SIZES}
    # In turns, so that no size has the machine's slow moments to itself.
    for size in SIZES * _ROUNDS:
        batches = min(max(events_per_size // size // _ROUNDS, 1), 20)
        taken[size] += [
            _seconds(ledger, beacons_of(bookings, events, size, chance=chance))
            for _ in range(batches)
        ]
    for size, seconds in taken.items():
        median = statistics.median(seconds)
        found[size] = {
            "events_per_s": round(size / median),
            "ms_per_100": round(median * 100_000 / size, 2),
            "slowest_batch_ms": round(max(seconds) * 1000, 1),
        }
    database.close()
    return found


def _seconds(ledger: PostgresBeaconLedger, batch: Sequence[Beacon]) -> float:
    with garbage_left_alone():  # as the consumer does
        started = time.perf_counter()
        recorded = ledger.record(batch)
        taken = time.perf_counter() - started
    if recorded.recorded != len(batch) or recorded.unbilled_impressions:
        raise AssertionError(f"{recorded} of {len(batch)}: the bench measures a failure")
    return taken


def measure_two_writers(server: Mapping[str, object], bookings: Bookings) -> float:
    """Return the events per second of two processes at once, with the same line items.

    A deadlock would end one of them with an error.
    """
    processes = get_context("spawn")
    start, results = processes.Barrier(3), processes.Queue()
    writers = [
        processes.Process(target=_write, args=(dict(server), bookings, seed, start, results))
        for seed in (1, 2)
    ]
    for writer in writers:
        writer.start()
    start.wait(60)
    started = time.perf_counter()
    written = sum(results.get(timeout=120) for _ in writers)
    taken = time.perf_counter() - started
    for writer in writers:
        writer.join()
    return float(round(written / taken))


def _write(
    server: Mapping[str, object],
    bookings: Bookings,
    seed: int,
    start: Barrier,
    results: "Queue[int]",
) -> None:
    ledger, database = ledger_on(server)
    chance = random.Random(seed)  # noqa: S311 - the same batches every time
    batches = [beacons_of(bookings, WHOLE_ADS, 1000, chance=chance) for _ in range(20)]
    ledger.record(batches[0])
    start.wait(60)
    with garbage_left_alone():
        for batch in batches[1:]:
            ledger.record(batch)
    results.put(sum(map(len, batches[1:])))
    database.close()
