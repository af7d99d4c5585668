"""Writing the books: what was delivered, days of flat rates, and credits.

Whoever posts has locked the campaigns concerned, in the order of their ids; after them come the
chains, in the order of advertiser and day. So nobody waits for anybody in a circle.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.database import Connection, Database
from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.domain.ledger import flat_due_micros
from ctv_ads.ports.ledger import Credited, DeliveredEvent

# Statements are put together from texts of ours.
# ruff: noqa: S608
_ENTRY = """
INSERT INTO ledger_entries (organization_id, advertiser_id, day, kind, campaign_id, line_item_id,
                            rate_type, bucket, batch, debit_account, credit_account,
                            amount_micros, events, events_sha256, reason)"""
_POST_RECORDED = f"""{_ENTRY}
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


_LOCK_FLAT = """
SELECT campaign_id FROM campaigns
WHERE campaign_id IN (SELECT campaign_id FROM line_items WHERE rate_type = 'flat')
ORDER BY campaign_id FOR NO KEY UPDATE"""
# What the budgets have left that is not reserved pays.
_FLAT = """
SELECT l.line_item_id, c.campaign_id, c.advertiser_id, c.organization_id, l.rate_micros,
       coalesce(l.starts_at, c.starts_at) AS starts_at, coalesce(l.ends_at, c.ends_at) AS ends_at,
       (SELECT coalesce(sum(e.amount_micros), 0)::bigint FROM ledger_entries e
        WHERE e.line_item_id = l.line_item_id AND e.kind = 'flat') AS entered_micros,
       greatest(0, c.budget_micros - c.billed_micros - (
           SELECT coalesce(sum(b.outstanding_micros), 0)::bigint FROM token_buckets b
           WHERE b.campaign_id = c.campaign_id AND b.released_at IS NULL AND b.unit = 'micros'
       )) AS campaign_room_micros,
       l.budget_micros - l.billed_micros AS own_room_micros
FROM line_items l JOIN campaigns c USING (campaign_id)
WHERE l.rate_type = 'flat' AND l.type <> 'house' AND l.status = 'active'
  AND l.deleted_at IS NULL AND c.deleted_at IS NULL AND c.status IN ('active', 'completed')
  AND NOT EXISTS (SELECT 1 FROM ledger_entries e
                  WHERE e.line_item_id = l.line_item_id AND e.day = %(day)s AND e.kind = 'flat')
ORDER BY c.advertiser_id, l.line_item_id"""
_POST_FLAT = f"""{_ENTRY}
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
){_ENTRY}
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

    def post_flat(self, day: date, *, now: datetime) -> Sequence[LineItemId]:
        """Enter the flat rates of a day that is over; return whose were entered now.

        Raises:
            ValueError: the day is not over yet.
        """
        if day >= now.date():
            raise ValueError(f"{day} is not over")
        entered: list[LineItemId] = []
        with self._database.transaction() as connection:
            connection.execute(_LOCK_FLAT)
            taken: Counter[str] = Counter()
            for row in connection.execute(_FLAT, {"day": day}).fetchall():
                rooms = [row["campaign_room_micros"] - taken[row["campaign_id"]]]
                if row["own_room_micros"] is not None:
                    rooms.append(row["own_room_micros"])
                micros = min(_flat_due(row, day), *rooms)
                if micros > 0:
                    taken[row["campaign_id"]] += micros
                    _enter_flat(connection, {**row, "day": day, "micros": micros})
                    entered.append(LineItemId(str(row["line_item_id"])))
        return entered

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


def _flat_due(row: DictRow, day: date) -> int:
    return flat_due_micros(
        row["rate_micros"],
        starts_at=row["starts_at"].astimezone(UTC),
        ends_at=row["ends_at"].astimezone(UTC),
        day=day,
        entered_micros=row["entered_micros"],
    )


def _enter_flat(connection: Connection, values: DictRow) -> None:
    for statement in (_BILL_CAMPAIGN, _BILL_LINE_ITEM, _BILL_DAY, _POST_FLAT):
        connection.execute(statement, values)
