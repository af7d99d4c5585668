"""What SQL a piece of work runs, and how PostgreSQL means to run it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import psycopg

from ctv_ads.adapters.postgres.database import Connection

_IDENTITY = "set_config('app."


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as it was executed."""

    sql: str
    parameters: Any

    @property
    def is_identity(self) -> bool:
        """Whether it only says for whom the transaction is."""
        return _IDENTITY in self.sql


@contextmanager
def recorded_statements() -> Iterator[list[Statement]]:
    """Collect every statement that this process executes, those of prepared cursors too."""
    found: list[Statement] = []
    # Both kinds of cursor have their own `execute`, and `Connection.execute` uses the first.
    patches = [
        patch.object(kind, "execute", _recording(kind.execute, found))
        for kind in (psycopg.Cursor, psycopg.ServerCursor)
    ]
    with patches[0], patches[1]:
        yield found


def _recording(execute: Callable[..., object], found: list[Statement]) -> Callable[..., object]:
    def execute_and_tell(*arguments: object, **options: object) -> object:
        _, sql, *parameters = arguments
        text = sql.decode() if isinstance(sql, bytes) else str(sql)
        found.append(Statement(text, parameters[0] if parameters else None))
        return execute(*arguments, **options)

    return execute_and_tell


def plan_of(connection: Connection, statement: Statement) -> dict[str, Any]:
    """Return PostgreSQL's plan of a recorded statement, for the transaction's identity."""
    explain = f"EXPLAIN (FORMAT JSON) {statement.sql}".encode()
    row = connection.execute(explain, statement.parameters).fetchone() or {}
    plan: dict[str, Any] = row["QUERY PLAN"][0]["Plan"]
    return plan


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every step of a plan."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes_of(child)


def sequential_scans(plan: dict[str, Any]) -> list[str]:
    """Return the tables that a plan reads from end to end."""
    return [node["Relation Name"] for node in nodes_of(plan) if node["Node Type"] == "Seq Scan"]


def indexes_of(plan: dict[str, Any]) -> set[str]:
    """Return the indexes that a plan uses."""
    return {node["Index Name"] for node in nodes_of(plan) if "Index Name" in node}
