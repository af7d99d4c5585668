"""Reading the books."""

from collections.abc import Iterator
from datetime import date

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.adapters.postgres.listing import Listing
from ctv_ads.domain.ids import AdvertiserId, CampaignId, LineItemId
from ctv_ads.domain.ledger import EntryKind, LedgerEntry
from ctv_ads.domain.listing import ListQuery, Page
from ctv_ads.errors import NotFoundError

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
_CHAINS = f"""
SELECT {COLUMNS} FROM ledger_entries e
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
        return _LIST.page(self._connection, query, entry_of)

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
                yield entry_of(row)


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
