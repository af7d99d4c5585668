"""The books recounted from raw events, by SQL of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.ledger_audit import PostgresLedgerAudit

Owner = psycopg.Connection[dict[str, Any]]
# Statements are put together from texts of ours.
# ruff: noqa: S608
_KEY = "line_item_id, creative_id, placement_id, country, device_type"
_COUNTED = {
    "impressions": "impression",
    "starts": "start",
    "first_quartiles": "firstQuartile",
    "midpoints": "midpoint",
    "third_quartiles": "thirdQuartile",
    "completes": "complete",
    "clicks": "clickTracking",
    "errors": "error",
}
_IS_BILLABLE = "(e.event, e.rate_type) IN (('impression', 'cpm'), ('complete', 'cpcv'))"
_COUNTS = ", ".join(
    [f"count(*) FILTER (WHERE e.event = '{event}')" for event in _COUNTED.values()]
    + [
        "sum(e.billed_micros)::bigint",
        f"count(*) FILTER (WHERE {_IS_BILLABLE} AND e.billed_micros < e.price_micros)",
    ]
)
_NAMES = ", ".join((*_COUNTED, "billed_micros", "unbilled_impressions"))
_OF_CAMPAIGN = "FROM ad_events e JOIN line_items l USING (line_item_id) WHERE l.campaign_id = %(c)s"


def _difference(table: str, period: str, expression: str) -> str:
    told = f"SELECT {period}, {_KEY}, {_NAMES} FROM {table} WHERE campaign_id = %(c)s"
    counted = f"SELECT {expression}, {_KEY}, {_COUNTS} {_OF_CAMPAIGN} GROUP BY 1, {_KEY}"
    return (
        f"(SELECT 'told' AS by, t.* FROM ({told} EXCEPT {counted}) t)"
        f" UNION ALL (SELECT 'recounted', t.* FROM ({counted} EXCEPT {told}) t)"
    )


_ROLLUPS = (
    _difference("delivery_hours", "hour", "date_trunc('hour', e.decided_at, 'UTC')"),
    _difference("delivery_days", "day", "(e.decided_at AT TIME ZONE 'UTC')::date"),
)


def _invalid_difference(table: str, period: str, expression: str) -> str:
    told = f"SELECT {period}, {_KEY}, rule, beacons FROM {table} WHERE campaign_id = %(c)s"
    counted = (
        f"SELECT {expression}, {_KEY}, rule, count(*) FROM invalid_beacons"
        f" WHERE campaign_id = %(c)s GROUP BY 1, {_KEY}, rule"
    )
    return (
        f"(SELECT 'told' AS by, t.* FROM ({told} EXCEPT {counted}) t)"
        f" UNION ALL (SELECT 'recounted', t.* FROM ({counted} EXCEPT {told}) t)"
    )


_INVALID_ROLLUPS = (
    _invalid_difference("invalid_hours", "hour", "date_trunc('hour', decided_at, 'UTC')"),
    _invalid_difference("invalid_days", "day", "(decided_at AT TIME ZONE 'UTC')::date"),
)
_SUMS = f"""
SELECT c.billed_micros::bigint AS of_campaign,
       (SELECT sum(billed_micros)::bigint FROM line_items WHERE campaign_id = %(c)s) AS of_line_items,
       (SELECT coalesce(sum(billed_micros), 0)::bigint FROM line_item_days
        WHERE campaign_id = %(c)s) AS of_days,
       (SELECT coalesce(sum(e.billed_micros), 0)::bigint {_OF_CAMPAIGN}) AS of_events,
       (SELECT coalesce(sum(e.price_micros), 0)::bigint {_OF_CAMPAIGN}
        AND {_IS_BILLABLE} AND e.billed_micros > 0) AS of_billable_events,
       (SELECT coalesce(sum(amount_micros), 0)::bigint FROM ledger_entries
        WHERE campaign_id = %(c)s) AS of_entries
FROM campaigns c WHERE c.campaign_id = %(c)s"""
_EVENTS = f"""
SELECT e.decision_id::text, e.slot, e.event, e.line_item_id::text, e.bucket, e.price_micros,
       e.billed_micros, (e.decided_at AT TIME ZONE 'UTC')::date AS decided_day,
       {_IS_BILLABLE} AS is_billable {_OF_CAMPAIGN}"""
_INVALID = """
SELECT decision_id::text, slot, event FROM invalid_beacons WHERE campaign_id = %(c)s"""
_BUCKETS = """
SELECT line_item_id::text, bucket, budget_day, granted_micros, returned_micros, billed_micros,
       outstanding_micros FROM token_buckets WHERE campaign_id = %(c)s"""
_ROOMS = """
SELECT c.budget_micros - c.billed_micros - (
           SELECT coalesce(sum(b.outstanding_micros), 0)::bigint FROM token_buckets b
           WHERE b.campaign_id = c.campaign_id) AS of_campaign,
       l.budget_micros - l.billed_micros - (
           SELECT coalesce(sum(b.outstanding_micros), 0)::bigint FROM token_buckets b
           WHERE b.line_item_id = l.line_item_id) AS of_line_item,
       l.daily_budget_micros - coalesce((
           SELECT max(x.micros) FROM (
               SELECT sum(y.micros)::bigint AS micros FROM (
                   SELECT budget_day, billed_micros AS micros FROM line_item_days
                   WHERE line_item_id = l.line_item_id
                   UNION ALL SELECT budget_day, outstanding_micros FROM token_buckets
                   WHERE line_item_id = l.line_item_id
               ) y WHERE y.budget_day = ANY (%(days)s) GROUP BY budget_day
           ) x), 0) AS of_day
FROM line_items l JOIN campaigns c USING (campaign_id) WHERE l.line_item_id = %(line_item)s"""
Key = tuple[str, int, str]
"""Decision, slot, event."""


@dataclass(frozen=True, slots=True)
class Recount:
    """Looks at one campaign as its owner, who sees everything."""

    owner: Owner
    campaign_id: str

    def rows(self, statement: str, **values: object) -> list[dict[str, Any]]:
        return self.owner.execute(statement.encode(), {"c": self.campaign_id, **values}).fetchall()

    def events(self) -> dict[Key, dict[str, Any]]:
        return {_key(row): row for row in self.rows(_EVENTS)}

    def invalid(self) -> set[Key]:
        return {_key(row) for row in self.rows(_INVALID)}

    def buckets(self) -> dict[tuple[str, int], dict[str, Any]]:
        return {(row["line_item_id"], row["bucket"]): row for row in self.rows(_BUCKETS)}

    def room(self, line_item_id: str, days: Sequence[object]) -> int:
        """Return what the narrowest budget has left that nobody reserved."""
        (row,) = self.rows(_ROOMS, line_item=line_item_id, days=list(days))
        return min(int(value) for value in row.values() if value is not None)

    def assert_bills_agree(self) -> None:
        """Campaign, line items, days, invoice lines and signed events say the same amount."""
        (sums,) = self.rows(_SUMS)
        assert len(set(sums.values())) == 1, sums

    def assert_rollups_agree(self) -> None:
        for difference in (*_ROLLUPS, *_INVALID_ROLLUPS):
            assert self.rows(difference) == []


def assert_books_are_clean(database: Database, ids: Mapping[str, object] | set[str]) -> None:
    """The audit finds nothing that concerns these ids: hash chains, digests, sums."""
    audit = PostgresLedgerAudit(database)
    found = [fault for day in audit.days() for fault in audit.faults_of(day)]
    found += audit.faults_of_bills()
    assert [fault for fault in found if any(known in fault for known in ids)] == []


def _key(row: Mapping[str, Any]) -> Key:
    return (row["decision_id"], row["slot"], row["event"])
