"""Recording beacons and billing impressions, in one transaction per batch.

The batch is copied into a temporary table. Then the campaigns it concerns are locked in the
order of their ids, so that writers neither deadlock nor bill the same money twice. Under that
lock a beacon is new if its (day, decision, slot, event) is not stored; new impressions are
billed in the order of their decisions for as long as the budget lasts.
"""

from collections.abc import Sequence

from ctv_ads.adapters.postgres.database import Connection, Database
from ctv_ads.domain.beacon import Beacon
from ctv_ads.ports.pipeline import RecordedBatch

_TEMPORARY = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming (
    position integer, day date, decision_id uuid, slot smallint, event text, line_item_id uuid,
    creative_id uuid, placement_id uuid, decided_at timestamptz, received_at timestamptz,
    price_micros bigint, client_network text, user_agent_class text, vast_error_code smallint,
    rate_type text, bucket bigint, country text, device_type text, session bigint
) ON COMMIT DELETE ROWS"""
_COPY = """
COPY incoming (position, day, decision_id, slot, event, line_item_id, creative_id, placement_id,
               decided_at, received_at, price_micros, client_network, user_agent_class,
               vast_error_code, rate_type, bucket, country, device_type, session) FROM STDIN (FORMAT BINARY)"""
# The binary form of a uuid is its 16 bytes: sent as bytes, no UUID object is made per value.
_COPY_TYPES = (
    "int4", "date", "bytea", "int2", "text", "bytea", "bytea", "bytea",
    "timestamptz", "timestamptz", "int8", "text", "text", "int2",
    "text", "int8", "text", "text", "int8",
)  # fmt: skip
_PARTITIONS = """
SELECT ensure_ad_event_partitions(day, day) FROM unnest(%s::date[]) AS day
WHERE to_regclass('ad_events_' || to_char(day, 'YYYYMMDD')) IS NULL
ORDER BY day"""
_UNKNOWN = """
SELECT position FROM incoming i
WHERE NOT EXISTS (SELECT 1 FROM line_items l WHERE l.line_item_id = i.line_item_id)
ORDER BY position"""
_LOCK_CAMPAIGNS = """
SELECT campaign_id FROM campaigns
WHERE campaign_id IN (
    SELECT l.campaign_id FROM line_items l JOIN incoming i USING (line_item_id)
)
ORDER BY campaign_id FOR UPDATE"""
_RECORD = """
WITH fresh AS (
    SELECT DISTINCT ON (i.day, i.decision_id, i.slot, i.event)
           i.*, l.organization_id, l.campaign_id
    FROM incoming i
    JOIN line_items l USING (line_item_id)
    WHERE NOT EXISTS (
        SELECT 1 FROM ad_events e
        WHERE e.day = i.day AND e.decision_id = i.decision_id AND e.slot = i.slot
          AND e.event = i.event
    )
    ORDER BY i.day, i.decision_id, i.slot, i.event, i.received_at, i.position
), spending AS (
    SELECT f.*, affordable_sum(
               CASE WHEN f.event = 'impression' THEN f.price_micros ELSE 0 END,
               c.budget_micros - c.billed_micros
           ) OVER in_order AS spent_micros
    FROM fresh f
    JOIN campaigns c USING (organization_id, campaign_id)
    WINDOW in_order AS (
        PARTITION BY f.campaign_id ORDER BY f.decided_at, f.decision_id, f.slot, f.event
    )
), priced AS (
    SELECT s.*, s.spent_micros - coalesce(lag(s.spent_micros) OVER in_order, 0) AS due_micros
    FROM spending s
    WINDOW in_order AS (
        PARTITION BY s.campaign_id ORDER BY s.decided_at, s.decision_id, s.slot, s.event
    )
), recorded AS (
    INSERT INTO ad_events (day, decision_id, slot, event, line_item_id, creative_id, placement_id,
                           decided_at, received_at, price_micros, billed_micros, client_network,
                           user_agent_class, vast_error_code, rate_type, bucket, country,
                           device_type, session)
    SELECT day, decision_id, slot, event, line_item_id, creative_id, placement_id, decided_at,
           received_at, price_micros,
           due_micros, client_network, user_agent_class, vast_error_code, rate_type, bucket,
           country, device_type, session
    FROM priced
    ON CONFLICT DO NOTHING
    RETURNING day, event, line_item_id, creative_id, price_micros, billed_micros
), counted AS (
    SELECT l.organization_id, l.campaign_id, r.line_item_id, r.creative_id, r.day,
           count(*) FILTER (WHERE r.event = 'impression') AS impressions,
           count(*) FILTER (WHERE r.event = 'start') AS starts,
           count(*) FILTER (WHERE r.event = 'firstQuartile') AS first_quartiles,
           count(*) FILTER (WHERE r.event = 'midpoint') AS midpoints,
           count(*) FILTER (WHERE r.event = 'thirdQuartile') AS third_quartiles,
           count(*) FILTER (WHERE r.event = 'complete') AS completes,
           count(*) FILTER (WHERE r.event = 'clickTracking') AS clicks,
           count(*) FILTER (WHERE r.event = 'error') AS errors,
           sum(r.billed_micros)::bigint AS billed_micros,
           count(*) FILTER (
               WHERE r.event = 'impression' AND r.billed_micros < r.price_micros
           ) AS unbilled_impressions,
           count(*) AS events
    FROM recorded r
    JOIN line_items l USING (line_item_id)
    GROUP BY l.organization_id, l.campaign_id, r.line_item_id, r.creative_id, r.day
), campaigns_billed AS (
    UPDATE campaigns c SET billed_micros = c.billed_micros + d.micros
    FROM (SELECT campaign_id, sum(billed_micros)::bigint AS micros FROM counted GROUP BY 1) d
    WHERE c.campaign_id = d.campaign_id AND d.micros > 0
    RETURNING c.campaign_id, c.budget_micros - c.billed_micros AS left_micros
), line_items_billed AS (
    UPDATE line_items l SET billed_micros = l.billed_micros + d.micros
    FROM (SELECT line_item_id, sum(billed_micros)::bigint AS micros FROM counted GROUP BY 1) d
    WHERE l.line_item_id = d.line_item_id AND d.micros > 0
), stored AS (
    INSERT INTO campaign_daily_stats AS s (
        organization_id, campaign_id, line_item_id, creative_id, day, impressions, starts,
        first_quartiles, midpoints, third_quartiles, completes, clicks, errors, billed_micros,
        unbilled_impressions, updated_at
    )
    SELECT organization_id, campaign_id, line_item_id, creative_id, day, impressions, starts,
           first_quartiles, midpoints, third_quartiles, completes, clicks, errors, billed_micros,
           unbilled_impressions, clock_timestamp()
    FROM counted
    ORDER BY campaign_id, day, line_item_id, creative_id
    ON CONFLICT (campaign_id, day, line_item_id, creative_id) DO UPDATE SET
        impressions = s.impressions + excluded.impressions,
        starts = s.starts + excluded.starts,
        first_quartiles = s.first_quartiles + excluded.first_quartiles,
        midpoints = s.midpoints + excluded.midpoints,
        third_quartiles = s.third_quartiles + excluded.third_quartiles,
        completes = s.completes + excluded.completes,
        clicks = s.clicks + excluded.clicks,
        errors = s.errors + excluded.errors,
        billed_micros = s.billed_micros + excluded.billed_micros,
        unbilled_impressions = s.unbilled_impressions + excluded.unbilled_impressions,
        updated_at = excluded.updated_at
)
SELECT coalesce(sum(events), 0)::bigint AS recorded,
       coalesce(sum(impressions - unbilled_impressions), 0)::bigint AS billed,
       coalesce(sum(unbilled_impressions), 0)::bigint AS unbilled,
       EXISTS (
           SELECT 1 FROM campaigns_billed b JOIN priced p USING (campaign_id)
           WHERE p.event = 'impression' AND b.left_micros < p.price_micros
       ) AS a_budget_has_ended
FROM counted"""


class PostgresBeaconLedger:
    """Implements `ports.BeaconLedger`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, beacons: Sequence[Beacon]) -> RecordedBatch:
        """Store each beacon once, bill its impression within the budget, count it."""
        self._make_partitions(beacons)
        with self._database.transaction() as connection:
            connection.execute(_TEMPORARY)
            _copy(connection, beacons)
            unknown = tuple(row["position"] for row in connection.execute(_UNKNOWN))
            connection.execute(_LOCK_CAMPAIGNS)
            row = connection.execute(_RECORD).fetchone() or {}
        recorded = int(row["recorded"])
        return RecordedBatch(
            recorded=recorded,
            duplicates=len(beacons) - len(unknown) - recorded,
            billed_impressions=int(row["billed"]),
            unbilled_impressions=int(row["unbilled"]),
            unknown=unknown,
            a_budget_has_ended=bool(row["a_budget_has_ended"]),
        )

    def _make_partitions(self, beacons: Sequence[Beacon]) -> None:
        # A transaction of its own: making one locks all of ad_events, and whoever holds that
        # while it waits for a campaign deadlocks with whoever holds the campaign and records.
        days = sorted({beacon.claims.decided_at.date() for beacon in beacons})
        with self._database.transaction() as connection:
            connection.execute(_PARTITIONS, (days,))


def _copy(connection: Connection, beacons: Sequence[Beacon]) -> None:
    with connection.cursor().copy(_COPY) as copy:
        copy.set_types(_COPY_TYPES)
        for position, beacon in enumerate(beacons):
            claims = beacon.claims
            copy.write_row(
                (
                    position,
                    claims.decided_at.date(),
                    _uuid_bytes(claims.decision_id),
                    claims.slot,
                    beacon.event.value,
                    _uuid_bytes(claims.line_item_id),
                    _uuid_bytes(claims.creative_id),
                    _uuid_bytes(claims.placement_id),
                    claims.decided_at,
                    beacon.received_at,
                    claims.price_micros,
                    beacon.client_network,
                    beacon.user_agent_class,
                    beacon.vast_error_code,
                    claims.rate_type.value,
                    claims.bucket,
                    claims.country,
                    claims.device_type,
                    _signed(claims.session),
                )
            )


def _uuid_bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("-", ""))


def _signed(unsigned: int) -> int:
    """Return the 64 bits as the signed number that PostgreSQL has for them."""
    return unsigned - 2**64 if unsigned >= 2**63 else unsigned
