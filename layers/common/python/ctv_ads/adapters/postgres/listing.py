"""Keyset pagination: one statement for a page, one for the totals, whatever the list is long."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import psycopg
from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.domain.listing import Cursor, ListQuery, Page
from ctv_ads.errors import FieldProblem, InvalidRequestError

T = TypeVar("T")
_STREAMED_ROWS = 1000
"""How many rows of a streamed list are fetched at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """How one kind of thing is listed. All texts are SQL of ours; values are always bound."""

    columns: str
    """What follows SELECT."""
    source: str
    """What follows FROM, with WHERE and the conditions that always hold."""
    counted: str | None = ""
    """The same for the totals, which need fewer tables; None where there are no totals."""
    id_column: str
    sorts: Mapping[str, tuple[str, str]]
    """By name: the expression, and the SQL type of its value."""
    unindexed: frozenset[str] = frozenset()
    """Sorts that no index holds: of what is `counted`, ids are sorted, and not whole rows."""
    looked_up: str = ""
    """For those: what gives the ids of a page, `page.id`, the columns."""
    filters: Mapping[str, str] = field(default_factory=dict)
    """By name: the condition that holds for what is let through, with `%(name)s`."""
    totals: Mapping[str, str] = field(default_factory=dict)
    """By name: an aggregate over everything let through; `count` is always there."""

    def page(
        self, connection: Connection, query: ListQuery, item_of: Callable[[DictRow], T]
    ) -> Page[T]:
        """Return the page that `query` asks for.

        Raises:
            InvalidRequestError: the cursor's value is none of this sort's.
        """
        totals = self._totals(connection, query)
        try:
            found = connection.execute(*self._statement(query)).fetchall()
        except psycopg.DataError as error:
            raise bad_cursor() from error
        shown = found[: query.limit]
        return Page(
            items=tuple(item_of(row) for row in shown),
            next_cursor=_cursor(query, shown[-1]) if len(found) > query.limit else None,
            totals=totals,
        )

    def stream(
        self, connection: Connection, query: ListQuery, item_of: Callable[[DictRow], T]
    ) -> Iterator[tuple[T, Cursor]]:
        """Hand out up to `query.limit` items, each with the cursor of what follows it.

        The server keeps the result and gives it in parts, as they are taken.

        Raises:
            InvalidRequestError: the cursor's value is none of this sort's.
        """
        with connection.cursor(name="listing") as rows:
            rows.itersize = _STREAMED_ROWS
            try:
                rows.execute(*self._statement(query))
            except psycopg.DataError as error:
                raise bad_cursor() from error
            for row in rows:
                yield item_of(row), _cursor(query, row)

    def _totals(self, connection: Connection, query: ListQuery) -> Mapping[str, int]:
        if self.counted is None:
            return {}
        aggregates = ", ".join(
            # As numeric: the sum of many budgets may pass what a bigint holds.
            f"coalesce({aggregate}, 0)::numeric AS {name}"
            for name, aggregate in {"count": "count(*)", **self.totals}.items()
        )
        row = connection.execute(
            f"SELECT {aggregates} FROM {self.counted or self.source}{self._where(query)}".encode(),  # noqa: S608 - our own texts
            _applied(query),
        ).fetchone()
        return {name: int(value) for name, value in (row or {}).items()}

    def _where(self, query: ListQuery) -> str:
        return "".join(f" AND ({self.filters[name]})" for name in _applied(query))

    def _statement(self, query: ListQuery) -> tuple[bytes, dict[str, object]]:
        return self._page_sql(query, self._where(query)).encode(), _bound(query)

    def _page_sql(self, query: ListQuery, where: str) -> str:
        expression, sql_type = self.sorts[query.sort_name]
        direction, beyond = ("DESC", "<") if query.is_descending else ("ASC", ">")
        after = ""
        if query.cursor is not None:
            after = (
                f" AND ({expression}, {self.id_column}) {beyond}"
                f" (%(cursor_value)s::{sql_type}, %(cursor_id)s::uuid)"
            )
        if query.sort_name in self.unindexed:
            return (
                f"SELECT {self.columns}, page.sorted_by::text AS cursor_value, page.id AS cursor_id"  # noqa: S608
                f" FROM (SELECT {expression} AS sorted_by, {self.id_column} AS id"
                f" FROM {self.counted}{where}{after} ORDER BY 1 {direction}, 2 {direction}"
                f" LIMIT %(page_limit)s) AS page {self.looked_up}"
                f" ORDER BY page.sorted_by {direction}, page.id {direction}"
            )
        return (
            f"SELECT {self.columns}, ({expression})::text AS cursor_value,"  # noqa: S608 - our own texts
            f" {self.id_column} AS cursor_id FROM {self.source}{where}{after}"
            f" ORDER BY {expression} {direction}, {self.id_column} {direction}"
            " LIMIT %(page_limit)s"
        )


def _applied(query: ListQuery) -> dict[str, object]:
    return {name: value for name, value in query.filters.items() if value is not None}


def _bound(query: ListQuery) -> dict[str, object]:
    bound = {**_applied(query), "page_limit": query.limit + 1}
    if query.cursor is not None:
        bound |= {"cursor_value": query.cursor.value, "cursor_id": query.cursor.item_id}
    return bound


def bad_cursor() -> InvalidRequestError:
    """Return what is told of a cursor whose value is none of its list's."""
    problem = FieldProblem("cursor", "bad_cursor", "it is not a cursor of this list")
    return InvalidRequestError("the cursor is wrong", [problem])


def contains(text: str) -> str:
    """Return the ILIKE pattern of texts that contain `text`, its wildcards taken literally."""
    literal = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{literal}%"


def _cursor(query: ListQuery, last: DictRow) -> Cursor:
    return Cursor(query.sort, last["cursor_value"], str(last["cursor_id"]))
