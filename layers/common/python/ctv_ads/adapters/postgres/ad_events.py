"""The table of events: which of a batch it holds, and adding those that it does not.

Whoever adds holds the campaigns of the events: nobody else adds any of theirs meanwhile. So what is
not found is new, and is copied into its day's partition at once. Should it be there all the same,
the primary key refuses the batch: an event is never stored, counted or billed twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

import psycopg
from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.array_texts import plain_array
from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.domain.beacon import Beacon
from ctv_ads.domain.delivered import Recorded
from ctv_ads.domain.ids import DecisionId

Placed = tuple[int, Beacon]
"""A beacon with its position in the batch."""
Key = tuple[date, DecisionId, int, str]
"""What an event is known by: the day of its decision, decision, slot and event."""

# One look into the primary key for each ad, whatever the planner thinks of a day's size. Only what is
# asked for comes back: other events of these ads mostly are stored already.
_STORED = """
SELECT i.day, i.decision_id, i.slot, e.event, e.received_at, e.client_network
FROM unnest(%s::date[], %s::uuid[], %s::smallint[], %s::text[]) AS i (day, decision_id, slot, events)
CROSS JOIN LATERAL (
    SELECT e.event, e.received_at, e.client_network FROM ad_events e
    WHERE e.day = i.day AND e.decision_id = i.decision_id AND e.slot = i.slot
      AND e.event = ANY (string_to_array(i.events, '|'))
    OFFSET 0
) e"""
_COPY = """
COPY ad_events (day, decision_id, slot, event, line_item_id, creative_id, placement_id, decided_at,
                received_at, price_micros, billed_micros, client_network, user_agent_class,
                vast_error_code, rate_type, bucket, country, device_type, session, batch)
FROM STDIN (FORMAT BINARY)"""
# The binary form of a uuid is its 16 bytes: sent as bytes, no UUID object is made per value.
_COPY_TYPES = (
    "date", "bytea", "int2", "text", "bytea", "bytea", "bytea", "timestamptz",
    "timestamptz", "int8", "int8", "text", "text",
    "int2", "text", "int8", "text", "text", "int8", "int8",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stored:
    """When an event that is stored came, and from where."""

    received_at: datetime
    client_network: str | None


def key_of(beacon: Beacon) -> Key:
    """Return what the event is known by."""
    claims = beacon.claims
    return claims.decided_at.date(), claims.decision_id, claims.slot, beacon.event


def ask_stored(connection: Connection, beacons: Iterable[Placed]) -> psycopg.Cursor[DictRow]:
    """Ask which events of a batch are stored."""
    asked: dict[tuple[date, DecisionId, int], list[str]] = defaultdict(list)
    for _, one in beacons:
        claims = one.claims
        asked[claims.decided_at.date(), claims.decision_id, claims.slot].append(one.event)
    days, decisions, slots = zip(*asked, strict=True) if asked else ((), (), ())
    events = map("|".join, asked.values())
    return connection.execute(_STORED, [*map(plain_array, (days, decisions, slots, events))])


def new_ones(
    beacons: Iterable[Placed], stored: Iterable[DictRow]
) -> tuple[list[Placed], list[tuple[Placed, Beacon | Stored]]]:
    """Return what is not stored, the first to arrive of its kind, and repeats with what they repeat."""
    seen: dict[Key, Beacon | Stored] = {
        (row["day"], row["decision_id"], row["slot"], row["event"]): Stored(
            row["received_at"], row["client_network"]
        )
        for row in stored
    }
    fresh, repeats = [], []
    for pair in sorted(beacons, key=_received_at):
        key = key_of(pair[1])
        before = seen.get(key)
        if before is None:
            seen[key] = pair[1]
            fresh.append(pair)
        else:
            repeats.append((pair, before))
    return fresh, repeats


def add_events(connection: Connection, events: Sequence[Recorded], batch: int) -> None:
    """Store events that are new; those added together have one number, which names them."""
    with connection.cursor().copy(_COPY) as copy:
        copy.set_types(_COPY_TYPES)
        for beacon, billed_micros in events:
            (
                decision_id, slot, decided_at, _, line_item_id, creative_id, placement_id,
                price_micros, rate_type, bucket, country, device_type, session,
            ) = beacon.claims  # fmt: skip
            copy.write_row(
                (
                    decided_at.date(),
                    bytes.fromhex(decision_id.replace("-", "")),
                    slot,
                    beacon.event,
                    _known_uuid_bytes(line_item_id),
                    _known_uuid_bytes(creative_id),
                    _known_uuid_bytes(placement_id),
                    decided_at,
                    beacon.received_at,
                    price_micros,
                    billed_micros,
                    beacon.client_network,
                    beacon.user_agent_class,
                    beacon.vast_error_code,
                    rate_type,
                    bucket,
                    country,
                    device_type,
                    signed(session),
                    batch,
                )
            )


def signed(unsigned: int) -> int:
    """Return the 64 bits as the signed number that PostgreSQL has for them."""
    return unsigned - 2**64 if unsigned >= 2**63 else unsigned


def _received_at(pair: Placed) -> datetime:
    return pair[1].received_at


@lru_cache(maxsize=10_000)
def _known_uuid_bytes(text: str) -> bytes:
    """Return the bytes of an id that comes again and again."""
    return bytes.fromhex(text.replace("-", ""))
