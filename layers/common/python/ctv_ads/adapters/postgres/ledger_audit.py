"""Holding the books against the events that they sum, and against what else is told of money."""

from collections.abc import Sequence
from datetime import date

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.database import Connection, Database
from ctv_ads.adapters.postgres.ledger import COLUMNS, entry_of
from ctv_ads.adapters.postgres.statistics_rebuild import load_archived
from ctv_ads.domain.ids import AdvertiserId
from ctv_ads.domain.ledger import faults_of_chain
from ctv_ads.ports.event_archive import Lines

# Statements are put together from texts of ours.
# ruff: noqa: S608
_DAYS = """
SELECT day FROM ledger_chains
UNION SELECT day FROM ledger_entries
UNION SELECT day FROM ad_events WHERE billed_micros > 0
ORDER BY day"""
_ENTRIES_OF_DAY = f"""
SELECT {COLUMNS} FROM ledger_entries e WHERE e.day = %s ORDER BY e.advertiser_id, e.sequence"""
_ENDS = """
SELECT c.advertiser_id::text FROM ledger_chains c
LEFT JOIN LATERAL (
    SELECT count(*) AS entries FROM ledger_entries e
    WHERE e.advertiser_id = c.advertiser_id AND e.day = c.day
) n ON true
LEFT JOIN ledger_entries last ON last.advertiser_id = c.advertiser_id AND last.day = c.day
    AND last.sequence = c.entries
WHERE c.day = %s AND (n.entries <> c.entries OR last.entry_hash IS DISTINCT FROM c.head_hash)
ORDER BY c.advertiser_id"""
# What days begin with, and whether the day they build on has an entry that says so.
_STARTS = """
SELECT c.advertiser_id::text, c.start_hash, c.previous_day,
       CASE WHEN c.previous_day IS NULL THEN c.start_hash = decode(repeat('00', 32), 'hex')
            ELSE EXISTS (SELECT FROM ledger_entries e
                         WHERE e.advertiser_id = c.advertiser_id AND e.day = c.previous_day
                           AND e.entry_hash = c.start_hash) END AS is_there
FROM ledger_chains c WHERE c.day = %s ORDER BY c.advertiser_id"""
_DROPPED = "SELECT day FROM archived_days WHERE dropped_at IS NOT NULL ORDER BY day"
_SAID = (
    "line_item_id, rate_type, bucket, batch, decision_id, slot, event, price_micros, billed_micros"
)
_HERE = f"SELECT {_SAID} FROM ad_events WHERE day = %(day)s"
# What came after the day was dropped is here, the rest in the archive.
_THERE = f"SELECT {_SAID} FROM archived_events UNION ALL {_HERE}"
# Each invoice line against the events it names, both ways, with the digest of what they say. An
# event is billable by its own rate type, and is billed its signed price or nothing.
_RECOUNT = """
WITH said AS (
    {source}
), events AS (
    SELECT line_item_id, rate_type, bucket, batch, sum(billed_micros)::bigint AS micros,
           count(*) AS events,
           sha256(string_agg(event_line(decision_id, slot, event, billed_micros), ''
                             ORDER BY decision_id, slot, event)) AS digest,
           bool_and(billed_micros = price_micros
                    AND (event, rate_type) IN (('impression', 'cpm'), ('complete', 'cpcv')))
               AS is_valid
    FROM said WHERE billed_micros > 0
    GROUP BY line_item_id, rate_type, bucket, batch
), credited AS (
    SELECT c.line_item_id, e.rate_type, e.bucket, c.batch, sum(c.amount_micros)::bigint AS micros,
           count(*) AS events,
           sha256(string_agg(event_line(c.decision_id, c.slot, c.event, c.amount_micros), ''
                             ORDER BY c.decision_id, c.slot, c.event)) AS digest,
           bool_and(e.billed_micros = c.amount_micros) AS is_valid
    FROM credited_events c LEFT JOIN said e USING (decision_id, slot, event)
    WHERE c.day = %(day)s
    GROUP BY c.line_item_id, e.rate_type, e.bucket, c.batch
), counted AS (
    SELECT 'delivery' AS kind, * FROM events
    UNION ALL SELECT 'credit', * FROM credited
), entered AS (
    SELECT * FROM ledger_entries WHERE day = %(day)s AND kind <> 'flat'
)
SELECT coalesce(e.kind, c.kind) AS kind, coalesce(e.line_item_id, c.line_item_id)::text AS line_item_id,
       coalesce(e.batch, c.batch) AS batch, e.amount_micros AS entered, c.micros AS counted,
       coalesce(c.is_valid, true) AS is_valid
FROM entered e FULL JOIN counted c
    ON (e.kind, e.line_item_id, e.rate_type, e.bucket, e.batch)
     = (c.kind, c.line_item_id, c.rate_type, c.bucket, c.batch)
WHERE (e.amount_micros, e.events, e.events_sha256)
          IS DISTINCT FROM (c.micros, c.events, c.digest)
   OR NOT c.is_valid
ORDER BY 1, 2, 3"""
_SIGNED = "CASE WHEN kind = 'credit' THEN -amount_micros ELSE amount_micros END"
# What is told elsewhere of money, against the entries. What line items were billed by their own
# days has other days than the books, so it is held against what they were billed altogether.
_BILLS = (
    f"""
SELECT 'campaign ' || c.campaign_id AS name, c.billed_micros AS told, coalesce(s.micros, 0) AS entered
FROM campaigns c LEFT JOIN (
    SELECT campaign_id, sum({_SIGNED})::bigint AS micros FROM ledger_entries GROUP BY campaign_id
) s USING (campaign_id)
WHERE c.billed_micros <> coalesce(s.micros, 0) ORDER BY 1""",
    f"""
SELECT 'line item ' || l.line_item_id AS name, l.billed_micros AS told,
       coalesce(s.micros, 0) AS entered
FROM line_items l LEFT JOIN (
    SELECT line_item_id, sum({_SIGNED})::bigint AS micros FROM ledger_entries GROUP BY line_item_id
) s USING (line_item_id)
WHERE l.billed_micros <> coalesce(s.micros, 0) ORDER BY 1""",
    f"""
SELECT 'daily budgets of line item ' || coalesce(d.line_item_id, s.line_item_id) AS name,
       coalesce(d.micros, 0) AS told, coalesce(s.micros, 0) AS entered
FROM (
    SELECT line_item_id, sum(billed_micros)::bigint AS micros FROM line_item_days GROUP BY line_item_id
) d FULL JOIN (
    SELECT line_item_id, sum({_SIGNED})::bigint AS micros FROM ledger_entries GROUP BY line_item_id
) s USING (line_item_id)
WHERE coalesce(d.micros, 0) <> coalesce(s.micros, 0) ORDER BY 1""",
    *(
        f"""
SELECT '{period}s of line item ' || coalesce(d.line_item_id, s.line_item_id) || ', '
           || coalesce(d.day, s.day) AS name,
       coalesce(d.micros, 0) AS told, coalesce(s.micros, 0) AS entered
FROM (
    SELECT line_item_id, {day} AS day, sum(billed_micros)::bigint AS micros
    FROM delivery_{period}s WHERE billed_micros <> 0 GROUP BY 1, 2
) d FULL JOIN (
    SELECT line_item_id, day, sum({_SIGNED})::bigint AS micros FROM ledger_entries GROUP BY 1, 2
) s USING (line_item_id, day)
WHERE coalesce(d.micros, 0) <> coalesce(s.micros, 0) ORDER BY 1"""
        for period, day in (("day", "day"), ("hour", "(hour AT TIME ZONE 'UTC')::date"))
    ),
)


class PostgresLedgerAudit:
    """Implements `ports.LedgerAudit`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def days(self) -> Sequence[date]:
        """Return the days that have entries or billed events."""
        with self._database.transaction() as connection:
            return [row["day"] for row in connection.execute(_DAYS)]

    def dropped_days(self) -> Sequence[date]:
        """Return the days whose events are in the archive only."""
        with self._database.transaction() as connection:
            return [row["day"] for row in connection.execute(_DROPPED)]

    def faults_of(self, day: date, archived: Lines | None = None) -> Sequence[str]:
        """Return what is wrong with the books of a day, empty if nothing."""
        with self._database.transaction() as connection:
            # Each statement sees one moment, and whatever is recorded meanwhile is in it whole.
            entries = connection.execute(_ENTRIES_OF_DAY, (day,)).fetchall()
            begun = connection.execute(_STARTS, (day,)).fetchall()
            ends = connection.execute(_ENDS, (day,)).fetchall()
            lines = _wrong_lines(connection, day, archived)
        starts = {(AdvertiserId(row["advertiser_id"]), day): row["start_hash"] for row in begun}
        return [
            *faults_of_chain(map(entry_of, entries), starts),
            *(_fault_of_start(row, day) for row in begun if not row["is_there"]),
            *(f"advertiser {row['advertiser_id']}, {day}: the end was cut off" for row in ends),
            *(_fault_of_line(row, day) for row in lines),
        ]

    def faults_of_bills(self) -> Sequence[str]:
        """Return which bills and reports are not the sum of their entries, empty if none."""
        found: list[str] = []
        with self._database.transaction() as connection:
            for statement in _BILLS:
                found += [
                    f"{row['name']}: {row['told']} micros billed, {row['entered']} entered"
                    for row in connection.execute(statement.encode())
                ]
        return found


def _wrong_lines(connection: Connection, day: date, archived: Lines | None) -> Sequence[DictRow]:
    """Return the invoice lines that are not what their events say."""
    was_dropped = any(row["day"] == day for row in connection.execute(_DROPPED))
    if was_dropped and archived is None:
        return []
    if archived is not None:
        load_archived(connection, archived)
    statement = _RECOUNT.format(source=_HERE if archived is None else _THERE)
    return connection.execute(statement.encode(), {"day": day}).fetchall()


def _fault_of_start(row: DictRow, day: date) -> str:
    missing = row["previous_day"] or "nothing"
    return f"advertiser {row['advertiser_id']}, {day}: does not build on {missing} as it says"


def _fault_of_line(row: DictRow, day: date) -> str:
    name = f"{row['kind']} of line item {row['line_item_id']}, {day}, batch {row['batch']}"
    if not row["is_valid"]:
        return f"{name}: sums events that are not billable at their price"
    return f"{name}: {row['entered']} micros entered, {row['counted']} recounted"
