"""Reading the books."""

from collections.abc import Iterator, Sequence
from datetime import date

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.adapters.postgres.listing import Listing
from ctv_ads.domain.ids import AdvertiserId, CampaignId, LineItemId
from ctv_ads.domain.ledger import ChainedDay, EntryKind, LedgerEntry
from ctv_ads.domain.listing import ListQuery, Page
from ctv_ads.errors import ConflictError, NotFoundError
from ctv_ads.ports.ledger import BilledEvent

# Statements are put together from texts of ours.
# ruff: noqa: S608
COLUMNS = """
e.entry_id::text, e.advertiser_id::text, e.day, e.sequence, e.kind, e.campaign_id::text,
e.line_item_id::text, e.rate_type, e.bucket, e.batch, e.debit_account, e.credit_account,
e.amount_micros, e.events, coalesce(encode(e.events_sha256, 'hex'), '') AS events_sha256,
to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS recorded_at,
e.reason, encode(e.previous_hash, 'hex') AS previous_hash,
encode(e.entry_hash, 'hex') AS entry_hash"""
_LIST = Listing(
    columns=COLUMNS,
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
# One statement sees one moment: what a row tells of its day is true of the rows that come with it.
_CHAINS = f"""
WITH asked_for AS (
    SELECT min(day) AS first_day, max(day) AS last_day, count(*) AS days FROM ledger_chains
    WHERE advertiser_id = %(advertiser_id)s AND day BETWEEN %(first_day)s AND %(last_day)s
)
SELECT {COLUMNS}, c.entries AS day_entries, encode(c.head_hash, 'hex') AS day_head_hash,
       c.previous_day AS follows_day, a.first_day, a.last_day, a.days
FROM ledger_entries e JOIN ledger_chains c USING (advertiser_id, day) CROSS JOIN asked_for a
WHERE e.advertiser_id = %(advertiser_id)s AND e.day <= %(last_day)s
  AND (e.day, e.sequence) > (%(first_day)s, %(after)s)
ORDER BY e.day, e.sequence"""


_DROPPED = """
SELECT min(day) AS day FROM ledger_chains JOIN archived_days USING (day)
WHERE advertiser_id = %(advertiser_id)s AND day BETWEEN %(first_day)s AND %(last_day)s
  AND dropped_at IS NOT NULL"""
_BILLED_EVENTS = """
SELECT day, decision_id::text, slot, event, line_item_id::text, rate_type, bucket, price_micros,
       billed_micros, batch, credited_batch, decided_at, received_at
FROM billed_events(%(advertiser_id)s, %(first_day)s, %(last_day)s, %(after_decision)s,
                   %(after_slot)s::smallint, %(after_event)s, %(most)s)"""


class PostgresLedger:
    """Implements `ports.Ledger`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, campaign_id: CampaignId, query: ListQuery) -> Page[LedgerEntry]:
        """Return entries of one campaign, by day and in the order they were made."""
        if self._connection.execute(_CAMPAIGN, (campaign_id,)).fetchone() is None:
            raise NotFoundError("there is no such campaign")
        return _LIST.page(self._connection, query, entry_of)

    def chains(
        self, advertiser_id: AdvertiserId, *, first_day: date, last_day: date, after: int = 0
    ) -> Iterator[tuple[LedgerEntry, ChainedDay]]:
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
                told = {name: row[name] for name in ChainedDay.__dataclass_fields__}
                yield entry_of(row), ChainedDay(**told)

    def billed_events(
        self,
        advertiser_id: AdvertiserId,
        *,
        first_day: date,
        last_day: date,
        after: tuple[str, int, str],
        most: int,
    ) -> Sequence[BilledEvent]:
        """Return billed events of an advertiser by day, decision, slot and name, up to so many."""
        decision_id, slot, event = after
        values = {
            "advertiser_id": advertiser_id,
            "first_day": first_day,
            "last_day": last_day,
            "after_decision": decision_id,
            "after_slot": slot,
            "after_event": event,
            "most": most,
        }
        if self._connection.execute(_ADVERTISER, (advertiser_id,)).fetchone() is None:
            raise NotFoundError("there is no such advertiser")
        dropped = self._connection.execute(_DROPPED, values).fetchone() or {}
        if dropped["day"]:
            raise ConflictError(f"the events of {dropped['day']} are in the archive only")
        rows = self._connection.execute(_BILLED_EVENTS, values)
        return [BilledEvent(**row) for row in rows]


def entry_of(row: DictRow) -> LedgerEntry:
    """Return the entry that a row of `COLUMNS` tells."""
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
