"""Recording beacons and billing impressions, in one transaction per batch.

First the campaigns that it concerns are locked in the order of their ids, so that writers neither
deadlock nor bill the same money twice. Under that lock a beacon is new if its (day, decision, slot,
event) is not stored; of the new ones those that are paid for (CPM: the impression, CPCV: the
complete) are billed in the order of their decisions, out of the grants of tokens that they were
decided on (`event_billing.py`). What is new is copied into the table of events (`ad_events.py`),
counted (`delivery_counts.py`) and entered into the books (`ledger_posting.py`).
Beacons that cannot have happened (`traffic_judge.py`) are taken out before and kept apart; so are
completes whose ad has not begun (`held_completes.py`), until it has.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres import ad_events, delivery_counts, held_completes, ledger_posting
from ctv_ads.adapters.postgres.ad_events import Placed
from ctv_ads.adapters.postgres.array_texts import plain_array
from ctv_ads.adapters.postgres.database import Connection, Database
from ctv_ads.adapters.postgres.event_billing import Billing, ask_ended
from ctv_ads.adapters.postgres.invalid_traffic import keep_invalid
from ctv_ads.adapters.postgres.traffic_judge import TrafficJudge, judge_repeats
from ctv_ads.domain.beacon import Beacon
from ctv_ads.domain.delivered import Recorded
from ctv_ads.domain.ids import LineItemId
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.domain.traffic_rules import TrafficRules
from ctv_ads.ports.pipeline import RecordedBatch

_PARTITIONS = """
SELECT ensure_ad_event_partitions(day, day) FROM unnest(%s::date[]) AS day
WHERE to_regclass('ad_events_' || to_char(day, 'YYYYMMDD')) IS NULL
ORDER BY day"""
_DROPPED = """
SELECT day FROM archived_days WHERE day = ANY(%s) AND dropped_at IS NOT NULL"""
_LOCK_CAMPAIGNS = """
SELECT l.line_item_id, c.campaign_id, c.organization_id
FROM line_items l JOIN campaigns c USING (campaign_id)
WHERE l.line_item_id = ANY(%s::uuid[])
ORDER BY c.campaign_id FOR NO KEY UPDATE OF c"""
Owners = Mapping[LineItemId, delivery_counts.Owner]


class _Arrived(NamedTuple):
    """What of a batch may be recorded, once its campaigns are locked."""

    owners: Owners
    beacons: Sequence[Beacon]
    """Those of the batch, and completes that have waited for a beginning which it has."""
    fresh: list[Placed]
    verdicts: Mapping[int, InvalidTraffic]
    unknown: tuple[int, ...]
    duplicates: int
    held: int


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
                if connection is not self._prepared:
                    connection.execute(delivery_counts.TEMPORARY)
                batch = self._record(connection, beacons, gone)
        except BaseException:
            # What was taken for made may be gone: the table with this transaction or with its
            # connection, and a day's partition by retention.
            self._prepared = None
            self._made_days.clear()
            raise
        self._prepared = connection
        return batch

    def _record(
        self, connection: Connection, beacons: Sequence[Beacon], gone: set[int]
    ) -> RecordedBatch:
        arrived = self._sort(connection, beacons, gone)
        verdicts = arrived.verdicts
        kept = [(at, replace(arrived.beacons[at], invalid=verdicts[at])) for at in verdicts]
        strangers = keep_invalid(connection, kept)
        paid_for, has_ended = _store(connection, arrived) if arrived.fresh else ((), False)
        in_full = sum(micros == one.claims.price_micros for one, micros in paid_for)
        return RecordedBatch(
            recorded=len(arrived.fresh),
            duplicates=arrived.duplicates,
            billed_impressions=in_full,
            unbilled_impressions=len(paid_for) - in_full,
            unknown=(*arrived.unknown, *strangers),
            gone=tuple(sorted(gone)),
            a_budget_has_ended=has_ended,
            held=arrived.held,
            invalid=dict(Counter(rule for at, rule in verdicts.items() if at not in strangers)),
        )

    def _sort(self, connection: Connection, beacons: Sequence[Beacon], gone: set[int]) -> _Arrived:
        """Lock the campaigns; find what is new, what cannot be, and what has to wait."""
        placed = _without(gone, list(enumerate(beacons)))
        verdicts = dict(self._judge.early(connection, placed))
        placed = _without(verdicts, placed)
        held = 0
        if held_completes.concerns_completes(placed):
            placed, beacons, held = _wait_for_beginnings(connection, placed, beacons)
        # Statements that need no answer of one another travel together.
        with connection.pipeline():
            locked = _lock_campaigns(connection, placed)
            stored = ad_events.ask_stored(connection, placed)
            crowded = self._judge.ask_crowded(connection, placed)
        owners = _owners(locked)
        unknown = tuple(at for at, one in placed if one.claims.line_item_id not in owners)
        placed = _without(set(unknown), placed)
        if sessions := [row["session"] for row in crowded]:
            unfit = self._judge.crowded(connection, placed, sessions)
            verdicts |= unfit
            placed = _without(unfit, placed)
        fresh, repeats = ad_events.new_ones(placed, stored)
        verdicts |= judge_repeats(repeats)
        return _Arrived(owners, beacons, fresh, verdicts, unknown, len(repeats), held)

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


def _lock_campaigns(connection: Connection, placed: Sequence[Placed]) -> Iterable[DictRow]:
    line_items = {one.claims.line_item_id for _, one in placed}
    return connection.execute(_LOCK_CAMPAIGNS, (plain_array(line_items),))


def _owners(locked: Iterable[DictRow]) -> Owners:
    return {
        row["line_item_id"]: delivery_counts.Owner(row["organization_id"], row["campaign_id"])
        for row in locked
    }


def _wait_for_beginnings(
    connection: Connection, placed: list[Placed], beacons: Sequence[Beacon]
) -> tuple[list[Placed], list[Beacon], int]:
    """Hold completes of ads that have not begun; add those that have waited to the batch."""
    owners = _owners(_lock_campaigns(connection, placed))
    known = [pair for pair in placed if pair[1].claims.line_item_id in owners]
    held = held_completes.hold(connection, known)
    released = held_completes.release(connection, known)
    added = list(enumerate(released, len(beacons)))
    return _without(held, placed) + added, [*beacons, *released], len(held)


def _store(connection: Connection, arrived: _Arrived) -> tuple[Sequence[Recorded], bool]:
    """Bill, store, count and enter what is new, of which there is something.

    Return what of it is paid for, and whether a budget has ended. What needs no answer is worked out
    while PostgreSQL is at work: it begins with a statement of a pipeline as soon as it is sent.
    """
    with connection.pipeline():
        billing = Billing(connection, arrived.fresh)
        delivered = delivery_counts.Delivered((one for _, one in arrived.fresh), arrived.owners)
        known_sessions = delivered.ask_known_sessions(connection)
    billed = billing.billed()
    ad_events.add_events(connection, billed.events, billed.batch)
    with connection.pipeline():
        delivered.count(connection, billed.paid_for, known_sessions)
        # The books come last: until the commit they keep others from the advertiser.
        ledger_posting.post_delivered(connection, billed.paid_for, billed.batch)
        campaigns = {item: owner.campaign_id for item, owner in arrived.owners.items()}
        ended = ask_ended(connection, billed, campaigns)
    row = ended.fetchone() or {}
    return billed.paid_for, bool(row["a_budget_has_ended"])


def _without(positions: Collection[int], placed: list[Placed]) -> list[Placed]:
    return [pair for pair in placed if pair[0] not in positions] if positions else placed
