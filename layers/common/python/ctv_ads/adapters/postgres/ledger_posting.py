"""Writing what was delivered into the books; credits and flat rates have modules of their own.

Whoever posts has locked the campaigns concerned, in the order of their ids; after them come the
chains, in the order of advertiser and day. So nobody waits for anybody in a circle.
"""

from ctv_ads.adapters.postgres.database import Connection

# Statements are put together from texts of ours.
# ruff: noqa: S608
ENTRY = """
INSERT INTO ledger_entries (organization_id, advertiser_id, day, kind, campaign_id, line_item_id,
                            rate_type, bucket, batch, debit_account, credit_account,
                            amount_micros, events, events_sha256, reason)"""
_POST_RECORDED = f"""{ENTRY}
SELECT c.organization_id, c.advertiser_id, r.day, 'delivery', r.campaign_id, r.line_item_id,
       r.rate_type, r.bucket, r.batch, 'receivable', 'revenue', r.micros, r.events, r.digest, ''
FROM (
    SELECT day, campaign_id, line_item_id, rate_type, bucket, batch,
           sum(billed_micros)::bigint AS micros, count(*) AS events,
           sha256(string_agg(event_line(decision_id, slot, event, billed_micros), ''
                             ORDER BY decision_id, slot, event)) AS digest
    FROM recorded WHERE billed_micros > 0
    GROUP BY day, campaign_id, line_item_id, rate_type, bucket, batch
) r JOIN campaigns c USING (campaign_id)
ORDER BY c.advertiser_id, r.day, r.line_item_id, r.bucket"""


def post_recorded(connection: Connection) -> None:
    """Enter what the temporary table `recorded` holds that was billed."""
    connection.execute(_POST_RECORDED)
