"""Placements."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.adapters.postgres.listing import Listing
from ctv_ads.domain.access import Caller
from ctv_ads.domain.ids import PlacementId
from ctv_ads.domain.listing import ListQuery, Page
from ctv_ads.domain.placement import Placement, PlacementTerms, VastVersion
from ctv_ads.errors import NotFoundError

_TERMS = tuple(field.name for field in fields(PlacementTerms))
_COLUMNS = f"placement_id, key, {', '.join(_TERMS)}, version, created_at, updated_at"
_ONE = f"""
SELECT {_COLUMNS} FROM placements WHERE placement_id = %s AND deleted_at IS NULL"""  # noqa: S608
_LISTING = Listing(
    columns=_COLUMNS,
    source="placements WHERE deleted_at IS NULL",
    id_column="placement_id",
    sorts={
        "name": ("name", "text"),
        "key": ("key", "text"),
        "created_at": ("created_at", "timestamptz"),
    },
    filters={
        "q": "placement_id IN (SELECT placements_named(%(q)s))",
        "channel": "channel = %(channel)s",
        "app_bundle": "app_bundle = %(app_bundle)s",
    },
)
# A key of another organization is unseen here but in the way all the same.
_INSERT = f"""
INSERT INTO placements (placement_id, organization_id, key, {", ".join(_TERMS)})
VALUES (%(placement_id)s, %(organization_id)s, %(key)s, {", ".join(f"%({t})s" for t in _TERMS)})
ON CONFLICT (key) DO NOTHING"""  # noqa: S608
_UPDATE = f"""
UPDATE placements SET {", ".join(f"{t} = %({t})s" for t in _TERMS)}, version = version + 1,
       updated_at = %(now)s
WHERE placement_id = %(placement_id)s AND deleted_at IS NULL"""  # noqa: S608
_DELETE = """
UPDATE placements SET deleted_at = %(now)s, version = version + 1, updated_at = %(now)s
WHERE placement_id = %(placement_id)s AND deleted_at IS NULL"""
_KNOWN = """
SELECT placement_id FROM placements WHERE placement_id = ANY (%s::uuid[]) AND deleted_at IS NULL"""


class PostgresPlacements:
    """Implements `ports.Placements`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self, placement_id: PlacementId, key: str, terms: PlacementTerms, caller: Caller
    ) -> bool:
        """Store a new placement, unless the key is taken anywhere."""
        values = _values(terms) | {
            "placement_id": placement_id,
            "organization_id": caller.organization_id,
            "key": key,
        }
        return self._connection.execute(_INSERT, values).rowcount == 1

    def get(self, placement_id: PlacementId, *, for_update: bool = False) -> Placement:
        """Return one placement."""
        query = f"{_ONE} FOR UPDATE" if for_update else _ONE
        row = self._connection.execute(query, (placement_id,)).fetchone()
        if row is None:
            raise NotFoundError("there is no such placement")
        return _placement(row)

    def page(self, query: ListQuery) -> Page[Placement]:
        """Return a page of them."""
        return _LISTING.page(self._connection, query, _placement)

    def update(self, placement_id: PlacementId, terms: PlacementTerms, now: datetime) -> None:
        """Write the terms and count the version up."""
        values = _values(terms) | {"placement_id": placement_id, "now": now}
        self._connection.execute(_UPDATE, values)

    def delete(self, placement_id: PlacementId, now: datetime) -> None:
        """Hide the placement."""
        self._connection.execute(_DELETE, {"placement_id": placement_id, "now": now})

    def known(self, placement_ids: Sequence[str]) -> frozenset[str]:
        """Return those that exist here."""
        if not placement_ids:
            return frozenset()
        rows = self._connection.execute(_KNOWN, (list(placement_ids),))
        return frozenset(str(row["placement_id"]) for row in rows)


def _values(terms: PlacementTerms) -> dict[str, Any]:
    lists = {
        "vast_version": terms.vast_version.value,
        "blocked_categories": list(terms.blocked_categories),
        "blocked_domains": list(terms.blocked_domains),
        "accepted_mimes": list(terms.accepted_mimes),
    }
    return asdict(terms) | lists


def _placement(row: DictRow) -> Placement:
    terms = {name: row[name] for name in _TERMS} | {
        "vast_version": VastVersion(row["vast_version"]),
        "blocked_categories": tuple(row["blocked_categories"]),
        "blocked_domains": tuple(row["blocked_domains"]),
        "accepted_mimes": tuple(row["accepted_mimes"]),
    }
    return Placement(
        placement_id=PlacementId(str(row["placement_id"])),
        key=row["key"],
        terms=PlacementTerms(**terms),
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
