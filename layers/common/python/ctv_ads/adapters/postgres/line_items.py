"""Line items, with the creatives that they rotate."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.adapters.postgres.line_item_rows import (
    TERMS,
    assignment_of,
    line_item_of,
    values_of,
)
from ctv_ads.adapters.postgres.listing import Listing
from ctv_ads.domain.access import Caller
from ctv_ads.domain.activation import BookedLineItem, Rotated
from ctv_ads.domain.ids import CampaignId, CreativeId, LineItemId
from ctv_ads.domain.line_item import CreativeAssignment, LineItem, LineItemTerms
from ctv_ads.domain.listing import ListQuery, Page
from ctv_ads.errors import NotFoundError

_COLUMNS = f"""
line_item_id, campaign_id, {", ".join(TERMS)}, is_default, billed_micros, version, created_at,
updated_at"""
_ONE = f"""
SELECT {_COLUMNS} FROM line_items
WHERE line_item_id = %s AND deleted_at IS NULL"""  # noqa: S608 - our own texts
_LISTING = Listing(
    columns=_COLUMNS,
    source="line_items WHERE deleted_at IS NULL",
    id_column="line_item_id",
    sorts={
        "name": ("lower(name)", "text"),
        "priority": ("priority", "smallint"),
        "created_at": ("created_at", "timestamptz"),
    },
    filters={
        "campaign_id": "campaign_id = %(campaign_id)s::uuid",
        "q": "line_item_id IN (SELECT line_items_named(%(campaign_id)s::uuid, %(q)s))",
        "status": "status = %(status)s",
        "type": "type = %(type)s",
    },
    totals={"billed_micros": "sum(billed_micros)"},
)
_OF_CAMPAIGN_LISTED = f"""
SELECT {_COLUMNS} FROM line_items WHERE campaign_id = %s AND deleted_at IS NULL
ORDER BY line_item_id"""  # noqa: S608
_ROTATED = """
SELECT a.line_item_id, r.status = 'ready' AND r.deleted_at IS NULL AS is_ready, a.starts_at,
       a.ends_at
FROM line_items l
JOIN creative_assignments a USING (line_item_id)
JOIN creatives r USING (creative_id)
WHERE l.campaign_id = %s AND l.deleted_at IS NULL"""
_INSERT = f"""
INSERT INTO line_items (line_item_id, organization_id, campaign_id, {", ".join(TERMS)})
VALUES (%(line_item_id)s, %(organization_id)s, %(campaign_id)s,
        {", ".join(f"%({name})s" for name in TERMS)})"""  # noqa: S608
_COUNT = """
SELECT count(*) AS line_items FROM line_items WHERE campaign_id = %s AND deleted_at IS NULL"""
_UPDATE = f"""
UPDATE line_items SET {", ".join(f"{name} = %({name})s" for name in TERMS)},
       version = version + 1, updated_at = %(now)s
WHERE line_item_id = %(line_item_id)s AND deleted_at IS NULL"""  # noqa: S608
_DELETE = """
UPDATE line_items SET deleted_at = %(now)s, version = version + 1, updated_at = %(now)s
WHERE line_item_id = %(line_item_id)s AND deleted_at IS NULL"""
_ASSIGNMENTS = """
SELECT creative_id, weight, sequence, starts_at, ends_at FROM creative_assignments
WHERE line_item_id = %s ORDER BY sequence NULLS LAST, creative_id"""
_OF_CAMPAIGN = """
SELECT creative_id FROM creatives
WHERE campaign_id = %s AND creative_id = ANY (%s::uuid[]) AND rendition_of IS NULL
  AND deleted_at IS NULL"""
_UNASSIGN = """
DELETE FROM creative_assignments
WHERE line_item_id = %s AND creative_id <> ALL (%s::uuid[])"""
_ASSIGN = """
INSERT INTO creative_assignments AS a (organization_id, campaign_id, line_item_id, creative_id,
                                       weight, sequence, starts_at, ends_at)
SELECT organization_id, campaign_id, line_item_id, %(creative_id)s, %(weight)s, %(sequence)s,
       %(starts_at)s, %(ends_at)s
FROM line_items WHERE line_item_id = %(line_item_id)s
ON CONFLICT (line_item_id, creative_id) DO UPDATE SET
    weight = excluded.weight, sequence = excluded.sequence, starts_at = excluded.starts_at,
    ends_at = excluded.ends_at"""
_TOUCH = """
UPDATE line_items SET version = version + 1, updated_at = %s WHERE line_item_id = %s"""


class PostgresLineItems:
    """Implements `ports.LineItems`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self,
        line_item_id: LineItemId,
        campaign_id: CampaignId,
        terms: LineItemTerms,
        caller: Caller,
    ) -> None:
        """Store a new line item."""
        ids = {
            "line_item_id": line_item_id,
            "organization_id": caller.organization_id,
            "campaign_id": campaign_id,
        }
        self._connection.execute(_INSERT.encode(), values_of(terms) | ids)

    def get(self, line_item_id: LineItemId, *, for_update: bool = False) -> LineItem:
        """Return one line item."""
        query = f"{_ONE} FOR UPDATE" if for_update else _ONE
        row = self._connection.execute(query.encode(), (line_item_id,)).fetchone()
        if row is None:
            raise NotFoundError("there is no such line item")
        return line_item_of(row)

    def page(self, query: ListQuery) -> Page[LineItem]:
        """Return a page of them."""
        return _LISTING.page(self._connection, query, line_item_of)

    def count(self, campaign_id: CampaignId) -> int:
        """Count the campaign's line items."""
        row = self._connection.execute(_COUNT, (campaign_id,)).fetchone()
        return int(row["line_items"]) if row else 0

    def booked(self, campaign_id: CampaignId) -> Sequence[BookedLineItem]:
        """Return all of the campaign's line items with what each rotates."""
        rotated: dict[str, list[Rotated]] = defaultdict(list)
        for row in self._connection.execute(_ROTATED, (campaign_id,)):
            creative = Rotated(row["is_ready"], row["starts_at"], row["ends_at"])
            rotated[str(row["line_item_id"])].append(creative)
        rows = self._connection.execute(_OF_CAMPAIGN_LISTED.encode(), (campaign_id,))
        return [
            BookedLineItem(item, tuple(rotated.get(item.line_item_id, ())))
            for item in map(line_item_of, rows)
        ]

    def update(self, line_item_id: LineItemId, terms: LineItemTerms, now: datetime) -> None:
        """Write the terms and count the version up."""
        values = values_of(terms) | {"line_item_id": line_item_id, "now": now}
        self._connection.execute(_UPDATE.encode(), values)

    def delete(self, line_item_id: LineItemId, now: datetime) -> None:
        """Hide the line item."""
        self._connection.execute(_DELETE, {"line_item_id": line_item_id, "now": now})

    def assignments(self, line_item_id: LineItemId) -> Sequence[CreativeAssignment]:
        """Return what the line item rotates, in sequence."""
        rows = self._connection.execute(_ASSIGNMENTS, (line_item_id,))
        return [assignment_of(row) for row in rows]

    def assign(
        self, line_item: LineItem, assignments: Sequence[CreativeAssignment], now: datetime
    ) -> frozenset[CreativeId]:
        """Make these the line item's assignments; return the creatives that are not there."""
        wanted = [item.creative_id for item in assignments]
        found = self._connection.execute(_OF_CAMPAIGN, (line_item.campaign_id, wanted))
        missing = frozenset(wanted) - {CreativeId(str(row["creative_id"])) for row in found}
        if missing:
            return missing
        self._connection.execute(_UNASSIGN, (line_item.line_item_id, wanted))
        with self._connection.cursor() as cursor:
            cursor.executemany(_ASSIGN, [_values(line_item, item) for item in assignments])
        self._connection.execute(_TOUCH, (now, line_item.line_item_id))
        return missing


def _values(line_item: LineItem, item: CreativeAssignment) -> dict[str, object]:
    return {
        "line_item_id": line_item.line_item_id,
        "creative_id": item.creative_id,
        "weight": item.weight,
        "sequence": item.sequence,
        "starts_at": item.starts_at,
        "ends_at": item.ends_at,
    }
