"""Copies of campaigns, column by column, whatever columns there are.

Rows are copied by `jsonb_populate_record`, which takes a row and changes what is named: a
column that a later migration adds is copied without anybody thinking of it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.domain.access import Caller
from ctv_ads.domain.ids import CampaignId
from ctv_ads.errors import NotFoundError
from ctv_ads.ports.base import NewId

_CAMPAIGN = """
INSERT INTO campaigns
SELECT copy.* FROM campaigns c
CROSS JOIN LATERAL jsonb_populate_record(c, %(changes)s) AS copy
WHERE c.campaign_id = %(campaign_id)s AND c.deleted_at IS NULL"""
_LINE_ITEM_IDS = """
SELECT line_item_id AS id FROM line_items
WHERE campaign_id = %s AND deleted_at IS NULL ORDER BY line_item_id"""
_LINE_ITEMS = """
INSERT INTO line_items
SELECT copy.* FROM unnest(%(old)s::uuid[], %(new)s::uuid[]) AS pair (old_id, new_id)
JOIN line_items l ON l.line_item_id = pair.old_id
CROSS JOIN LATERAL jsonb_populate_record(
    l, %(changes)s || jsonb_build_object('line_item_id', pair.new_id)
) AS copy"""
_CREATIVE_IDS = """
SELECT creative_id AS id FROM creatives
WHERE campaign_id = %s AND status = 'ready' AND deleted_at IS NULL ORDER BY creative_id"""
_CREATIVES = """
INSERT INTO creatives
SELECT copy.* FROM unnest(%(old)s::uuid[], %(new)s::uuid[]) AS pair (old_id, new_id)
JOIN creatives r ON r.creative_id = pair.old_id
CROSS JOIN LATERAL jsonb_populate_record(
    r, %(changes)s || jsonb_build_object('creative_id', pair.new_id)
) AS copy"""
_ASSIGNMENTS = """
INSERT INTO creative_assignments
SELECT copy.* FROM creative_assignments a
JOIN unnest(%(old_items)s::uuid[], %(new_items)s::uuid[]) AS item (old_id, new_id)
    ON item.old_id = a.line_item_id
JOIN unnest(%(old_creatives)s::uuid[], %(new_creatives)s::uuid[]) AS creative (old_id, new_id)
    ON creative.old_id = a.creative_id
CROSS JOIN LATERAL jsonb_populate_record(a, jsonb_build_object(
    'campaign_id', %(campaign_id)s::uuid, 'line_item_id', item.new_id,
    'creative_id', creative.new_id
)) AS copy"""


class PostgresCampaignCopies:
    """Implements `ports.CampaignCopies`."""

    def __init__(self, connection: Connection, new_id: NewId) -> None:
        self._connection = connection
        self._new_id = new_id

    def copy(
        self, campaign_id: CampaignId, *, name: str, caller: Caller, now: datetime
    ) -> CampaignId:
        """Store a draft called `name` with everything that the campaign has booked."""
        made = CampaignId(self._new_id())
        fresh: dict[str, Any] = {
            "campaign_id": made,
            "version": 1,
            "created_at": now.isoformat(),
            "updated_at": now.isoformat(),
        }
        whole = {**fresh, "billed_micros": 0, "created_by": caller.user_id}
        changes = {
            "campaign_id": campaign_id,
            "changes": Jsonb(whole | {"name": name, "status": "draft"}),
        }
        if self._connection.execute(_CAMPAIGN, changes).rowcount == 0:
            raise NotFoundError("there is no such campaign")
        items = self._copies(
            _LINE_ITEM_IDS, _LINE_ITEMS, campaign_id, {**fresh, "billed_micros": 0}
        )
        creatives = self._copies(
            _CREATIVE_IDS,
            _CREATIVES,
            campaign_id,
            {**fresh, "created_by": caller.user_id, "replaces": None},
        )
        pairs = {
            "campaign_id": made,
            "old_items": list(items),
            "new_items": list(items.values()),
            "old_creatives": list(creatives),
            "new_creatives": list(creatives.values()),
        }
        self._connection.execute(_ASSIGNMENTS, pairs)
        return made

    def _copies(
        self, ids: str, copies: str, campaign_id: CampaignId, changes: Mapping[str, Any]
    ) -> Mapping[str, str]:
        """Copy rows of the campaign and return the new id of each."""
        rows = self._connection.execute(ids.encode(), (campaign_id,)).fetchall()
        old: Sequence[str] = [str(row["id"]) for row in rows]
        new = [self._new_id() for _ in old]
        values = {"old": old, "new": new, "changes": Jsonb(changes)}
        self._connection.execute(copies.encode(), values)
        return dict(zip(old, new, strict=True))
