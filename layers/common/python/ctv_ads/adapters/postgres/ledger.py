"""Reading the books, and holding them against the events that they sum."""

from collections.abc import Iterator, Sequence
from datetime import date

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.database import Connection, Database
from ctv_ads.adapters.postgres.listing import Listing
from ctv_ads.domain.ids import AdvertiserId, CampaignId, LineItemId
from ctv_ads.domain.ledger import EntryKind, LedgerEntry, faults_of_chain
from ctv_ads.domain.listing import ListQuery, Page
from ctv_ads.errors import NotFoundError

# Statements are put together from texts of ours.
# ruff: noqa: S608
_COLUMNS = """
e.entry_id::text, e.advertiser_id::text, e.day, e.sequence, e.kind, e.campaign_id::text,
e.line_item_id::text, e.rate_type, e.bucket, e.batch, e.debit_account, e.credit_account,
e.amount_micros, e.events, coalesce(encode(e.events_sha256, 'hex'), '') AS events_sha256,
to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS recorded_at,
e.reason, encode(e.previous_hash, 'hex') AS previous_hash,
encode(e.entry_hash, 'hex') AS entry_hash"""
_LIST = Listing(
    columns=_COLUMNS,
    source="ledger_entries e WHERE true",
    id_column="e.entry_id",
    sorts={"day": ("e.day", "date")},
    filters={
        "campaign_id": "e.campaign_id = %(campaign_id)s",
        "first_day": "e.day >= %(first_day)s",
        "last_day": "e.day <= %(last_day)s",
    },
    totals={
        "signed_micros": "coalesce(sum(CASE WHEN e.kind = 'credit' THEN -e.amount_micros"
        " ELSE e.amount_micros END), 0)::bigint",
    },
)
_CAMPAIGN = "SELECT 1 FROM campaigns WHERE campaign_id = %s"
_ADVERTISER = "SELECT 1 FROM advertisers WHERE advertiser_id = %s"
_CHAINS = f"""
SELECT {_COLUMNS} FROM ledger_entries e
WHERE e.advertiser_id = %(advertiser_id)s AND e.day <= %(last_day)s
  AND (e.day, e.sequence) > (%(first_day)s, %(after)s)
ORDER BY e.day, e.sequence"""


class PostgresLedger:
    """Implements `ports.Ledger`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, campaign_id: CampaignId, query: ListQuery) -> Page[LedgerEntry]:
        """Return entries of one campaign, by day and in the order they were made."""
        if self._connection.execute(_CAMPAIGN, (campaign_id,)).fetchone() is None:
            raise NotFoundError("there is no such campaign")
        return _LIST.page(self._connection, query, _entry)

    def chains(
        self, advertiser_id: AdvertiserId, *, first_day: date, last_day: date, after: int = 0
    ) -> Iterator[LedgerEntry]:
        """Give chains of an advertiser, by day and sequence; of the first day those after one."""
        if self._connection.execute(_ADVERTISER, (advertiser_id,)).fetchone() is None:
            raise NotFoundError("there is no such advertiser")
        with self._connection.cursor(name="ledger_chains") as cursor:
            values = {
                "advertiser_id": advertiser_id,
                "first_day": first_day,
                "last_day": last_day,
                "after": after,
            }
            for row in cursor.execute(_CHAINS, values):
                yield _entry(row)


def _entry(row: DictRow) -> LedgerEntry:
    values = {name: row[name] for name in LedgerEntry.__dataclass_fields__}
    return LedgerEntry(
        **{
            **values,
            "advertiser_id": AdvertiserId(row["advertiser_id"]),
            "campaign_id": CampaignId(row["campaign_id"]),
            "line_item_id": LineItemId(row["line_item_id"]),
            "kind": EntryKind(row["kind"]),
        }
    )


_DAYS = """
SELECT day FROM ledger_chains
UNION SELECT day FROM ledger_entries
UNION SELECT day FROM ad_events WHERE billed_micros > 0
ORDER BY day"""
_ENTRIES_OF_DAY = f"""
SELECT {_COLUMNS} FROM ledger_entries e WHERE e.day = %s ORDER BY e.advertiser_id, e.sequence"""
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
# Each invoice line against the events it names, both ways, with the digest of what they say. An
# event is billable by its own rate type, and is billed its signed price or nothing.
# The events of a day that was dropped are in the archive; what is left is the chain of its hashes.
_RECOUNT = """
WITH here AS (
    SELECT NOT EXISTS (SELECT FROM archived_days
                       WHERE day = %(day)s AND dropped_at IS NOT NULL) AS it_is
), events AS (
    SELECT line_item_id, rate_type, bucket, batch, sum(billed_micros)::bigint AS micros,
           count(*) AS events,
           sha256(string_agg(event_line(decision_id, slot, event, billed_micros), ''
                             ORDER BY decision_id, slot, event)) AS digest,
           bool_and(billed_micros = price_micros
                    AND (event, rate_type) IN (('impression', 'cpm'), ('complete', 'cpcv')))
               AS is_valid
    FROM ad_events WHERE day = %(day)s AND billed_micros > 0 AND (SELECT it_is FROM here)
    GROUP BY line_item_id, rate_type, bucket, batch
), credited AS (
    SELECT c.line_item_id, e.rate_type, e.bucket, c.batch, sum(c.amount_micros)::bigint AS micros,
           count(*) AS events,
           sha256(string_agg(event_line(c.decision_id, c.slot, c.event, c.amount_micros), ''
                             ORDER BY c.decision_id, c.slot, c.event)) AS digest,
           bool_and(e.billed_micros = c.amount_micros) AS is_valid
    FROM credited_events c LEFT JOIN ad_events e USING (day, decision_id, slot, event)
    WHERE c.day = %(day)s AND (SELECT it_is FROM here)
    GROUP BY c.line_item_id, e.rate_type, e.bucket, c.batch
), counted AS (
    SELECT 'delivery' AS kind, * FROM events
    UNION ALL SELECT 'credit', * FROM credited
), entered AS (
    SELECT * FROM ledger_entries WHERE day = %(day)s AND kind <> 'flat' AND (SELECT it_is FROM here)
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
_TOTALS = """
SELECT c.campaign_id::text, c.billed_micros, coalesce(s.micros, 0) AS entered
FROM campaigns c LEFT JOIN (
    SELECT campaign_id, sum(CASE WHEN kind = 'credit' THEN -amount_micros
                                 ELSE amount_micros END)::bigint AS micros
    FROM ledger_entries GROUP BY campaign_id
) s USING (campaign_id)
WHERE c.billed_micros <> coalesce(s.micros, 0) ORDER BY 1"""


class PostgresLedgerAudit:
    """Implements `ports.LedgerAudit`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def days(self) -> Sequence[date]:
        """Return the days that have entries or billed events."""
        with self._database.transaction() as connection:
            return [row["day"] for row in connection.execute(_DAYS)]

    def faults_of(self, day: date) -> Sequence[str]:
        """Return what is wrong with the books of a day, empty if nothing."""
        with self._database.transaction() as connection:
            # Each statement sees one moment, and whatever is recorded meanwhile is in it whole.
            entries = connection.execute(_ENTRIES_OF_DAY, (day,)).fetchall()
            ends = connection.execute(_ENDS, (day,)).fetchall()
            lines = connection.execute(_RECOUNT, {"day": day}).fetchall()
        return [
            *faults_of_chain(map(_entry, entries)),
            *(f"advertiser {row['advertiser_id']}, {day}: the end was cut off" for row in ends),
            *(_fault_of_line(row, day) for row in lines),
        ]

    def faults_of_bills(self) -> Sequence[str]:
        """Return whose bill is not the sum of its entries, empty if nobody's."""
        with self._database.transaction() as connection:
            rows = connection.execute(_TOTALS).fetchall()
        return [
            f"campaign {row['campaign_id']}: {row['billed_micros']} micros billed,"
            f" {row['entered']} entered"
            for row in rows
        ]


def _fault_of_line(row: DictRow, day: date) -> str:
    name = f"{row['kind']} of line item {row['line_item_id']}, {day}, batch {row['batch']}"
    if not row["is_valid"]:
        return f"{name}: sums events that are not billable at their price"
    return f"{name}: {row['entered']} micros entered, {row['counted']} recounted"
