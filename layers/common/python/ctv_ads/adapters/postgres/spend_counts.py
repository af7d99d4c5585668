"""Counting spend that no event of now causes: credits, which take it back, and days of flat rates.

It goes the way of what is recorded (`delivery_counts.py`), so that rows are locked in one order.
Days of flat rates are counted at their first hour, at no creative and no placement (all zeros).
"""

from collections.abc import Mapping

from ctv_ads.adapters.postgres import delivery_counts
from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.adapters.postgres.delivery_counts import RECORDED

# Statements are put together from names of ours.
# ruff: noqa: S608
_KEY = (
    "organization_id, campaign_id, line_item_id, creative_id, placement_id, country, device_type,"
    " hour"
)
_SPEND = """
INSERT INTO counted (row_number, {key}, {names})
SELECT 0, {key}, {sums} FROM ({source}) s GROUP BY {key}"""
_OF_FLAT = """
n.nobody AS creative_id, n.nobody AS placement_id, '' AS country, '' AS device_type,
e.day::timestamp AT TIME ZONE 'UTC' AS hour, e.amount_micros AS micros"""
_NOBODY = "(SELECT '00000000-0000-0000-0000-000000000000'::uuid AS nobody) n"
CREDITED_NOW = """
SELECT l.organization_id, l.campaign_id, t.line_item_id, t.creative_id, t.placement_id,
       coalesce(t.country, '') AS country, coalesce(t.device_type, '') AS device_type,
       date_trunc('hour', t.decided_at, 'UTC') AS hour, -t.billed_micros AS micros
FROM to_credit t JOIN line_items l USING (line_item_id)"""
"""What the temporary table `to_credit` holds."""
FLAT_NOW = f"""
SELECT l.organization_id, l.campaign_id, e.line_item_id, {_OF_FLAT}
FROM unnest(%(line_items)s::uuid[], %(days)s::date[], %(micros)s::bigint[])
    AS e (line_item_id, day, amount_micros)
JOIN line_items l USING (line_item_id) CROSS JOIN {_NOBODY}"""
OF_DAY = f"""
SELECT r.organization_id, r.campaign_id, r.line_item_id, r.creative_id, r.placement_id, r.country,
       r.device_type, date_trunc('hour', r.decided_at, 'UTC') AS hour, -c.amount_micros AS micros
FROM recorded r JOIN credited_events c USING (day, decision_id, slot, event)
UNION ALL
SELECT e.organization_id, e.campaign_id, e.line_item_id, {_OF_FLAT}
FROM ledger_entries e CROSS JOIN {_NOBODY}
WHERE e.day = %(day)s AND e.kind = 'flat' AND e.campaign_id = ANY (%(campaigns)s::uuid[])"""
"""Credits of the events that the temporary table `recorded` holds, and the day's flat rates."""


def count_spend(connection: Connection, source: str, values: Mapping[str, object]) -> None:
    """Add to the counts of hours and days what a source gives."""
    sums = ["sum(micros)::bigint" if name == "billed_micros" else "0" for name in RECORDED]
    statement = _SPEND.format(
        key=_KEY, names=", ".join(RECORDED), sums=", ".join(sums), source=source
    )
    connection.execute(delivery_counts.TEMPORARY)
    connection.execute("DELETE FROM counted")
    connection.execute(statement.encode(), values)
    delivery_counts.count_recorded(connection, {})
