"""Campaigns with their line items."""

from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.domain.access import Caller
from ctv_ads.domain.campaign import (
    DEFAULT_PRIORITY_BY_TYPE,
    Campaign,
    CampaignDraft,
    CampaignStatus,
    CampaignSummary,
    LineItemSummary,
    LineItemType,
)
from ctv_ads.domain.ids import AdvertiserId, CampaignId, LineItemId
from ctv_ads.errors import FieldProblem, InvalidRequestError, NotFoundError
from ctv_ads.ports.control_plane import NewCampaignIds

_SUMMARY = tuple(field.name for field in fields(CampaignSummary))
_ELSEWHERE = {"advertiser_name": "a.name", "currency": "o.currency"}
SUMMARY_COLUMNS = ", ".join(f"{_ELSEWHERE.get(name, f'c.{name}')} AS {name}" for name in _SUMMARY)
"""What a `CampaignSummary` is read from: campaigns as `c`, with `SUMMARY_JOINS`."""
SUMMARY_JOINS = """JOIN advertisers a USING (organization_id, advertiser_id)
JOIN organizations o USING (organization_id)"""
_COLUMNS = f"""
SELECT {SUMMARY_COLUMNS},
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
            'line_item_id', l.line_item_id, 'name', l.name, 'type', l.type,
            'priority', l.priority, 'rate_micros', l.rate_micros, 'is_default', l.is_default
        ) ORDER BY l.line_item_id), '[]')
        FROM (
            SELECT * FROM line_items
            WHERE campaign_id = c.campaign_id AND deleted_at IS NULL
            ORDER BY line_item_id LIMIT 100
        ) l
       ) AS line_items
FROM campaigns c
{SUMMARY_JOINS}
WHERE c.deleted_at IS NULL"""  # noqa: S608 - our own texts
_ONE = f"{_COLUMNS} AND c.campaign_id = %(campaign_id)s"
_ONE_FOR_UPDATE = f"{_ONE} FOR UPDATE OF c"
_DEFAULT_ADVERTISER = """
SELECT advertiser_id FROM advertisers WHERE deleted_at IS NULL
ORDER BY created_at, advertiser_id LIMIT 1"""
_INSERT = """
INSERT INTO campaigns (campaign_id, organization_id, advertiser_id, name, budget_micros,
                       cpm_micros, starts_at, ends_at, timezone, created_by)
SELECT %(campaign_id)s, organization_id, advertiser_id, %(name)s, %(budget_micros)s,
       %(cpm_micros)s, %(starts_at)s, %(ends_at)s, %(timezone)s, %(created_by)s
FROM advertisers WHERE advertiser_id = %(advertiser_id)s AND deleted_at IS NULL
FOR KEY SHARE"""
_INSERT_LINE_ITEM = """
INSERT INTO line_items
    (line_item_id, organization_id, campaign_id, name, type, priority, pacing, is_default)
VALUES (%(line_item_id)s, %(organization_id)s, %(campaign_id)s, %(name)s, %(type)s, %(priority)s,
        %(pacing)s, true)"""
# As above: whoever deletes the advertiser meanwhile is waited for, or waits.
_KNOWN_ADVERTISER = """
SELECT 1 FROM advertisers WHERE advertiser_id = %s AND deleted_at IS NULL FOR KEY SHARE"""
_UPDATE = """
UPDATE campaigns SET name = %(name)s, advertiser_id = %(advertiser_id)s,
       budget_micros = %(budget_micros)s, cpm_micros = %(cpm_micros)s, starts_at = %(starts_at)s,
       ends_at = %(ends_at)s, timezone = %(timezone)s, version = version + 1, updated_at = %(now)s
WHERE campaign_id = %(campaign_id)s AND deleted_at IS NULL"""
_SET_STATUS = """
UPDATE campaigns SET status = %(status)s, version = version + 1, updated_at = %(now)s
WHERE campaign_id = %(campaign_id)s AND deleted_at IS NULL"""
_DELETE = """
UPDATE campaigns SET deleted_at = %(now)s, version = version + 1, updated_at = %(now)s
WHERE campaign_id = %(campaign_id)s AND deleted_at IS NULL"""
_DELETE_LINE_ITEMS = """
UPDATE line_items SET deleted_at = %(now)s
WHERE campaign_id = %(campaign_id)s AND deleted_at IS NULL"""
_DELETE_CREATIVES = """
UPDATE creatives SET deleted_at = %(now)s, updated_at = %(now)s
WHERE campaign_id = %(campaign_id)s AND deleted_at IS NULL"""
_READY_CREATIVES = """
SELECT count(*) AS ready FROM creatives
WHERE campaign_id = %s AND status = 'ready' AND rendition_of IS NULL AND deleted_at IS NULL"""


class PostgresCampaigns:
    """Implements `ports.Campaigns`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, draft: CampaignDraft, ids: NewCampaignIds, caller: Caller) -> Campaign:
        """Store a new draft campaign with its default line item."""
        line_item_type = LineItemType.STANDARD
        values: dict[str, Any] = {
            "campaign_id": ids.campaign_id,
            "advertiser_id": draft.advertiser_id or self._default_advertiser(),
            "name": draft.name,
            "budget_micros": draft.budget_micros,
            "cpm_micros": draft.cpm_micros,
            "starts_at": draft.starts_at,
            "ends_at": draft.ends_at,
            "timezone": draft.timezone,
            "created_by": caller.user_id,
            "line_item_id": ids.line_item_id,
            "organization_id": caller.organization_id,
            "type": line_item_type.value,
            "priority": DEFAULT_PRIORITY_BY_TYPE[line_item_type],
            "pacing": draft.pacing.value,
        }
        if self._connection.execute(_INSERT, values).rowcount == 0:
            raise _advertiser_problem("unknown", "there is no such advertiser")
        self._connection.execute(_INSERT_LINE_ITEM, values)
        return self.get(ids.campaign_id)

    def get(self, campaign_id: CampaignId, *, for_update: bool = False) -> Campaign:
        """Return one campaign."""
        query = _ONE_FOR_UPDATE if for_update else _ONE
        row = self._connection.execute(query.encode(), {"campaign_id": campaign_id}).fetchone()
        if row is None:
            raise NotFoundError("there is no such campaign")
        return _campaign(row)

    def update(self, campaign: Campaign, wanted: CampaignDraft, now: datetime) -> None:
        """Write what is wanted of the campaign and count the version up."""
        if wanted.advertiser_id != campaign.advertiser_id:
            found = self._connection.execute(_KNOWN_ADVERTISER, (wanted.advertiser_id,))
            if found.fetchone() is None:
                raise _advertiser_problem("unknown", "there is no such advertiser")
        values = asdict(wanted) | {"campaign_id": campaign.campaign_id, "now": now}
        self._connection.execute(_UPDATE, values)

    def set_status(self, campaign_id: CampaignId, status: CampaignStatus, now: datetime) -> None:
        """Write the new status and count the version up."""
        values = {"campaign_id": campaign_id, "status": status.value, "now": now}
        self._connection.execute(_SET_STATUS, values)

    def delete(self, campaign_id: CampaignId, now: datetime) -> None:
        """Hide the campaign, its line items and its creatives."""
        for statement in (_DELETE, _DELETE_LINE_ITEMS, _DELETE_CREATIVES):
            self._connection.execute(statement, {"campaign_id": campaign_id, "now": now})

    def ready_creatives(self, campaign_id: CampaignId) -> int:
        """Count the campaign's creatives that can serve."""
        row = self._connection.execute(_READY_CREATIVES, (campaign_id,)).fetchone()
        return int(row["ready"]) if row else 0

    def _default_advertiser(self) -> AdvertiserId:
        row = self._connection.execute(_DEFAULT_ADVERTISER).fetchone()
        if row is None:
            raise _advertiser_problem("missing", "the organization has no advertiser yet")
        return AdvertiserId(str(row["advertiser_id"]))


def _advertiser_problem(code: str, message: str) -> InvalidRequestError:
    return InvalidRequestError(message, [FieldProblem("advertiser_id", code, message)])


def summary_fields(row: DictRow) -> dict[str, Any]:
    """Return the values of a `CampaignSummary`, by name."""
    return {name: row[name] for name in _SUMMARY} | {"status": CampaignStatus(row["status"])}


def _campaign(row: DictRow) -> Campaign:
    line_items = tuple(_line_item(item) for item in row["line_items"])
    return Campaign(**summary_fields(row), line_items=line_items)


def _line_item(item: dict[str, Any]) -> LineItemSummary:
    return LineItemSummary(
        line_item_id=LineItemId(item["line_item_id"]),
        name=item["name"],
        type=LineItemType(item["type"]),
        priority=item["priority"],
        rate_micros=item["rate_micros"],
        is_default=item["is_default"],
    )
