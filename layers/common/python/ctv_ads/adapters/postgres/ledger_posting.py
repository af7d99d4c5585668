"""Writing the books: what was delivered, and credits. Flat rates are in `ledger_flat.py`.

Whoever posts has locked the campaigns concerned, in the order of their ids; after them come the
chains, in the order of advertiser and day. So nobody waits for anybody in a circle.
"""

from collections.abc import Sequence

from ctv_ads.adapters.postgres.database import Connection, Database
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.ports.ledger import Credited, DeliveredEvent

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


_LOCK_CREDITED = """
SELECT campaign_id FROM campaigns
WHERE campaign_id IN (
    SELECT l.campaign_id FROM line_items l JOIN ad_events e USING (line_item_id)
    JOIN unnest(%s::date[], %s::uuid[], %s::smallint[], %s::text[])
        AS w (day, decision_id, slot, event) USING (day, decision_id, slot, event)
)
ORDER BY campaign_id FOR NO KEY UPDATE"""
_CREDIT = f"""
WITH this_batch AS MATERIALIZED (SELECT nextval('recording_batches') AS batch
), credited AS (
    INSERT INTO credited_events (day, decision_id, slot, event, organization_id, line_item_id,
                                 amount_micros, batch)
    SELECT e.day, e.decision_id, e.slot, e.event, l.organization_id, e.line_item_id,
           e.billed_micros, t.batch
    FROM unnest(%s::date[], %s::uuid[], %s::smallint[], %s::text[])
        AS w (day, decision_id, slot, event)
    JOIN ad_events e USING (day, decision_id, slot, event)
    JOIN line_items l USING (line_item_id)
    CROSS JOIN this_batch t
    WHERE e.billed_micros > 0
    ORDER BY e.day, e.decision_id, e.slot, e.event
    ON CONFLICT DO NOTHING
    RETURNING day, decision_id, slot, event, line_item_id, amount_micros, batch
), summed AS (
    SELECT r.day, r.line_item_id, e.rate_type, e.bucket, r.batch, count(*) AS events,
           sum(r.amount_micros)::bigint AS micros,
           sha256(string_agg(event_line(r.decision_id, r.slot, r.event, r.amount_micros), ''
                             ORDER BY r.decision_id, r.slot, r.event)) AS digest
    FROM credited r JOIN ad_events e USING (day, decision_id, slot, event)
    GROUP BY r.day, r.line_item_id, e.rate_type, e.bucket, r.batch
), campaigns_credited AS (
    UPDATE campaigns c SET billed_micros = c.billed_micros - s.micros
    FROM (SELECT l.campaign_id, sum(x.micros)::bigint AS micros
          FROM summed x JOIN line_items l USING (line_item_id) GROUP BY l.campaign_id) s
    WHERE c.campaign_id = s.campaign_id
), line_items_credited AS (
    UPDATE line_items l SET billed_micros = l.billed_micros - s.micros
    FROM (SELECT line_item_id, sum(micros)::bigint AS micros FROM summed GROUP BY line_item_id) s
    WHERE l.line_item_id = s.line_item_id
){ENTRY}
SELECT c.organization_id, c.advertiser_id, s.day, 'credit', c.campaign_id, s.line_item_id,
       s.rate_type, s.bucket, s.batch, 'revenue', 'receivable', s.micros, s.events, s.digest, %s
FROM summed s JOIN line_items l USING (line_item_id)
JOIN campaigns c ON c.campaign_id = l.campaign_id
ORDER BY c.advertiser_id, s.day, s.line_item_id, s.bucket
RETURNING amount_micros, events"""

_MARK = """
INSERT INTO invalid_beacons (day, decision_id, slot, event, rule, organization_id, campaign_id,
                             line_item_id, creative_id, placement_id, received_at, client_network,
                             user_agent_class, decided_at, country, device_type)
SELECT e.day, e.decision_id, e.slot, e.event, %s, l.organization_id, l.campaign_id, e.line_item_id,
       e.creative_id, e.placement_id, e.received_at, e.client_network, e.user_agent_class,
       e.decided_at, e.country, e.device_type
FROM unnest(%s::date[], %s::uuid[], %s::smallint[], %s::text[]) AS w (day, decision_id, slot, event)
JOIN ad_events e USING (day, decision_id, slot, event)
JOIN line_items l USING (line_item_id)
ORDER BY e.day, e.decision_id, e.slot, e.event
ON CONFLICT DO NOTHING"""


class PostgresLedgerPosting:
    """Implements `ports.LedgerPosting`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def credit(
        self, events: Sequence[DeliveredEvent], reason: str, *, rule: InvalidTraffic | None = None
    ) -> Credited:
        """Credit what was billed for these events, each once, and list them under `rule`."""
        wanted = (
            [event.day for event in events],
            [event.decision_id for event in events],
            [event.slot for event in events],
            [event.event.value for event in events],
        )
        with self._database.transaction() as connection:
            connection.execute(_LOCK_CREDITED, wanted)
            rows = connection.execute(_CREDIT, (*wanted, reason)).fetchall()
            if rule is not None:
                connection.execute(_MARK, (rule.value, *wanted))
        return Credited(
            events=sum(row["events"] for row in rows),
            amount_micros=sum(row["amount_micros"] for row in rows),
        )
