"""Counting what was delivered, by hour and by day, in the transaction that recorded it.

What events or counts of decisions add to each hour is put into the temporary table `counted`, and
from there added to `delivery_hours` and `delivery_days`, in the order of their keys. Sessions are
counted by sketches, which are merged here, between reading and writing: who counts holds the
campaign, so nobody merges meanwhile.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.ad_events import signed
from ctv_ads.adapters.postgres.array_texts import bytes_array, plain_array, text_array
from ctv_ads.adapters.postgres.database import Connection, Database
from ctv_ads.adapters.session_sketches import merged_sketch
from ctv_ads.domain.beacon import Beacon
from ctv_ads.domain.delivered import COUNTED, Recorded, count_delivered, count_spend
from ctv_ads.domain.delivery import DecidedCounts
from ctv_ads.domain.ids import CampaignId, LineItemId

_DECIDED = ("requests", "opportunities", "no_fills", "ads_served")
RECORDED = (*COUNTED, "billed_micros", "unbilled_impressions")
_KEY = "organization_id, campaign_id, line_item_id, creative_id, placement_id, country, device_type"
_UNIQUE = "line_item_id, creative_id, placement_id, country, device_type"
_HOURLY = ("campaign_id", "hour", *_UNIQUE.split(", "))

# Statements are put together from the names above, which are ours.
# ruff: noqa: S608
TEMPORARY = f"""
CREATE TEMPORARY TABLE IF NOT EXISTS counted (
    row_number integer, organization_id uuid, campaign_id uuid, line_item_id uuid,
    creative_id uuid, placement_id uuid, country text, device_type text, hour timestamptz,
    {", ".join(f"{name} bigint" for name in (*_DECIDED, *RECORDED))}
) ON COMMIT DELETE ROWS"""
_KEYS = """%s::integer[], %s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[],
    %s::text[], %s::text[], %s::timestamptz[]"""
_FILL = f"""
INSERT INTO counted (row_number, {_KEY}, hour, {", ".join(RECORDED)})
SELECT * FROM unnest({_KEYS}, {", ".join("%s::bigint[]" for _ in RECORDED)})"""
# One look into the primary key for each.
_KNOWN_SESSIONS = f"""
SELECT c.row_number, h.sessions
FROM unnest({_KEYS}) AS c (row_number, {_KEY}, hour)
CROSS JOIN LATERAL (
    SELECT h.sessions FROM delivery_hours h
    WHERE ({", ".join(f"h.{name}" for name in _HOURLY)})
        = ({", ".join(f"c.{name}" for name in _HOURLY)})
    LIMIT 1
) h
WHERE h.sessions IS NOT NULL"""
_ERRORS = f"""
INSERT INTO delivery_errors AS e ({_KEY}, hour, vast_error_code, errors)
SELECT {_KEY}, hour, f.code, f.errors
FROM unnest(%s::integer[], %s::smallint[], %s::bigint[]) AS f (row_number, code, errors)
JOIN counted c USING (row_number)
ORDER BY campaign_id, hour, {_UNIQUE}, f.code
ON CONFLICT (campaign_id, hour, {_UNIQUE}, vast_error_code)
DO UPDATE SET errors = e.errors + excluded.errors"""


def _added(names: Sequence[str]) -> str:
    return ", ".join(f"{name} = s.{name} + excluded.{name}" for name in names)


def _to_hours(names: Sequence[str], *, sketches: str) -> str:
    return f"""
INSERT INTO delivery_hours AS s ({_KEY}, hour, {", ".join(names)}, sessions, updated_at)
SELECT {_KEY}, hour, {", ".join(names)}, k.sketch, clock_timestamp()
FROM counted LEFT JOIN {sketches} USING (row_number)
ORDER BY campaign_id, hour, {_UNIQUE}
ON CONFLICT (campaign_id, hour, {_UNIQUE}) DO UPDATE SET
    {_added(names)}, sessions = coalesce(excluded.sessions, s.sessions),
    updated_at = excluded.updated_at"""


def _to_days(names: Sequence[str]) -> str:
    return f"""
INSERT INTO delivery_days AS s ({_KEY}, day, {", ".join(names)}, updated_at)
SELECT {_KEY}, (hour AT TIME ZONE 'UTC')::date AS day,
       {", ".join(f"sum({name})" for name in names)}, clock_timestamp()
FROM counted
GROUP BY {_KEY}, day
ORDER BY campaign_id, day, {_UNIQUE}
ON CONFLICT (campaign_id, day, {_UNIQUE}) DO UPDATE SET
    {_added(names)}, updated_at = excluded.updated_at"""


_HOURS_OF_RECORDED = _to_hours(
    RECORDED, sketches="unnest(%s::integer[], %s::bytea[]) AS k (row_number, sketch)"
)
_DAYS_OF_RECORDED = _to_days(RECORDED)
_HOURS_OF_DECIDED = _to_hours(
    _DECIDED, sketches="(SELECT 0 AS row_number, NULL::bytea AS sketch) AS k"
)
_DAYS_OF_DECIDED = _to_days(_DECIDED)

_TAKE = """
INSERT INTO decision_counts_taken (message_id)
SELECT id FROM unnest(%s::uuid[]) AS id ORDER BY id
ON CONFLICT DO NOTHING
RETURNING message_id::text"""
# What names a line item is its campaign's, the rest its placement's.
_COUNT_DECIDED = f"""
INSERT INTO counted ({_KEY}, hour, {", ".join(_DECIDED)})
SELECT p.organization_id, coalesce(l.campaign_id, none), coalesce(l.line_item_id, none),
       CASE WHEN l.line_item_id IS NULL THEN none ELSE coalesce(d.creative_id, none) END,
       p.placement_id, d.country, d.device_type, d.hour,
       {", ".join(f"sum(d.{name})" for name in _DECIDED)}
FROM jsonb_to_recordset(%s) AS d (
    placement_id uuid, country text, device_type text, hour timestamptz, line_item_id uuid,
    creative_id uuid, {", ".join(f"{name} bigint" for name in _DECIDED)}
)
CROSS JOIN (SELECT '00000000-0000-0000-0000-000000000000'::uuid AS none) n
JOIN placements p USING (placement_id)
LEFT JOIN line_items l ON l.line_item_id = d.line_item_id
    AND l.organization_id = p.organization_id
WHERE d.line_item_id IS NULL OR l.line_item_id IS NOT NULL
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"""

_NO_FILLS = """
INSERT INTO delivery_no_fills AS s (organization_id, placement_id, country, device_type, hour, reason,
                                    no_fills)
SELECT p.organization_id, p.placement_id, d.country, d.device_type, d.hour, r.key,
       sum(r.value::bigint)
FROM jsonb_to_recordset(%s) AS d (
    placement_id uuid, country text, device_type text, hour timestamptz, no_fill_reasons jsonb
)
JOIN placements p USING (placement_id)
CROSS JOIN jsonb_each_text(d.no_fill_reasons) r
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY 1, 5, 2, 3, 4, 6
ON CONFLICT (organization_id, hour, placement_id, country, device_type, reason)
DO UPDATE SET no_fills = s.no_fills + excluded.no_fills"""


class Owner(NamedTuple):
    """Whose a line item is."""

    organization_id: str
    campaign_id: CampaignId


class Delivered:
    """What a batch of events that are recorded adds to the counts."""

    def __init__(self, events: Iterable[Beacon], owners: Mapping[LineItemId, Owner]) -> None:
        self._by_key = count_delivered(events)
        self._rows = list(self._by_key.values())
        line_items, creatives, placements, countries, devices, days, hours = _columns(self._by_key)
        organizations, campaigns = _columns(owners[line_item] for line_item in line_items)
        ids = (organizations, campaigns, line_items, creatives, placements)
        self._keys = [
            plain_array(range(len(self._rows))),
            *map(plain_array, ids),
            text_array(countries),
            text_array(devices),
            plain_array(map("{}T{:02}:00Z".format, days, hours)),
        ]

    def ask_known_sessions(self, connection: Connection) -> Iterable[DictRow]:
        """Ask who was seen before in the hours in which the batch has seen sessions."""
        if not any(row.sessions for row in self._rows):
            return ()
        return connection.execute(_KNOWN_SESSIONS, self._keys, binary=True)

    def count(
        self,
        connection: Connection,
        paid_for: Iterable[Recorded],
        known_sessions: Iterable[DictRow],
    ) -> None:
        """Add what was delivered, and what it cost, to hours and days."""
        count_spend(self._by_key, paid_for)
        sums = [(*row.counts, row.billed_micros, row.unbilled_impressions) for row in self._rows]
        connection.execute(_FILL, [*self._keys, *map(plain_array, _columns(sums))])
        known = {row["row_number"]: row["sessions"] for row in known_sessions}
        sketches = {
            number: merged_sketch(known.get(number), map(signed, row.sessions))
            for number, row in enumerate(self._rows)
            if row.sessions
        }
        count_recorded(connection, sketches)
        errors = [
            (number, code, count)
            for number, row in enumerate(self._rows)
            for code, count in row.error_codes.items()
        ]
        if errors:
            connection.execute(_ERRORS, [plain_array(column) for column in _columns(errors)])


def count_recorded(connection: Connection, sketches: Mapping[int, bytes]) -> None:
    """Add to hours and days what `counted` holds; sketches by row replace those of their hours."""
    values = (plain_array(sketches), bytes_array(sketches.values()))
    connection.execute(_HOURS_OF_RECORDED, values)
    connection.execute(_DAYS_OF_RECORDED)


def _columns(rows: Iterable[Iterable[Any]]) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True))


class PostgresDecisionCounts:
    """Implements `ports.DecisionCounts`.

    In a transaction of its own, so that rows are always locked in one order: those of hours,
    then those of days, each by key.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, messages: Sequence[DecidedCounts]) -> int:
        """Add the counts of messages that were not added before; return how many those were."""
        with self._database.transaction() as connection:
            ids = [message.message_id for message in messages]
            taken = {row["message_id"] for row in connection.execute(_TAKE, (ids,))}
            fresh = {m.message_id: m for m in messages if m.message_id in taken}
            rows = [row.document() for message in fresh.values() for row in message.rows]
            connection.execute(TEMPORARY)
            connection.execute(_COUNT_DECIDED, (json.dumps(rows),))
            connection.execute(_HOURS_OF_DECIDED)
            connection.execute(_DAYS_OF_DECIDED)
            if told := [row for row in rows if "no_fill_reasons" in row]:
                connection.execute(_NO_FILLS, (json.dumps(told),))
        return len(fresh)
