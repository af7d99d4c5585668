"""Recording beacons and billing impressions, in one transaction per batch.

The batch is copied into a temporary table. Then the campaigns it concerns are locked in the
order of their ids, so that writers neither deadlock nor bill the same money twice. Under that
lock a beacon is new if its (day, decision, slot, event) is not stored; of the new ones those
that are paid for (CPM: the impression, CPCV: the complete) are billed in the order of their
decisions, out of the grants of tokens that they were decided on (`bill_by_bucket`). What was
recorded stays in the temporary table `recorded` until the commit, for what is counted from it.
Beacons that cannot have happened (`traffic_judge.py`) are taken out before and kept apart; so are
completes whose ad has not begun (`held_completes.py`), until it has.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache

from ctv_ads.adapters.postgres import delivery_counts, held_completes, ledger_posting
from ctv_ads.adapters.postgres.database import Connection, Database
from ctv_ads.adapters.postgres.invalid_traffic import keep_invalid
from ctv_ads.adapters.postgres.traffic_judge import Placed, TrafficJudge, Verdicts, signed
from ctv_ads.domain.beacon import Beacon, BeaconEvent
from ctv_ads.domain.traffic_rules import TrafficRules
from ctv_ads.ports.pipeline import RecordedBatch

TEMPORARY = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming (
    position integer, day date, decision_id uuid, slot smallint, event text, line_item_id uuid,
    creative_id uuid, placement_id uuid, decided_at timestamptz, received_at timestamptz,
    price_micros bigint, client_network text, user_agent_class text, vast_error_code smallint,
    rate_type text, bucket bigint, country text, device_type text, session bigint
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS recorded (
    organization_id uuid, campaign_id uuid, day date, decision_id uuid, slot smallint, event text,
    line_item_id uuid, creative_id uuid, placement_id uuid, decided_at timestamptz,
    price_micros bigint, billed_micros bigint, vast_error_code smallint, rate_type text,
    bucket bigint, country text, device_type text, session bigint, batch bigint,
    is_billable boolean
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
_DROPPED = """
SELECT day FROM archived_days WHERE day = ANY(%s) AND dropped_at IS NOT NULL"""
_UNKNOWN = """
SELECT position FROM incoming i
WHERE NOT EXISTS (SELECT 1 FROM line_items l WHERE l.line_item_id = i.line_item_id)
ORDER BY position"""
_LOCK_CAMPAIGNS = """
SELECT campaign_id FROM campaigns
WHERE campaign_id IN (
    SELECT l.campaign_id FROM line_items l
    WHERE l.line_item_id IN (SELECT i.line_item_id FROM incoming i)
)
ORDER BY campaign_id FOR NO KEY UPDATE"""
# An event of these is new if it is not stored: nobody else stores it while we hold its campaign.
# The rest costs nothing and is left to the primary key.
_RECORD = """
WITH fresh AS (
    SELECT DISTINCT ON (i.day, i.decision_id, i.slot, i.event)
           i.position, i.line_item_id, i.bucket, i.price_micros, i.decided_at, i.decision_id,
           i.slot
    FROM incoming i
    WHERE ((i.event, i.rate_type) IN (('impression', 'cpm'), ('complete', 'cpcv'))
           -- A flat rate costs nothing an event; a goal in impressions is counted by its tokens.
           OR (i.event = 'impression' AND i.rate_type = 'flat' AND i.bucket > 0))
      AND NOT EXISTS (
        SELECT 1 FROM ad_events e
        WHERE e.day = i.day AND e.decision_id = i.decision_id AND e.slot = i.slot
          AND e.event = i.event
      )
    ORDER BY i.day, i.decision_id, i.slot, i.event, i.received_at, i.position
), asked AS MATERIALIZED (
    SELECT f.*, (row_number() OVER (ORDER BY decided_at, decision_id, slot))::integer AS rank
    FROM fresh f
), billed AS MATERIALIZED (
    SELECT a.position, b.micros
    FROM (
        SELECT array_agg(rank) AS ranks, array_agg(line_item_id) AS line_items,
               array_agg(bucket) AS buckets, array_agg(price_micros) AS prices,
               array_agg(decided_at) AS decided
        FROM asked
    ) all_asked,
    bill_by_bucket(ranks, line_items, buckets, prices, decided) b
    JOIN asked a ON a.rank = b.event_position
), this_batch AS MATERIALIZED (
    SELECT nextval('recording_batches') AS batch
), stored AS (
    INSERT INTO ad_events (day, decision_id, slot, event, line_item_id, creative_id, placement_id,
                           decided_at, received_at, price_micros, billed_micros, client_network,
                           user_agent_class, vast_error_code, rate_type, bucket, country,
                           device_type, session, batch)
    SELECT i.day, i.decision_id, i.slot, i.event, i.line_item_id, i.creative_id, i.placement_id,
           i.decided_at, i.received_at, i.price_micros, coalesce(b.micros, 0), i.client_network,
           i.user_agent_class, i.vast_error_code, i.rate_type, i.bucket, i.country,
           i.device_type, i.session, t.batch
    FROM incoming i CROSS JOIN this_batch t
    LEFT JOIN billed b USING (position)
    WHERE i.line_item_id IN (SELECT l.line_item_id FROM line_items l)
    -- The first to arrive of its kind is the one kept, and neighbours of the index come together.
    ORDER BY i.day, i.decision_id, i.slot, i.event, i.received_at, i.position
    ON CONFLICT DO NOTHING
    RETURNING day, decision_id, slot, event, line_item_id, creative_id, placement_id, decided_at,
              price_micros, billed_micros, vast_error_code, rate_type, bucket, country,
              device_type, session, batch
)
INSERT INTO recorded
SELECT l.organization_id, l.campaign_id, s.*,
       (s.event, s.rate_type) IN (('impression', 'cpm'), ('complete', 'cpcv')) AS is_billable
FROM stored s JOIN line_items l USING (line_item_id)"""
_OUTCOME = """
SELECT count(*) FILTER (WHERE billed_micros = price_micros) AS billed,
       count(*) FILTER (WHERE billed_micros < price_micros) AS unbilled,
       EXISTS (
           SELECT 1
           FROM (SELECT campaign_id, max(price_micros) AS price_micros, sum(billed_micros) AS micros
                 FROM recorded WHERE is_billable GROUP BY campaign_id) b
           JOIN campaigns c USING (campaign_id)
           WHERE b.micros > 0 AND c.budget_micros - c.billed_micros < b.price_micros
       ) AS a_budget_has_ended
FROM recorded WHERE is_billable"""


class PostgresBeaconLedger:
    """Implements `ports.BeaconLedger`."""

    def __init__(self, database: Database, rules: TrafficRules | None = None) -> None:
        self._database = database
        self._judge = TrafficJudge(rules or TrafficRules())
        self._made_days: set[date] = set()
        self._prepared: Connection | None = None

    def record(self, beacons: Sequence[Beacon]) -> RecordedBatch:
        """Store each beacon once, bill what is paid for, count it, all in one transaction."""
        dropped = self._make_partitions(beacons)
        gone = {
            at
            for at, one in enumerate(beacons if dropped else ())
            if one.claims.decided_at.date() in dropped
        }
        try:
            with self._database.transaction() as connection:
                self._make_tables(connection)
                batch = self._record(connection, beacons, gone)
        except BaseException:
            # What was taken for made may be gone: the tables with this transaction or with its
            # connection, and a day's partition by retention.
            self._prepared = None
            self._made_days.clear()
            raise
        self._prepared = connection
        return batch

    def _record(
        self, connection: Connection, beacons: Sequence[Beacon], gone: set[int]
    ) -> RecordedBatch:
        placed = _without(gone, list(enumerate(beacons)))
        verdicts = dict(self._judge.early(connection, placed))
        placed = _without(verdicts, placed)
        _copy(connection, placed)
        early, held = len(verdicts), 0
        if held_completes.concerns_completes(placed):
            placed, beacons, held = self._wait_for_beginnings(connection, placed, beacons)
        # Statements that need no answer of one another travel together.
        with connection.pipeline():
            unknown_rows = connection.execute(_UNKNOWN)
            connection.execute(_LOCK_CAMPAIGNS)
            crowded = self._judge.ask_crowded(connection, placed)
        unknown = tuple(row["position"] for row in unknown_rows)
        if sessions := [row["session"] for row in crowded]:
            verdicts |= self._take_out(connection, placed, sessions)
        with connection.pipeline():
            recording = connection.execute(_RECORD)
            counted = delivery_counts.begin_to_count(connection)
        recorded = recording.rowcount
        duplicates = early + len(placed) - len(verdicts) - len(unknown) - recorded
        if duplicates:
            verdicts |= self._judge.repeated(connection, placed)
        kept = [(at, replace(beacons[at], invalid=verdicts[at])) for at in verdicts]
        strangers = keep_invalid(connection, kept)
        sketches = delivery_counts.sketches_of(counted)
        has_errors = any(beacon.event is BeaconEvent.ERROR for beacon in beacons)
        with connection.pipeline():
            delivery_counts.count_recorded(connection, sketches, with_errors=has_errors)
            # The books come last: until the commit they keep others from the advertiser.
            ledger_posting.post_recorded(connection)
            outcome = connection.execute(_OUTCOME)
        row = outcome.fetchone() or {}
        return RecordedBatch(
            recorded=recorded,
            duplicates=duplicates,
            billed_impressions=int(row["billed"]),
            unbilled_impressions=int(row["unbilled"]),
            unknown=(*unknown, *strangers),
            gone=tuple(sorted(gone)),
            a_budget_has_ended=bool(row["a_budget_has_ended"]),
            held=held,
            invalid=dict(Counter(rule for at, rule in verdicts.items() if at not in strangers)),
        )

    def _wait_for_beginnings(
        self, connection: Connection, placed: list[Placed], beacons: Sequence[Beacon]
    ) -> tuple[list[Placed], list[Beacon], int]:
        """Hold completes of ads that have not begun; add those that have waited to the batch."""
        connection.execute(_LOCK_CAMPAIGNS)
        held = held_completes.hold(connection, placed)
        released = held_completes.release(connection, placed)
        added = list(enumerate(released, len(beacons)))
        if added:
            _copy(connection, added)
        return _without(held, placed) + added, [*beacons, *released], len(held)

    def _take_out(
        self, connection: Connection, placed: Sequence[Placed], sessions: Sequence[int]
    ) -> Verdicts:
        """Take out of the batch what these sessions had no time for, and return it."""
        unfit = self._judge.crowded(connection, placed, sessions)
        connection.execute("DELETE FROM incoming WHERE position = ANY(%s)", (list(unfit),))
        return unfit

    def _make_tables(self, connection: Connection) -> None:
        if connection is not self._prepared:
            connection.execute(TEMPORARY)
            connection.execute(delivery_counts.TEMPORARY)

    def _make_partitions(self, beacons: Sequence[Beacon]) -> set[date]:
        """Make what is missing; return the days that were dropped, for which nothing is made."""
        # A transaction of its own: making one locks all of ad_events, and whoever holds that
        # while it waits for a campaign deadlocks with whoever holds the campaign and records.
        days = {beacon.claims.decided_at.date() for beacon in beacons} - self._made_days
        if not days:
            return set()
        with self._database.transaction() as connection:
            connection.execute(_PARTITIONS, (sorted(days),))
            dropped = {row["day"] for row in connection.execute(_DROPPED, (sorted(days),))}
        self._made_days |= days - dropped
        return dropped


def _without(positions: Collection[int], placed: list[Placed]) -> list[Placed]:
    return [pair for pair in placed if pair[0] not in positions] if positions else placed


def _copy(connection: Connection, beacons: Sequence[Placed]) -> None:
    with connection.cursor().copy(_COPY) as copy:
        copy.set_types(_COPY_TYPES)
        for position, beacon in beacons:
            claims = beacon.claims
            copy.write_row(
                (
                    position,
                    claims.decided_at.date(),
                    _uuid_bytes(claims.decision_id),
                    claims.slot,
                    beacon.event.value,
                    _known_uuid_bytes(claims.line_item_id),
                    _known_uuid_bytes(claims.creative_id),
                    _known_uuid_bytes(claims.placement_id),
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
                    signed(claims.session),
                )
            )


def _uuid_bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("-", ""))


@lru_cache(maxsize=10_000)
def _known_uuid_bytes(text: str) -> bytes:
    """Return the same of an id that comes again and again."""
    return _uuid_bytes(text)
