"""Requests and what came of them, read from the counts of days, or of hours where those are asked.

Requests, opportunities and no-fills are in rows of no campaign, ads served and events in those of
campaigns: each is found by an index of its own.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC
from typing import Any

import psycopg
from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.adapters.postgres.listing import bad_cursor
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.domain.reasons import NoFillReason
from ctv_ads.domain.supply import SupplyBy, SupplyCounts, SupplyPart, SupplyQuery, SupplyReport

# Statements are put together from texts of ours.
# ruff: noqa: S608
_COLUMNS = {name: name for name in SupplyCounts.__dataclass_fields__} | {
    "spend_micros": "billed_micros"
}
_SUMS = ", ".join(
    f"coalesce(sum(s.{column}), 0)::bigint AS {name}" for name, column in _COLUMNS.items()
)
_READ = ", ".join(
    ("placement_id", "country", "device_type", "updated_at", *sorted(_COLUMNS.values()))
)
_NOBODYS = "campaign_id = '00000000-0000-0000-0000-000000000000'"
_OF_CAMPAIGNS = "campaign_id IN (SELECT campaign_id FROM campaigns)"
_DAYS = "day BETWEEN %(first_day)s AND %(last_day)s"
_HOURS = """hour >= %(first_day)s::date::timestamp AT TIME ZONE 'UTC'
    AND hour < (%(last_day)s::date + 1)::timestamp AT TIME ZONE 'UTC'"""
_PLACE = "(%(placement_id)s::uuid IS NULL OR s.placement_id = %(placement_id)s::uuid)"
# What is grouped by, and how it is told: rows are many, groups few, so they are told afterwards.
_COLUMN = {
    SupplyBy.PLACEMENT: "s.placement_id",
    SupplyBy.DAY: "s.day",
    SupplyBy.HOUR: "s.hour",
    SupplyBy.COUNTRY: "s.country",
    SupplyBy.DEVICE_TYPE: "s.device_type",
}
_TOLD = dict.fromkeys(SupplyBy, "g.part::text") | {
    SupplyBy.DAY: "to_char(g.part, 'YYYY-MM-DD')",
    SupplyBy.HOUR: """to_char(g.part AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')""",
}


def _delivered(by: SupplyBy) -> str:
    kind, period, days = (
        ("hours", "hour", _HOURS) if by is SupplyBy.HOUR else ("days", "day", _DAYS)
    )
    source = " UNION ALL ".join(
        f"SELECT {period}, {_READ} FROM delivery_{kind} WHERE {whose} AND {days}"
        for whose in (_NOBODYS, _OF_CAMPAIGNS)
    )
    return f"""
SELECT * FROM (
    SELECT {_TOLD[by]} COLLATE "C" AS key, g.* FROM (
        SELECT {_COLUMN[by]} AS part, {_SUMS}, max(s.updated_at) AS as_of
        FROM ({source}) s WHERE {_PLACE}
        GROUP BY GROUPING SETS (({_COLUMN[by]}), ())
    ) g
) p
WHERE key IS NULL OR %(after)s::text IS NULL OR key > %(after)s::text
ORDER BY key NULLS FIRST LIMIT %(rows)s"""


def _named(by: SupplyBy, column: str, name: str, number: str, source: str) -> str:
    return f"""
SELECT * FROM (
    SELECT {_TOLD[by]} AS key, g.name, g.number FROM (
        SELECT {column} AS part, {name} AS name, sum({number})::bigint AS number
        FROM {source} AND {_PLACE}
        GROUP BY GROUPING SETS (({column}, {name}), ({name}))
    ) g
) p WHERE key IS NULL OR key = ANY (%(keys)s)"""


def _no_fills(by: SupplyBy) -> str:
    column = "(s.hour AT TIME ZONE 'UTC')::date" if by is SupplyBy.DAY else _COLUMN[by]
    return _named(by, column, "s.reason", "s.no_fills", f"delivery_no_fills s WHERE {_HOURS}")


def _invalid(by: SupplyBy) -> str:
    kind, days = ("hours", _HOURS) if by is SupplyBy.HOUR else ("days", _DAYS)
    source = f"invalid_{kind} s WHERE {_OF_CAMPAIGNS} AND {days}"
    return _named(by, _COLUMN[by], "s.rule", "s.beacons", source)


_DELIVERED = {by: _delivered(by) for by in SupplyBy}
_NO_FILLS = {by: _no_fills(by) for by in SupplyBy}
_INVALID = {by: _invalid(by) for by in SupplyBy}
_Named = Mapping[str | None, Mapping[str, int]]
"""By key (None: all of them) and name."""


class PostgresSupply:
    """Implements `ports.Supply`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def report(self, query: SupplyQuery) -> SupplyReport:
        """Return the parts that `query` asks for, and the totals of all there are.

        Raises:
            InvalidRequestError: `after` can be no key.
        """
        values: dict[str, Any] = {
            "first_day": query.first_day,
            "last_day": query.last_day,
            "placement_id": query.placement_id,
            "after": query.after,
            # The totals are one, and one more tells that there are more.
            "rows": query.limit + 2,
        }
        try:
            rows = self._connection.execute(_DELIVERED[query.by].encode(), values).fetchall()
        except psycopg.DataError as error:  # characters that no text of PostgreSQL holds
            raise bad_cursor() from error
        totals, *found = rows
        shown = found[: query.limit]
        values["keys"] = [row["key"] for row in shown]
        reasons = self._named(_NO_FILLS[query.by], values)
        invalid = self._named(_INVALID[query.by], values)
        as_of = totals["as_of"]
        return SupplyReport(
            parts=tuple(_part(row, reasons, invalid) for row in shown),
            totals=_part(totals, reasons, invalid),
            has_more=len(found) > query.limit,
            data_as_of=as_of and as_of.astimezone(UTC),
        )

    def _named(self, statement: str, values: Mapping[str, Any]) -> _Named:
        found: dict[str | None, dict[str, int]] = defaultdict(dict)
        for row in self._connection.execute(statement.encode(), values):
            found[row["key"]][row["name"]] = row["number"]
        return found


def _part(row: DictRow, reasons: _Named, invalid: _Named) -> SupplyPart:
    key = row["key"]
    return SupplyPart(
        key or "",
        SupplyCounts(**{name: row[name] for name in _COLUMNS}),
        {NoFillReason(name): count for name, count in reasons.get(key, {}).items()},
        {InvalidTraffic(name): count for name, count in invalid.get(key, {}).items()},
    )
