"""Holding beacons against what is stored of their films, sessions and first ones.

It works inside the recording transaction. Films' lengths stay in memory, for a film never changes;
sessions are asked for with one statement a batch, and only those in which so much happened that it
may be too much are looked at closely.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.ad_events import Placed, Stored, signed
from ctv_ads.adapters.postgres.array_texts import plain_array
from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.domain.beacon import Beacon, BeaconEvent
from ctv_ads.domain.delivered import PAID_FOR
from ctv_ads.domain.ids import CreativeId, DecisionId
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.domain.line_item import RateType
from ctv_ads.domain.traffic_rules import (
    FEWEST_VIEWS,
    PARTS,
    SESSION_WINDOW,
    TrafficRules,
    View,
    is_replay,
    is_too_early,
    too_many_views,
)

Verdicts = Mapping[int, InvalidTraffic]
"""By position in the batch."""

_MOST_FILMS = 50_000
_DAY = timedelta(days=1)
_EARLIEST = datetime.min.replace(tzinfo=UTC) + SESSION_WINDOW
# What a third party's tag plays is its own affair, from one call to the next.
_FILMS = """
SELECT creative_id::text, (facts->>'duration_ms')::integer AS film_ms FROM creatives
WHERE creative_id = ANY(%s::uuid[]) AND tag_url IS NULL AND facts->>'duration_ms' IS NOT NULL"""
# Each ad by the event that is paid for, in the words of the index `ad_events_session`.
_VIEW = "e.session <> 0 AND e.event = CASE e.rate_type WHEN 'cpcv' THEN 'complete' ELSE 'impression' END"
# Statements are put together from texts of ours.
# ruff: noqa: S608
_CROWDED = f"""
SELECT a.session
FROM (
    SELECT * FROM unnest(%(sessions)s::bigint[], %(first)s::timestamptz[], %(last)s::timestamptz[],
                         %(views)s::integer[]) AS s (session, first_at, last_at, views)
) a
CROSS JOIN LATERAL (
    SELECT count(*) AS views FROM ad_events e
    WHERE e.session = a.session AND e.received_at > a.first_at - %(window)s
      AND e.received_at <= a.last_at AND e.day = ANY(%(days)s) AND {_VIEW}
) k
WHERE a.views + k.views >= %(fewest)s"""
_KNOWN = f"""
SELECT e.session, e.received_at, e.decision_id::text, e.slot, e.creative_id::text
FROM ad_events e
WHERE e.session = ANY(%(sessions)s) AND e.received_at > %(after)s AND e.day = ANY(%(days)s)
  AND {_VIEW}"""


class TrafficJudge:
    """Finds what only shows beside what is stored."""

    def __init__(self, rules: TrafficRules) -> None:
        self._rules = rules
        self._films: dict[CreativeId, int] = {}

    def early(self, connection: Connection, beacons: Sequence[Placed]) -> Verdicts:
        """Return the beacons that report more of a film than there was time for."""
        parts = [(place, one) for place, one in beacons if one.event in PARTS]
        self._learn(connection, {one.claims.creative_id for _, one in parts})
        return {
            place: InvalidTraffic.IMPOSSIBLE_ORDER
            for place, one in parts
            if is_too_early(
                one.event,
                one.received_at - one.claims.decided_at,
                self._films[one.claims.creative_id],
                self._rules,
            )
        }

    def ask_crowded(self, connection: Connection, beacons: Sequence[Placed]) -> Iterable[DictRow]:
        """Ask which sessions of the batch have seen so much that it may be too much."""
        moments: dict[int, list[datetime]] = defaultdict(list)
        paid_for = [(at, one) for at, one in beacons if one.event in PAID_FOR and _pays(one)]
        for _, one in paid_for:
            if one.claims.session:
                moments[signed(one.claims.session)].append(one.received_at)
        if not moments:
            return ()
        values = {
            "sessions": plain_array(moments),
            "first": plain_array(min(at).isoformat() for at in moments.values()),
            "last": plain_array(max(at).isoformat() for at in moments.values()),
            "views": plain_array(len(at) for at in moments.values()),
        }
        limits = {"window": SESSION_WINDOW, "days": _days(paid_for), "fewest": FEWEST_VIEWS}
        return connection.execute(_CROWDED, values | limits)

    def crowded(
        self, connection: Connection, beacons: Sequence[Placed], sessions: Sequence[int]
    ) -> Verdicts:
        """Return the beacons of these sessions (signed) that there was no time for."""
        wanted = set(sessions)
        arrived = [
            (place, one)
            for place, one in beacons
            if one.claims.session and signed(one.claims.session) in wanted and _pays(one)
        ]
        if not arrived:  # those that made it crowded name line items that do not exist
            return {}
        after = _window_before(min(one.received_at for _, one in arrived))
        rows = connection.execute(
            _KNOWN, {"sessions": list(sessions), "after": after, "days": _days(beacons)}
        ).fetchall()
        creatives = {CreativeId(row["creative_id"]) for row in rows}
        self._learn(connection, creatives | {one.claims.creative_id for _, one in arrived})
        known: dict[int, list[View]] = defaultdict(list)
        for row in rows:
            known[row["session"]].append(self._known_view(row))
        fresh: dict[int, dict[tuple[DecisionId, int], View]] = defaultdict(dict)
        for _, one in sorted(arrived, key=lambda pair: pair[1].received_at):
            view = self._view(one)
            fresh[signed(one.claims.session)].setdefault((view.decision_id, view.slot), view)
        refused: set[tuple[DecisionId, int]] = set()
        for session, views in fresh.items():
            stored = {(view.decision_id, view.slot) for view in known[session]}
            new = [view for key, view in views.items() if key not in stored]
            unfit = too_many_views(new, known[session], self._rules)
            refused |= {(view.decision_id, view.slot) for view in unfit}
        return {
            place: InvalidTraffic.IMPOSSIBLE_RATE
            for place, one in arrived
            if (one.claims.decision_id, one.claims.slot) in refused
        }

    def _learn(self, connection: Connection, creatives: set[CreativeId]) -> None:
        unknown = creatives - self._films.keys()
        if not unknown:
            return
        if len(self._films) + len(unknown) > _MOST_FILMS:
            self._films.clear()
            unknown = creatives
        rows = connection.execute(_FILMS, (list(unknown),))
        self._films |= dict.fromkeys(unknown, 0)
        self._films |= {CreativeId(row["creative_id"]): row["film_ms"] for row in rows}

    def _view(self, beacon: Beacon) -> View:
        claims = beacon.claims
        film_ms = self._films[claims.creative_id]
        return View(beacon.received_at, claims.decision_id, claims.slot, film_ms)

    def _known_view(self, row: DictRow) -> View:
        film_ms = self._films[CreativeId(row["creative_id"])]
        return View(row["received_at"], DecisionId(row["decision_id"]), row["slot"], film_ms)


def judge_repeats(repeats: Iterable[tuple[Placed, Beacon | Stored]]) -> Verdicts:
    """Return the repeats of what is paid for, from other networks or the same.

    A queue repeats a call as it was, which nobody is to blame for; only another call came at another
    moment, or from elsewhere.
    """
    return {
        place: InvalidTraffic.REPLAYED
        if is_replay(before.client_network, one.client_network)
        else InvalidTraffic.REPEATED
        for (place, one), before in repeats
        if _pays(one)
        and (one.received_at, one.client_network) != (before.received_at, before.client_network)
    }


def _pays(beacon: Beacon) -> bool:
    is_cpcv = beacon.claims.rate_type is RateType.CPCV
    return beacon.event is (BeaconEvent.COMPLETE if is_cpcv else BeaconEvent.IMPRESSION)


def _days(beacons: Sequence[Placed]) -> list[date]:
    """Return on which days the events of the batch, and those in the windows before, are kept."""
    received = {one.received_at.date() for _, one in beacons}
    days = {one.claims.decided_at.date() for _, one in beacons} | received
    return sorted(days | {day - _DAY for day in received if day > date.min})


def _window_before(moment: datetime) -> datetime:
    return max(moment, _EARLIEST) - SESSION_WINDOW
