"""A process of its own that records batches of beacons, and may be killed while it does."""

import os
import signal
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier

import psycopg

from ctv_ads.adapters.postgres import ad_events
from ctv_ads.adapters.postgres.beacon_ledger import PostgresBeaconLedger
from ctv_ads.adapters.postgres.database import Connection, Database
from ctv_ads.domain.beacon import Beacon
from ctv_ads.domain.delivered import Recorded

BEFORE_COPY, AFTER_COPY, BEFORE_COMMIT, AFTER_COMMIT = (
    "before copy",
    "after copy",
    "before commit",
    "after commit",
)
MOMENTS = (BEFORE_COPY, AFTER_COPY, BEFORE_COMMIT, AFTER_COMMIT)

_PROCESSES = get_context("spawn")
_START_S = 30


def recorder(
    secret: Mapping[str, str], batches: Sequence[Sequence[Beacon]], *, dies: str
) -> BaseProcess:
    """Start a process that records `batches` and is killed at the moment `dies`."""
    process = _PROCESSES.Process(target=_record, args=(dict(secret), batches, dies), daemon=True)
    process.start()
    return process


def record_together(
    secret: Mapping[str, str], dealt: Sequence[Sequence[Sequence[Beacon]]], *, within_s: float
) -> Sequence[int | None]:
    """Record each share of batches in a process of its own, all at once; return how they ended."""
    start = _PROCESSES.Barrier(len(dealt))
    processes = [
        _PROCESSES.Process(target=_record, args=(dict(secret), batches, "", start), daemon=True)
        for batches in dealt
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(within_s)
    return [process.exitcode for process in processes]


def _record(
    secret: Mapping[str, str],
    batches: Sequence[Sequence[Beacon]],
    dies: str,
    start: Barrier | None = None,
) -> None:
    ledger = PostgresBeaconLedger(Database(secret))
    if dies in {BEFORE_COPY, AFTER_COPY}:
        _die_around_copy(dies)
    if dies in {BEFORE_COMMIT, AFTER_COMMIT}:
        _die_around_commit(dies)
    if start is not None:
        ledger.record([])  # connects
        start.wait(_START_S)
    for batch in batches:
        ledger.record(batch)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_around_copy(moment: str) -> None:
    copy = ad_events.add_events

    def fatal_copy(connection: Connection, events: Sequence[Recorded], batch: int) -> None:
        if moment == BEFORE_COPY:
            _die()
        copy(connection, events, batch)
        _die()

    vars(ad_events).update(add_events=fatal_copy)


def _die_around_commit(moment: str) -> None:
    commit = psycopg.Connection.commit
    counted = "SELECT count(*) AS rows FROM counted"

    def fatal_commit(connection: Connection) -> None:
        # Only the transaction that has recorded beacons is the one meant.
        exists = connection.execute("SELECT to_regclass('pg_temp.counted') AS it").fetchone()
        row = connection.execute(counted).fetchone() if exists and exists["it"] else None
        if row is None or row["rows"] == 0:
            commit(connection)
            return
        if moment == BEFORE_COMMIT:
            _die()
        commit(connection)
        _die()

    psycopg.Connection.commit = fatal_commit  # type: ignore[assignment,method-assign]
