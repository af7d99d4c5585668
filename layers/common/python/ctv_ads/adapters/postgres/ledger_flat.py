"""Writing days of flat rates into the books.

A day is owed if an ad that was decided on it was shown: then the line item could serve, whatever
its status is today. What is counted by day tells that, for as long as there are reports. A day of
which events were billed, because the rate was of another type then, is no day of a flat rate.
"""

from collections.abc import Sequence
from datetime import UTC, date

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.database import Connection, Database
from ctv_ads.adapters.postgres.ledger_posting import ENTRY
from ctv_ads.adapters.postgres.spend_counts import FLAT_NOW, count_spend
from ctv_ads.domain.ids import CampaignId
from ctv_ads.domain.ledger import FlatBooking

# Statements are put together from texts of ours.
# ruff: noqa: S608
_SERVED = """
delivery_days d WHERE d.campaign_id = l.campaign_id AND d.line_item_id = l.line_item_id
  AND d.day < %(today)s AND d.impressions > 0
  AND NOT EXISTS (
      SELECT FROM ledger_entries e
      WHERE e.organization_id = l.organization_id AND e.campaign_id = l.campaign_id
        AND e.day = d.day AND e.line_item_id = l.line_item_id AND e.kind = 'delivery')"""
_IS_FLAT = "l.rate_type = 'flat' AND l.type <> 'house'"
_ENTERED = "ledger_entries e WHERE e.line_item_id = l.line_item_id AND e.kind = 'flat'"
_DUE = f"""
SELECT DISTINCT c.campaign_id FROM line_items l JOIN campaigns c USING (campaign_id)
WHERE {_IS_FLAT} AND c.billed_micros < c.budget_micros
  AND EXISTS (SELECT FROM {_SERVED}
              AND NOT EXISTS (SELECT FROM {_ENTERED} AND e.day = d.day))
ORDER BY c.campaign_id"""
_LOCK = "SELECT FROM campaigns WHERE campaign_id = %s FOR NO KEY UPDATE"
# What the budgets have left that is not reserved pays.
_FLAT = f"""
SELECT l.line_item_id, c.campaign_id, c.advertiser_id, c.organization_id, l.rate_micros,
       coalesce(l.starts_at, c.starts_at) AS starts_at, coalesce(l.ends_at, c.ends_at) AS ends_at,
       ARRAY(SELECT DISTINCT d.day FROM {_SERVED}) AS served_days,
       ARRAY(SELECT e.day FROM {_ENTERED} ORDER BY e.day) AS entered_days,
       ARRAY(SELECT e.amount_micros FROM {_ENTERED} ORDER BY e.day) AS entered_micros,
       c.budget_micros - c.billed_micros - (
           SELECT coalesce(sum(b.outstanding_micros), 0)::bigint FROM token_buckets b
           WHERE b.campaign_id = c.campaign_id AND b.released_at IS NULL AND b.unit = 'micros'
       ) AS campaign_room_micros,
       l.budget_micros - l.billed_micros AS own_room_micros
FROM line_items l JOIN campaigns c USING (campaign_id)
WHERE l.campaign_id = %(campaign_id)s AND {_IS_FLAT}
ORDER BY l.line_item_id"""
_POST = f"""{ENTRY}
VALUES (%(organization_id)s, %(advertiser_id)s, %(day)s, 'flat', %(campaign_id)s,
        %(line_item_id)s, 'flat', 0, 0, 'receivable', 'revenue', %(micros)s, 0, NULL, '')"""
_BILL_CAMPAIGN = """
UPDATE campaigns SET billed_micros = billed_micros + %(micros)s
WHERE campaign_id = %(campaign_id)s"""
_BILL_LINE_ITEM = """
UPDATE line_items SET billed_micros = billed_micros + %(micros)s
WHERE line_item_id = %(line_item_id)s"""
_BILL_DAY = """
INSERT INTO line_item_days AS d (line_item_id, budget_day, organization_id, campaign_id,
                                 billed_micros)
VALUES (%(line_item_id)s, %(day)s, %(organization_id)s, %(campaign_id)s, %(micros)s)
ON CONFLICT (line_item_id, budget_day)
DO UPDATE SET billed_micros = d.billed_micros + excluded.billed_micros"""


class PostgresFlatRates:
    """Implements `ports.FlatRates`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def campaigns_due(self, *, today: date) -> Sequence[CampaignId]:
        """Return whose flat rates may have days before `today` that are to be entered."""
        with self._database.transaction() as connection:
            rows = connection.execute(_DUE, {"today": today}).fetchall()
        return [CampaignId(str(row["campaign_id"])) for row in rows]

    def post(self, campaign_id: CampaignId, *, today: date) -> int:
        """Enter the days of a campaign's flat rates that are not entered; return how many."""
        with self._database.transaction() as connection:
            connection.execute(_LOCK, (campaign_id,))
            found = connection.execute(_FLAT, {"campaign_id": campaign_id, "today": today})
            dues = _dues(found.fetchall())
            for values in dues:
                for statement in (_BILL_CAMPAIGN, _BILL_LINE_ITEM, _BILL_DAY):
                    connection.execute(statement, values)
            _count(connection, dues)
            for values in dues:
                connection.execute(_POST, values)
        return len(dues)


def _dues(line_items: Sequence[DictRow]) -> Sequence[DictRow]:
    """Return what is to be entered, in the order in which chains are locked."""
    dues: list[DictRow] = []
    taken_micros = 0
    for row in line_items:
        rooms = [row["campaign_room_micros"] - taken_micros]
        if row["own_room_micros"] is not None:
            rooms.append(row["own_room_micros"])
        due = _booking(row).dues(min(rooms))
        taken_micros += sum(due.values())
        dues += [{**row, "day": day, "micros": micros} for day, micros in due.items()]
    return sorted(dues, key=lambda due: (due["day"], due["line_item_id"]))


def _count(connection: Connection, dues: Sequence[DictRow]) -> None:
    values = {
        "line_items": [due["line_item_id"] for due in dues],
        "days": [due["day"] for due in dues],
        "micros": [due["micros"] for due in dues],
    }
    count_spend(connection, FLAT_NOW, values)


def _booking(row: DictRow) -> FlatBooking:
    return FlatBooking(
        rate_micros=row["rate_micros"],
        starts_at=row["starts_at"].astimezone(UTC),
        ends_at=row["ends_at"].astimezone(UTC),
        served_days=row["served_days"],
        entered_micros=dict(zip(row["entered_days"], row["entered_micros"], strict=True)),
    )
