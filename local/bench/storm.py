"""A storm on tiny budgets: processes that decide and record at once, while a controller grants.

Decisions are the ad server's, on the real Valkey; impressions are recorded and billed as the
consumer does it, in another order than they were decided. Some are lost, some come twice, and a few
after their reservation has expired.
"""

import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from typing import Any

import psycopg
import redis

from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.decision_notes import encode_note
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.beacon_ledger import PostgresBeaconLedger
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.token_buckets import PostgresTokenLedger
from ctv_ads.adapters.valkey.grants import ValkeyTokenStore
from ctv_ads.adapters.valkey.inventory_reader import ValkeySnapshotReader
from ctv_ads.adapters.valkey.inventory_store import ValkeyInventoryStore
from ctv_ads.adapters.valkey.pod_filler import ValkeyPodFiller
from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.domain.ad_request import AdBreak, AdRequest
from ctv_ads.domain.beacon import Beacon, BeaconEvent
from ctv_ads.domain.beacon_token import read_token
from ctv_ads.domain.decision_record import AnswerForm
from ctv_ads.domain.inventory import Inventory
from ctv_ads.use_cases.grant_tokens import GrantTokens
from ctv_ads.use_cases.serve_pod import Question, ServePod
from local.bench.serving import TIMEOUT_MS, TOKEN_KEYS, server_on
from local.bench.targeted import inventory_of

BUDGETS = 200
PROCESSES = 4
LEAST_UNBILLED = 0.001
"""What share of what was delivered may stay unbilled, at most."""
_PRICE_MICROS = 20_000
_RESERVATION = timedelta(seconds=20)
_LOOK_EVERY_S = 5
_BATCH = 100
_BATCH_WAITS_S = 3
_LOST, _TWICE, _LATE = 0.01, 0.02, 0.0003
_BOOK = """
INSERT INTO organizations (organization_id, name) VALUES (%(organization)s, 'Storm');
INSERT INTO users (user_id, email, name, password_hash) VALUES (%(user)s, 's@x', 'S', '-');
INSERT INTO advertisers (advertiser_id, organization_id, name)
VALUES (%(advertiser)s, %(organization)s, 'Storm');
INSERT INTO campaigns (campaign_id, organization_id, advertiser_id, name, status, budget_micros,
                       cpm_micros, starts_at, ends_at, created_by)
SELECT uuidv7(), %(organization)s, %(advertiser)s, 'Storm ' || n, 'active',
       (20 + n %% 180) * 20000 + n %% 2 * 10000, 20000000, now() - interval '1 day',
       now() + interval '1 day', %(user)s
FROM generate_series(1, %(budgets)s) n;
INSERT INTO line_items (line_item_id, organization_id, campaign_id, name, pacing)
SELECT uuidv7(), organization_id, campaign_id, 'Storm ' || n, 'asap'
FROM campaigns, generate_series(1, 2) n WHERE organization_id = %(organization)s"""
_LINE_ITEMS = """
SELECT line_item_id::text, campaign_id::text FROM line_items WHERE organization_id = %s"""
_OVERSPENT = """
SELECT coalesce(sum(greatest(c.billed_micros - c.budget_micros, 0)), 0)::bigint,
       sum(c.billed_micros)::bigint, sum(c.budget_micros)::bigint
FROM campaigns c WHERE c.organization_id = %s"""


@dataclass(frozen=True, slots=True)
class Storm:
    """What became of it. `unbilled_share` is of all impressions that were recorded."""

    seconds: int
    decisions: int
    ads_served: int
    recorded: int
    repeated: int
    lost: int
    late: int
    unbilled: int
    unbilled_share: float
    overspent_micros: int
    spent_micros: int
    budgets_micros: int


def measure_storm(
    dsn: str, pipeline: Mapping[str, Any], valkey_url: str, *, seconds: int = 60
) -> Storm:
    """Let `PROCESSES` processes spend 200 tiny budgets as fast as they can, for some seconds.

    `dsn` is the owner's, of a migrated database without other active campaigns.

    Raises:
        AssertionError: more was billed than was budgeted, or too much stayed unbilled.
    """
    organization, line_items = _book(dsn)
    context = get_context("spawn")
    until = time.time() + seconds
    with context.Pool(PROCESSES) as pool, redis.Redis.from_url(valkey_url) as client:
        published = inventory_of(line_items, price_micros=_PRICE_MICROS)
        ValkeyInventoryStore(client).publish(published)
        arguments = (dict(pipeline), valkey_url, _placement(published), until)
        jobs = [
            pool.apply_async(_serve_and_record, (*arguments, seed)) for seed in range(PROCESSES)
        ]
        _control(Database(pipeline), client, until)
        counts: Counter[str] = Counter()
        for job in jobs:
            counts += job.get()
    with psycopg.connect(dsn) as connection:
        row = connection.execute(_OVERSPENT, (organization,)).fetchone() or (0, 0, 0)
    names = ("decisions", "ads_served", "recorded", "repeated", "lost", "late", "unbilled")
    storm = Storm(
        seconds=seconds,
        **{name: counts[name] for name in names},
        unbilled_share=round(counts["unbilled"] / max(counts["recorded"], 1), 6),
        overspent_micros=row[0],
        spent_micros=row[1],
        budgets_micros=row[2],
    )
    if storm.overspent_micros or storm.unbilled_share >= LEAST_UNBILLED:
        raise AssertionError(f"more than is allowed: {storm}")
    return storm


def _placement(inventory: Inventory) -> str:
    return next(iter(inventory.placements))


def _control(database: Database, client: redis.Redis, until: float) -> None:
    ledger = PostgresTokenLedger(database, reservation_lifetime=_RESERVATION)
    look = GrantTokens(ledger, ValkeyTokenStore(client), utc_now)
    while time.time() < until:
        look()
        time.sleep(_LOOK_EVERY_S)
    database.close()


def _serve_and_record(
    pipeline: Mapping[str, Any], valkey_url: str, placement: str, until: float, seed: int
) -> Counter[str]:
    chance, counts = random.Random(seed), Counter[str]()  # noqa: S311 - no secret
    waiting: list[Beacon] = []
    late: list[Beacon] = []
    database = Database(pipeline)
    ledger = PostgresBeaconLedger(database)
    asked = Question(
        placement,
        lambda _: AdRequest(placement, ad_break=AdBreak(max_ads=4)),
        AnswerForm.VAST,
        "http://localhost:3000",
    )
    with RespConnection(valkey_url, timeout_ms=TIMEOUT_MS) as connection:
        reader, filler = ValkeySnapshotReader(connection), ValkeyPodFiller(connection)
        serve = server_on(reader, filler, encode_note, reservation=_RESERVATION)
        recorded_at = time.time()
        while (now := time.time()) < until:
            _ask(serve, asked, chance, counts, waiting, late)
            if len(waiting) >= _BATCH or now > recorded_at + _BATCH_WAITS_S:
                counts += _record(ledger, waiting, chance)
                waiting, recorded_at = [], now
    counts += _record(ledger, waiting, chance)
    time.sleep(_RESERVATION.total_seconds())
    counts += _record(ledger, late, chance)
    database.close()
    return counts


def _ask(
    serve: ServePod,
    asked: Question,
    chance: random.Random,
    counts: Counter[str],
    waiting: list[Beacon],
    late: list[Beacon],
) -> None:
    """Decide one pod, and leave its impressions where they wait to be recorded."""
    ads = serve(asked).ads
    counts["decisions"] += 1
    counts["ads_served"] += len(ads)
    for ad in ads:
        claims = read_token(ad.token, TOKEN_KEYS)
        seen = Beacon(BeaconEvent.IMPRESSION, claims, datetime.now(UTC), "203.0.113.0/24", "roku")
        fate = chance.random()
        if fate < _LOST:
            counts["lost"] += 1
        elif fate < _LOST + _LATE:
            counts["late"] += 1
            late.append(seen)
        else:
            waiting += [seen, seen] if fate < _LOST + _LATE + _TWICE else [seen]


def _record(
    ledger: PostgresBeaconLedger, beacons: Sequence[Beacon], chance: random.Random
) -> Counter[str]:
    if not beacons:
        return Counter()
    shuffled = chance.sample(beacons, len(beacons))
    batch = ledger.record(shuffled)
    return Counter(
        recorded=batch.recorded, repeated=batch.duplicates, unbilled=batch.unbilled_impressions
    )


def _book(dsn: str) -> tuple[str, list[tuple[str, str]]]:
    organization = new_id()
    values = {
        "organization": organization,
        "user": new_id(),
        "advertiser": new_id(),
        "budgets": BUDGETS,
    }
    with psycopg.connect(dsn, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(_BOOK, values)
        rows = connection.execute(_LINE_ITEMS, (organization,)).fetchall()
    return organization, [(row[0], row[1]) for row in rows]
