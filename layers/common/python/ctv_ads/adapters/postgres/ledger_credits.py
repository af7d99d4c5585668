"""Writing credits into the books: what was billed and should not have been, each event once.

The events come from PostgreSQL, or, of a day that was dropped, from the archive. What they cost is
taken from the campaign, its line items, their days and the counts, in the transaction that enters it.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.database import Connection, Database
from ctv_ads.adapters.postgres.ledger_posting import ENTRY
from ctv_ads.adapters.postgres.spend_counts import CREDITED_NOW, count_spend
from ctv_ads.adapters.postgres.statistics_rebuild import load_archived
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.ports.event_archive import Lines
from ctv_ads.ports.ledger import Credited, DeliveredEvent

# Statements are put together from texts of ours.
# ruff: noqa: S608
_DROPPED = (
    "SELECT day FROM archived_days WHERE dropped_at IS NOT NULL AND day = ANY (%s) ORDER BY day"
)
_TEMPORARY = """
CREATE TEMPORARY TABLE asked_for (
    day date, decision_id uuid, slot smallint, event text,
    PRIMARY KEY (day, decision_id, slot, event)
) ON COMMIT DROP;
CREATE TEMPORARY TABLE to_credit (
    day date, decision_id uuid, slot smallint, event text, line_item_id uuid, creative_id uuid,
    placement_id uuid, decided_at timestamptz, received_at timestamptz, billed_micros bigint,
    rate_type text, bucket bigint, client_network text, user_agent_class text, country text,
    device_type text, PRIMARY KEY (day, decision_id, slot, event)
) ON COMMIT DROP"""
_ASK = """
INSERT INTO asked_for SELECT * FROM unnest(%s::date[], %s::uuid[], %s::smallint[], %s::text[])
ON CONFLICT DO NOTHING"""
_FIND = """
INSERT INTO to_credit
SELECT e.day, e.decision_id, e.slot, e.event, e.line_item_id, e.creative_id, e.placement_id,
       e.decided_at, e.received_at, e.billed_micros, e.rate_type, e.bucket, e.client_network,
       e.user_agent_class, e.country, e.device_type
FROM asked_for JOIN ad_events e USING (day, decision_id, slot, event)"""
_FIND_ARCHIVED = """
INSERT INTO to_credit
SELECT a.day, e.decision_id, e.slot, e.event, e.line_item_id, e.creative_id, e.placement_id,
       e.decided_at AT TIME ZONE 'UTC', e.received_at AT TIME ZONE 'UTC', e.billed_micros,
       e.rate_type, e.bucket, e.client_network, e.user_agent_class, e.country, e.device_type
FROM asked_for a JOIN archived_events e USING (decision_id, slot, event)
WHERE a.day = %s
ON CONFLICT DO NOTHING"""
_LOCK = """
SELECT FROM campaigns
WHERE campaign_id IN (SELECT campaign_id FROM line_items JOIN to_credit USING (line_item_id))
ORDER BY campaign_id FOR NO KEY UPDATE"""
_MARK = """
INSERT INTO invalid_beacons (day, decision_id, slot, event, rule, organization_id, campaign_id,
                             line_item_id, creative_id, placement_id, received_at, client_network,
                             user_agent_class, decided_at, country, device_type)
SELECT t.day, t.decision_id, t.slot, t.event, %s, l.organization_id, l.campaign_id, t.line_item_id,
       t.creative_id, t.placement_id, t.received_at, t.client_network, t.user_agent_class,
       t.decided_at, coalesce(t.country, ''), coalesce(t.device_type, '')
FROM to_credit t JOIN line_items l USING (line_item_id)
ORDER BY t.day, t.decision_id, t.slot, t.event
ON CONFLICT DO NOTHING"""
_BATCH = "SELECT nextval('recording_batches') AS batch"
_TAKE = """
INSERT INTO credited_events (day, decision_id, slot, event, organization_id, line_item_id,
                             amount_micros, batch)
SELECT t.day, t.decision_id, t.slot, t.event, l.organization_id, t.line_item_id, t.billed_micros, %s
FROM to_credit t JOIN line_items l USING (line_item_id)
WHERE t.billed_micros > 0
ORDER BY t.day, t.decision_id, t.slot, t.event
ON CONFLICT DO NOTHING"""
_COUNT = """
SELECT (SELECT count(*) FROM asked_for) AS asked, count(*) AS found,
       count(*) FILTER (WHERE t.billed_micros > 0) AS billed,
       count(*) FILTER (WHERE c.batch = %(batch)s) AS credited,
       coalesce(sum(c.amount_micros) FILTER (WHERE c.batch = %(batch)s), 0)::bigint AS micros
FROM to_credit t LEFT JOIN credited_events c USING (day, decision_id, slot, event)"""
_KEEP_CREDITED = """
DELETE FROM to_credit t WHERE NOT EXISTS (
    SELECT FROM credited_events c
    WHERE (c.day, c.decision_id, c.slot, c.event) = (t.day, t.decision_id, t.slot, t.event)
      AND c.batch = %(batch)s
)"""
_CREDIT_CAMPAIGNS = """
UPDATE campaigns c SET billed_micros = c.billed_micros - s.micros
FROM (SELECT l.campaign_id, sum(t.billed_micros)::bigint AS micros
      FROM to_credit t JOIN line_items l USING (line_item_id) GROUP BY l.campaign_id) s
WHERE c.campaign_id = s.campaign_id"""
_CREDIT_LINE_ITEMS = """
UPDATE line_items l SET billed_micros = l.billed_micros - s.micros
FROM (SELECT line_item_id, sum(billed_micros)::bigint AS micros
      FROM to_credit GROUP BY line_item_id) s
WHERE l.line_item_id = s.line_item_id"""
# The day that paid is the grant's as long as that is known, else the local day of the decision.
_CREDIT_DAYS = """
SELECT return_daily_spend(line_item_id, budget_day, sum(billed_micros)::bigint, count(*))
FROM (
    SELECT t.line_item_id, t.billed_micros, coalesce(
               b.budget_day, (t.decided_at AT TIME ZONE coalesce(l.timezone, c.timezone))::date
           ) AS budget_day
    FROM to_credit t JOIN line_items l USING (line_item_id)
    JOIN campaigns c ON c.campaign_id = l.campaign_id
    LEFT JOIN token_buckets b ON b.line_item_id = t.line_item_id AND b.bucket = t.bucket
) d GROUP BY line_item_id, budget_day ORDER BY line_item_id, budget_day"""
_POST = f"""{ENTRY}
SELECT c.organization_id, c.advertiser_id, s.day, 'credit', c.campaign_id, s.line_item_id,
       s.rate_type, s.bucket, %(batch)s, 'revenue', 'receivable', s.micros, s.events, s.digest,
       %(reason)s
FROM (
    SELECT day, line_item_id, rate_type, bucket, count(*) AS events,
           sum(billed_micros)::bigint AS micros,
           sha256(string_agg(event_line(decision_id, slot, event, billed_micros), ''
                             ORDER BY decision_id, slot, event)) AS digest
    FROM to_credit GROUP BY day, line_item_id, rate_type, bucket
) s JOIN line_items l USING (line_item_id)
JOIN campaigns c ON c.campaign_id = l.campaign_id
ORDER BY c.advertiser_id, s.day, s.line_item_id, s.bucket"""


class PostgresLedgerPosting:
    """Implements `ports.LedgerPosting`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def dropped(self, days: Sequence[date]) -> Sequence[date]:
        """Return which of these days have their events in the archive only."""
        with self._database.transaction() as connection:
            return [row["day"] for row in connection.execute(_DROPPED, (list(days),))]

    def credit(
        self,
        events: Sequence[DeliveredEvent],
        reason: str,
        *,
        rule: InvalidTraffic | None = None,
        archived: Mapping[date, Lines] | None = None,
    ) -> Credited:
        """Credit what was billed for these events, each once, and list them under `rule`."""
        with self._database.transaction() as connection:
            _find(connection, events, archived or {})
            connection.execute(_LOCK)
            if rule is not None:
                connection.execute(_MARK, (rule.value,))
            values = {**(connection.execute(_BATCH).fetchone() or {}), "reason": reason}
            connection.execute(_TAKE, (values["batch"],))
            counted = connection.execute(_COUNT, values).fetchone() or {}
            _enter(connection, values)
        return Credited(
            events=counted["credited"],
            amount_micros=counted["micros"],
            credited_before=counted["billed"] - counted["credited"],
            never_billed=counted["found"] - counted["billed"],
            unknown=counted["asked"] - counted["found"],
        )


def _find(
    connection: Connection, events: Sequence[DeliveredEvent], archived: Mapping[date, Lines]
) -> None:
    """Put into the temporary table `to_credit` what is known of the events."""
    wanted = (
        [event.day for event in events],
        [event.decision_id for event in events],
        [event.slot for event in events],
        [event.event.value for event in events],
    )
    connection.execute(_TEMPORARY)
    connection.execute(_ASK, wanted)
    connection.execute(_FIND)
    for day, lines in archived.items():
        load_archived(connection, lines)
        connection.execute(_FIND_ARCHIVED, (day,))
        connection.execute("DROP TABLE archived_events")


def _enter(connection: Connection, values: DictRow) -> None:
    """Take back what is credited now wherever it is counted, and enter it; the books come last."""
    connection.execute(_KEEP_CREDITED, values)
    for statement in (_CREDIT_CAMPAIGNS, _CREDIT_LINE_ITEMS, _CREDIT_DAYS):
        connection.execute(statement)
    count_spend(connection, CREDITED_NOW, {})
    connection.execute(_POST, values)
