"""What the database says about a campaign: events, bill and counts, which must agree."""

from psycopg.rows import DictRow

from tests.end_to_end.people import Document
from tests.end_to_end.product import Product

_EVENTS = """
SELECT e.* FROM ad_events e JOIN line_items l USING (line_item_id)
WHERE l.campaign_id = %s ORDER BY e.decided_at, e.decision_id, e.event"""
_SUMS = """
WITH events AS (
    SELECT count(*) FILTER (WHERE e.event = 'impression') AS impressions,
           coalesce(sum(e.billed_micros), 0)::bigint AS billed_micros,
           count(*) FILTER (WHERE e.event = 'impression' AND e.billed_micros = 0) AS unbilled
    FROM ad_events e JOIN line_items l USING (line_item_id) WHERE l.campaign_id = %(id)s
), counts AS (
    SELECT coalesce(sum(impressions), 0)::bigint AS impressions,
           coalesce(sum(billed_micros), 0)::bigint AS billed_micros,
           coalesce(sum(unbilled_impressions), 0)::bigint AS unbilled
    FROM delivery_days WHERE campaign_id = %(id)s
)
SELECT to_jsonb(events) AS events, to_jsonb(counts) AS counts, c.billed_micros, c.budget_micros,
       (SELECT sum(billed_micros)::bigint FROM line_items l WHERE l.campaign_id = c.campaign_id)
           AS line_items_micros
FROM events, counts, campaigns c WHERE c.campaign_id = %(id)s"""


def events_of(product: Product, campaign: Document) -> list[DictRow]:
    """Return the campaign's events as stored."""
    return product.rows(_EVENTS, (campaign["id"],))


def billed(product: Product, campaign: Document) -> int:
    """Return what the campaign was billed, in micros."""
    (row,) = product.rows(
        "SELECT billed_micros FROM campaigns WHERE campaign_id = %s", (campaign["id"],)
    )
    return int(row["billed_micros"])


def assert_reconciled(product: Product, campaign: Document) -> None:
    """Check that events, daily counts, line items and the bill agree to the micro."""
    (row,) = product.rows(_SUMS, {"id": campaign["id"]})
    assert row["counts"] == row["events"], "daily counts are the sum of the events"
    assert row["billed_micros"] == row["events"]["billed_micros"], "the bill is their sum"
    assert row["line_items_micros"] == row["billed_micros"], "line items add up to it"
    assert row["billed_micros"] <= row["budget_micros"]
