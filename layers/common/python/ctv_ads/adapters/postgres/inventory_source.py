"""What may serve, read for all organizations from the source of truth."""

import gc
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from psycopg.rows import DictRow, tuple_row

from ctv_ads.adapters.postgres import inventory_statements as sql
from ctv_ads.adapters.postgres.database import Connection, Database
from ctv_ads.adapters.postgres.inventory_rows import (
    assigned,
    measured,
    published_placement,
    rendition,
    servable_creative,
    servable_line_item,
    siblings_of,
    with_renditions,
)
from ctv_ads.decisioning.segments.changes import Marks, changes_since
from ctv_ads.decisioning.sibling_caps import with_counted_caps
from ctv_ads.domain.completions import Completions
from ctv_ads.domain.ids import LineItemId, OrganizationId
from ctv_ads.domain.inventory import (
    Inventory,
    PublishedPlacement,
    Rendition,
    ServableCreative,
    ServableLineItem,
    rank_key,
)
from ctv_ads.ports.pipeline import InventoryReading, OrganizationReading

_Films = dict[str, list[ServableCreative]]


class PostgresInventorySource:
    """Implements `ports.InventorySource`. Media addresses are made below `media_base_url`.

    Reading holds a lock against other publishers, and `built_at` is PostgreSQL's clock under
    it: of two inventories the later one has seen all that the earlier one saw.
    """

    def __init__(self, database: Database, media_base_url: str) -> None:
        self._database = database
        self._media_base_url = media_base_url

    def load(self, *, now: datetime) -> Inventory:
        """Return the inventory as of `now`, ranked, with an empty version."""
        with self._database.transaction() as connection:
            built_at = _begin(connection)
            placements = _placements(connection)
            found = self._line_items(connection, now)
        ranked = {key: tuple(sorted(items, key=rank_key)) for key, items in found.items()}
        return Inventory("", built_at, placements, ranked)

    def read(
        self, bases: Mapping[OrganizationId, Marks], *, now: datetime, overlay_limit: int
    ) -> InventoryReading:
        """Return what has changed since these bases, as of `now`."""
        with self._database.transaction() as connection:
            built_at = _begin(connection)
            placements = _placements(connection)
            marks = _marks(connection, now)
            changes = {
                key: changes_since(bases.get(key), found, overlay_limit=overlay_limit)
                for key, found in marks.items()
            }
            whole = [key for key, change in changes.items() if change is None]
            changed = [item for change in changes.values() if change for item in change.changed]
            items = self._line_items(connection, now, organizations=whole) if whole else {}
            if changed:
                items |= self._line_items(connection, now, line_items=changed)
        organizations = {
            key: OrganizationReading(found, changes[key], items.get(key, ()))
            for key, found in marks.items()
        }
        return InventoryReading(built_at, placements, organizations)

    def _line_items(
        self,
        connection: Connection,
        now: datetime,
        *,
        organizations: Collection[OrganizationId] | None = None,
        line_items: Collection[LineItemId] | None = None,
    ) -> dict[OrganizationId, Sequence[ServableLineItem]]:
        """Return those with a creative, of these organizations or with these ids; else all."""
        asked = {
            "now": now,
            "organizations": None if organizations is None else list(organizations),
            "line_items": None if line_items is None else list(line_items),
        }
        with _without_collecting():
            return self._read(connection, asked, now)

    def _read(
        self, connection: Connection, asked: Mapping[str, Any], now: datetime
    ) -> dict[OrganizationId, Sequence[ServableLineItem]]:
        rows = connection.execute(sql.LINE_ITEMS, asked).fetchall()
        campaigns = {"campaigns": list({row["campaign_id"] for row in rows})}
        films = self._films(connection.execute(sql.CREATIVES, campaigns))
        uses: dict[str, list[DictRow]] = defaultdict(list)
        for row in connection.execute(sql.ASSIGNMENTS, campaigns):
            uses[str(row["line_item_id"])].append(row)
        seen = _completions(connection.execute(sql.COMPLETIONS, campaigns))
        found: dict[OrganizationId, list[ServableLineItem]] = defaultdict(list)
        for row in rows:
            own = films.get(str(row["campaign_id"]), [])
            assignments = uses.get(str(row["line_item_id"]))
            creatives = own if assignments is None else _rotated(own, assignments, now)
            if row["line_item_id"] in seen:
                creatives = measured(creatives, seen[row["line_item_id"]])
            if creatives:
                key = OrganizationId(str(row["organization_id"]))
                line_item = servable_line_item(row, creatives)
                found[key] += with_counted_caps([line_item], siblings_of(row))
        return dict(found)

    def _films(self, rows: Iterable[DictRow]) -> _Films:
        found: _Films = defaultdict(list)
        films: list[DictRow] = []
        renditions: dict[Any, list[Rendition]] = defaultdict(list)
        for row in rows:
            if row["rendition_of"] is None:
                films.append(row)
            else:
                renditions[row["rendition_of"]].append(rendition(row, self._media_base_url))
        for row in films:
            creative = servable_creative(row, self._media_base_url)
            more = renditions.get(row["creative_id"], ())
            found[str(row["campaign_id"])].append(with_renditions(creative, more))
        return found


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Look for no garbage meanwhile: rows have no cycles, and looking took two thirds of reading."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _rotated(
    creatives: Sequence[ServableCreative], assignments: Sequence[DictRow], now: datetime
) -> list[ServableCreative]:
    """Return the assigned ones, without those whose window is over."""
    ready = {creative.creative_id: creative for creative in creatives}
    rotated = []
    for row in assignments:
        creative = ready.get(str(row["creative_id"]))  # type: ignore[call-overload]  # an id as text
        if creative is not None and (row["ends_at"] is None or row["ends_at"] > now):
            rotated.append(assigned(creative, row))
    return rotated


def _completions(rows: Iterable[DictRow]) -> dict[Any, dict[str, Completions]]:
    """Return by line item (as the database has it) and creative how films were seen to the end."""
    found: dict[Any, dict[str, Completions]] = defaultdict(dict)
    for row in rows:
        counts = Completions(row["impressions"], row["completes"])
        found[row["line_item_id"]][str(row["creative_id"])] = counts
    return found


def _begin(connection: Connection) -> datetime:
    connection.execute(sql.ONE_AT_A_TIME)
    built_at: datetime = (connection.execute(sql.CLOCK).fetchone() or {})["built_at"]
    return built_at.astimezone(UTC)


def _placements(connection: Connection) -> Mapping[str, PublishedPlacement]:
    published = {}
    for row in connection.execute(sql.PLACEMENTS):
        placement = published_placement(row)
        published[row["key"]] = placement
        published[placement.placement_id] = placement
    return published


def _marks(connection: Connection, now: datetime) -> dict[OrganizationId, dict[LineItemId, int]]:
    found: dict[OrganizationId, dict[LineItemId, int]] = defaultdict(dict)
    with connection.cursor(row_factory=tuple_row) as cursor:
        for organization, line_item, mark in cursor.execute(sql.MARKS, {"now": now}):
            found[OrganizationId(organization)][LineItemId(line_item)] = mark
    return found
