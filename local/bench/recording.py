"""The consumer's ledger: beacons per second into PostgreSQL, with durable commits."""

import statistics
import time
from collections.abc import Mapping, Sequence

import psycopg

from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.beacon_ledger import PostgresBeaconLedger
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.domain.ids import LineItemId
from ctv_ads.migrate import ensure_role, migrate_up, packaged_migrations
from local.bench.inventory import impressions

_PASSWORD = "bench"  # noqa: S105 - of a database that lives for one run
_CAMPAIGNS = 20


def prepare_database(dsn: str) -> Sequence[LineItemId]:
    """Migrate an empty database and return the line items of some active campaigns."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for role in ("ctv_api", "ctv_pipeline"):
            ensure_role(connection, role, _PASSWORD)
        migrate_up(connection, packaged_migrations())
        organization, user, advertiser = new_id(), new_id(), new_id()
        connection.execute(
            "INSERT INTO organizations (organization_id, name) VALUES (%s, 'Bench')",
            (organization,),
        )
        connection.execute(
            "INSERT INTO users (user_id, email, name, password_hash) VALUES (%s, 'b@x', 'B', '-')",
            (user,),
        )
        connection.execute(
            "INSERT INTO advertisers (advertiser_id, organization_id, name)"
            " VALUES (%s, %s, 'Bench')",
            (advertiser, organization),
        )
        ids = [(new_id(), LineItemId(new_id())) for _ in range(_CAMPAIGNS)]
        for campaign, line_item in ids:
            connection.execute(
                "INSERT INTO campaigns (campaign_id, organization_id, advertiser_id, name, status,"
                " budget_micros, cpm_micros, starts_at, ends_at, created_by) VALUES"
                " (%s, %s, %s, 'Bench', 'active', 1000000000000000, 20000000,"
                "  now() - interval '1 day', now() + interval '1 day', %s)",
                (campaign, organization, advertiser, user),
            )
            connection.execute(
                "INSERT INTO line_items (line_item_id, organization_id, campaign_id, name)"
                " VALUES (%s, %s, %s, 'Bench')",
                (line_item, organization, campaign),
            )
    return [line_item for _, line_item in ids]


def measure_recording(
    server: Mapping[str, object], line_items: Sequence[LineItemId]
) -> dict[int, float]:
    """Return beacons per second by batch size: the median over some batches."""
    database = Database(
        {**server, "username": "ctv_pipeline", "password": _PASSWORD, "sslmode": "disable"}
    )
    ledger = PostgresBeaconLedger(database)
    rates: dict[int, float] = {}
    for size, batches in ((100, 20), (1000, 10), (10_000, 4)):
        seconds = []
        for _ in range(batches):
            batch = impressions(line_items, size)
            started = time.perf_counter()
            recorded = ledger.record(batch)
            seconds.append(time.perf_counter() - started)
            if recorded.billed_impressions != size:
                raise AssertionError(f"{recorded} of {size}: the bench measures a failure")
        rates[size] = round(size / statistics.median(seconds))
    database.close()
    return rates
