"""The books recounted from raw events, by SQL of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.ledger_audit import PostgresLedgerAudit
from ctv_ads.adapters.session_sketches import count_sessions, merged_sketch

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
        "(sum(e.billed_micros) - coalesce(sum(x.credited), 0))::bigint",
        f"count(*) FILTER (WHERE {_IS_BILLABLE} AND e.billed_micros < e.price_micros)",
    ]
)
_NAMES = ", ".join((*_COUNTED, "billed_micros", "unbilled_impressions"))
_OF_CAMPAIGN = "FROM ad_events e JOIN line_items l USING (line_item_id) WHERE l.campaign_id = %(c)s"
_WITH_CREDITS = """FROM ad_events e JOIN line_items l USING (line_item_id)
LEFT JOIN (SELECT decision_id, slot, event, amount_micros AS credited FROM credited_events) x
    USING (decision_id, slot, event)
WHERE l.campaign_id = %(c)s"""
_NO_FILM = "00000000-0000-0000-0000-000000000000"
"""Where days of flat rates are counted."""


def _difference(table: str, period: str, expression: str) -> str:
    # Decisions have rows of their own, and so have events that are not counted.
    is_counted = f"greatest({_NAMES}) > 0 AND creative_id <> '{_NO_FILM}'"
    told = (
        f"SELECT {period}, {_KEY}, {_NAMES} FROM {table} WHERE campaign_id = %(c)s AND {is_counted}"
    )
    counted = (
        f"SELECT * FROM (SELECT {expression}, {_KEY}, {_COUNTS} {_WITH_CREDITS} GROUP BY 1, {_KEY})"
        f" AS e ({period}, {_KEY}, {_NAMES}) WHERE {is_counted}"
    )
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
_FLATS = """(SELECT coalesce(sum(amount_micros), 0)::bigint FROM ledger_entries
        WHERE campaign_id = %(c)s AND kind = 'flat')"""
_CREDITS = """(SELECT coalesce(sum(x.amount_micros), 0)::bigint FROM credited_events x
        JOIN line_items l USING (line_item_id) WHERE l.campaign_id = %(c)s)"""
_SUMS = f"""
SELECT c.billed_micros::bigint AS of_campaign,
       (SELECT sum(billed_micros)::bigint FROM line_items WHERE campaign_id = %(c)s) AS of_line_items,
       (SELECT coalesce(sum(billed_micros), 0)::bigint FROM line_item_days
        WHERE campaign_id = %(c)s) AS of_days,
       (SELECT coalesce(sum(e.billed_micros), 0)::bigint {_OF_CAMPAIGN})
           + {_FLATS} - {_CREDITS} AS of_events,
       (SELECT coalesce(sum(e.price_micros), 0)::bigint {_OF_CAMPAIGN}
        AND {_IS_BILLABLE} AND e.billed_micros > 0) + {_FLATS} - {_CREDITS} AS of_billable_events,
       (SELECT coalesce(sum(CASE kind WHEN 'credit' THEN -amount_micros ELSE amount_micros END),
                        0)::bigint
        FROM ledger_entries WHERE campaign_id = %(c)s) AS of_entries
FROM campaigns c WHERE c.campaign_id = %(c)s"""
_ERRORS = f"""
SELECT date_trunc('hour', e.decided_at, 'UTC') AS hour, {_KEY},
       coalesce(e.vast_error_code, 0) AS vast_error_code, count(*) AS errors
{_OF_CAMPAIGN} AND e.event = 'error' GROUP BY 1, {_KEY}, 7"""
_TOLD_ERRORS = f"""
SELECT hour, {_KEY}, vast_error_code, errors FROM delivery_errors WHERE campaign_id = %(c)s"""
_ERROR_ROLLUPS = f"({_TOLD_ERRORS} EXCEPT {_ERRORS}) UNION ALL ({_ERRORS} EXCEPT {_TOLD_ERRORS})"
_SESSIONS = f"""
SELECT h.sessions, h.hour, s.seen FROM (
    SELECT hour, {_KEY}, sessions FROM delivery_hours WHERE campaign_id = %(c)s
) h FULL JOIN (
    SELECT date_trunc('hour', e.decided_at, 'UTC') AS hour, {_KEY},
           array_agg(DISTINCT e.session) AS seen
    {_OF_CAMPAIGN} AND e.event = 'impression' AND e.session <> 0 GROUP BY 1, {_KEY}
) s USING (hour, {_KEY})"""
_DECIDED = """
SELECT hour, placement_id::text, line_item_id::text, sum(requests)::integer AS requests,
       sum(opportunities)::integer AS room, sum(no_fills)::integer AS no_fills,
       sum(ads_served)::integer AS ads
FROM delivery_hours WHERE placement_id = ANY (%(p)s::uuid[]) GROUP BY 1, 2, 3"""
_BREAKS = """
SELECT decision_id::text, 0 AS slot, event FROM break_events
WHERE placement_id = ANY (%(p)s::uuid[])"""
_CREDITED = """
SELECT x.decision_id::text, x.slot, x.event, x.amount_micros FROM credited_events x
JOIN line_items l USING (line_item_id) WHERE l.campaign_id = %(c)s"""
_FLAT_DAYS = """
SELECT day, count(*) AS entries FROM ledger_entries
WHERE campaign_id = %(c)s AND kind = 'flat' GROUP BY day"""
_EVENTS = f"""
SELECT e.decision_id::text, e.slot, e.event, e.line_item_id::text, e.bucket, e.price_micros,
       e.billed_micros, (e.decided_at AT TIME ZONE 'UTC')::date AS decided_day,
       {_IS_BILLABLE} AS is_billable {_OF_CAMPAIGN}"""
_INVALID = """
SELECT decision_id::text, slot, event FROM invalid_beacons WHERE campaign_id = %(c)s"""
_HELD = """
SELECT decision_id::text, slot, 'complete' AS event FROM held_completes
WHERE beacon->>'line_item_id' IN (
    SELECT line_item_id::text FROM line_items WHERE campaign_id = %(c)s)"""
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
    placement_ids: Sequence[str] = ()

    def rows(self, statement: str, **values: object) -> list[dict[str, Any]]:
        return self.owner.execute(statement.encode(), {"c": self.campaign_id, **values}).fetchall()

    def events(self) -> dict[Key, dict[str, Any]]:
        return {_key(row): row for row in self.rows(_EVENTS)}

    def invalid(self) -> set[Key]:
        return {_key(row) for row in self.rows(_INVALID)}

    def held(self) -> set[Key]:
        return {_key(row) for row in self.rows(_HELD)}

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
        for difference in (*_ROLLUPS, *_INVALID_ROLLUPS, _ERROR_ROLLUPS):
            found = self.rows(difference)
            assert not found, found
        for row in self.rows(_SESSIONS):
            told = [] if row["sessions"] is None else [bytes(row["sessions"])]
            again = [merged_sketch(None, row["seen"])] if row["seen"] else []
            assert count_sessions(told) == count_sessions(again), row["hour"]

    def decided(self) -> dict[tuple[str, str, str], tuple[int, ...]]:
        """Return what is counted of decisions by hour, placement and line item."""
        found = self.rows(_DECIDED, p=list(self.placement_ids))
        rows = [tuple(row.values()) for row in found]
        return {(str(row[0]), row[1], row[2]): row[3:] for row in rows if any(row[3:])}

    def credits(self) -> dict[Key, int]:
        return {_key(row): row["amount_micros"] for row in self.rows(_CREDITED)}

    def breaks(self) -> set[Key]:
        return {_key(row) for row in self.rows(_BREAKS, p=list(self.placement_ids))}

    def assert_flat_days_are_entered_once(self) -> None:
        assert {row["entries"] for row in self.rows(_FLAT_DAYS)} <= {1}


def assert_books_are_clean(database: Database, ids: Mapping[str, object] | set[str]) -> None:
    """The audit finds nothing that concerns these ids: hash chains, digests, sums."""
    audit = PostgresLedgerAudit(database)
    found = [fault for day in audit.days() for fault in audit.faults_of(day)]
    found += audit.faults_of_bills()
    assert [fault for fault in found if any(known in fault for known in ids)] == []


def _key(row: Mapping[str, Any]) -> Key:
    return (row["decision_id"], row["slot"], row["event"])
