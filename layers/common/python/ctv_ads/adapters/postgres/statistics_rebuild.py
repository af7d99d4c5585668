"""Counting a day's events anew.

When they were recorded they were counted batch by batch (`domain/delivered.py`); here all are summed
at once, in the database, and go from `counted` to hours and days by the same statements.

The campaigns of the day are locked first, as the recorder locks them: meanwhile nobody adds an
event of theirs, and afterwards events and counts agree.
"""

from collections.abc import Iterable
from datetime import date

from ctv_ads.adapters.postgres import delivery_counts
from ctv_ads.adapters.postgres.database import Connection, Database
from ctv_ads.adapters.postgres.delivery_counts import RECORDED
from ctv_ads.adapters.postgres.spend_counts import OF_DAY, count_spend
from ctv_ads.adapters.session_sketches import merged_sketch
from ctv_ads.domain.delivered import COUNTED
from ctv_ads.domain.event_archive import EVENTS
from ctv_ads.ports.event_archive import Lines

# Statements are put together from names of ours.
# ruff: noqa: S608
_NAMES = ", ".join(name for name, _ in EVENTS.columns)
_ARCHIVED = (
    "CREATE TEMPORARY TABLE archived_events ("
    + ", ".join(f"{name} {kind}" for name, kind in EVENTS.columns)
    + ") ON COMMIT DROP"
)
_COPY = f"COPY archived_events ({_NAMES}) FROM STDIN (FORMAT csv)"
_HERE = """
SELECT l.organization_id, l.campaign_id, e.* FROM ad_events e JOIN line_items l USING (line_item_id)
WHERE e.day = %(day)s"""
_THERE = """
SELECT %(day)s::date AS day, organization_id, campaign_id, decision_id, slot, event, line_item_id,
       creative_id, placement_id, decided_at AT TIME ZONE 'UTC' AS decided_at, price_micros,
       billed_micros, vast_error_code, rate_type, bucket, coalesce(country, '') AS country,
       coalesce(device_type, '') AS device_type, session, batch
FROM archived_events"""
_LOCK = """
SELECT campaign_id FROM campaigns WHERE campaign_id IN (
    SELECT campaign_id FROM delivery_days WHERE day = %(day)s
    UNION SELECT campaign_id FROM ledger_entries WHERE day = %(day)s
    UNION SELECT campaign_id FROM ({source}) e
) ORDER BY campaign_id FOR NO KEY UPDATE"""
_RECORDED = """
CREATE TEMPORARY TABLE IF NOT EXISTS recorded (
    organization_id uuid, campaign_id uuid, day date, decision_id uuid, slot smallint, event text,
    line_item_id uuid, creative_id uuid, placement_id uuid, decided_at timestamptz,
    price_micros bigint, billed_micros bigint, vast_error_code smallint, country text,
    device_type text, session bigint, is_billable boolean
) ON COMMIT DELETE ROWS"""
_FILL = """
INSERT INTO recorded (organization_id, campaign_id, day, decision_id, slot, event, line_item_id,
                      creative_id, placement_id, decided_at, price_micros, billed_micros,
                      vast_error_code, country, device_type, session, is_billable)
SELECT organization_id, campaign_id, day, decision_id, slot, event, line_item_id, creative_id,
       placement_id, decided_at, price_micros, billed_micros, vast_error_code, country, device_type,
       session, (event, rate_type) IN (('impression', 'cpm'), ('complete', 'cpcv'))
FROM ({source}) e WHERE campaign_id = ANY (%(campaigns)s::uuid[])"""
_BY = (
    "organization_id, campaign_id, line_item_id, creative_id, placement_id, country, device_type,"
    " date_trunc('hour', decided_at, 'UTC')"
)
_COUNT = f"""
INSERT INTO counted (row_number, organization_id, campaign_id, line_item_id, creative_id,
                     placement_id, country, device_type, hour, {", ".join(RECORDED)})
SELECT row_number() OVER (ORDER BY {_BY}), {_BY},
       {", ".join(f"count(*) FILTER (WHERE event = '{e.value}')" for e in COUNTED.values())},
       sum(billed_micros), count(*) FILTER (WHERE is_billable AND billed_micros < price_micros)
FROM recorded GROUP BY {_BY}"""
# In the same order, so that rows have the same numbers.
_SEEN = f"""
SELECT row_number() OVER (ORDER BY {_BY}) AS row_number,
       array_agg(session) FILTER (WHERE event = 'impression' AND session <> 0) AS sessions
FROM recorded GROUP BY {_BY}"""
_ERRORS = f"""
INSERT INTO delivery_errors (organization_id, campaign_id, line_item_id, creative_id, placement_id,
                             country, device_type, hour, vast_error_code, errors)
SELECT {_BY}, coalesce(vast_error_code, 0), count(*)
FROM recorded WHERE event = 'error' GROUP BY {_BY}, coalesce(vast_error_code, 0)"""
_OF_HOURS = """campaign_id = ANY (%(campaigns)s::uuid[])
    AND hour >= %(day)s::date::timestamp AT TIME ZONE 'UTC'
    AND hour < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'"""
_OF_DAYS = "campaign_id = ANY (%(campaigns)s::uuid[]) AND day = %(day)s"
_IS_OF_EVENTS_ONLY = "requests = 0 AND opportunities = 0 AND no_fills = 0 AND ads_served = 0"
_NONE = ", ".join(f"{name} = 0" for name in RECORDED)
# What is kept of invalid traffic, unless some of it was purged: then its counts stay.
_INVALID = "SELECT recount_invalid_day(%(day)s)"
# Counts of decisions lock hours, then days, each by key: so it is done here.
_KEY = "line_item_id, creative_id, placement_id, country, device_type"
_FORGET = (
    (
        f"SELECT count(*) FROM (SELECT 1 FROM delivery_hours WHERE {_OF_HOURS}"
        f" ORDER BY campaign_id, hour, {_KEY} FOR UPDATE) r"
    ),
    (
        f"SELECT count(*) FROM (SELECT 1 FROM delivery_days WHERE {_OF_DAYS}"
        f" ORDER BY campaign_id, day, {_KEY} FOR UPDATE) r"
    ),
    f"DELETE FROM delivery_hours WHERE {_OF_HOURS} AND {_IS_OF_EVENTS_ONLY}",
    f"UPDATE delivery_hours SET {_NONE}, sessions = NULL WHERE {_OF_HOURS}",
    f"DELETE FROM delivery_days WHERE {_OF_DAYS} AND {_IS_OF_EVENTS_ONLY}",
    f"UPDATE delivery_days SET {_NONE} WHERE {_OF_DAYS}",
    f"DELETE FROM delivery_errors WHERE {_OF_HOURS}",
)


class PostgresStatisticsRebuild:
    """Implements `ports.StatisticsRebuild`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rebuild(self, day: date, lines: Lines | None) -> int:
        """Replace what was counted of a day's events; return how many were counted."""
        source = _HERE if lines is None else _THERE
        with self._database.transaction() as connection:
            connection.execute(_RECORDED)
            connection.execute(delivery_counts.TEMPORARY)
            if lines is not None:
                load_archived(connection, lines)
            found = connection.execute(_LOCK.format(source=source).encode(), {"day": day})
            values = {"day": day, "campaigns": [row["campaign_id"] for row in found]}
            events = connection.execute(_FILL.format(source=source).encode(), values).rowcount
            connection.execute(_INVALID, values)
            for statement in _FORGET:
                connection.execute(statement.encode(), values)
            _count(connection)
            count_spend(connection, OF_DAY, values)
        return events


def _count(connection: Connection) -> None:
    """Count what the temporary table `recorded` holds; of its hours nothing is counted yet."""
    connection.execute(_COUNT.encode())
    seen = connection.execute(_SEEN.encode(), binary=True)
    sketches = {
        row["row_number"]: merged_sketch(None, row["sessions"]) for row in seen if row["sessions"]
    }
    delivery_counts.count_recorded(connection, sketches)
    connection.execute(_ERRORS.encode())


def load_archived(connection: Connection, lines: Iterable[bytes]) -> None:
    """Put a day's lines into the temporary table `archived_events`."""
    connection.execute(_ARCHIVED.encode())
    with connection.cursor().copy(_COPY.encode()) as copy:
        for block in lines:
            copy.write(block)
