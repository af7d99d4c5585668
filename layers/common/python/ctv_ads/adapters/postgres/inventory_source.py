"""What may serve, read for all organizations from the source of truth."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.database import Connection, Database
from ctv_ads.domain.companions import Tracker, TrackerEvent, UniversalAdId, Verification
from ctv_ads.domain.ids import (
    AdvertiserId,
    CampaignId,
    CreativeId,
    LineItemId,
    OrganizationId,
    PlacementId,
)
from ctv_ads.domain.inventory import (
    Inventory,
    PublishedPlacement,
    ServableCreative,
    ServableLineItem,
    rank_key,
)
from ctv_ads.domain.money import impression_price_micros

_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('inventory publishers'))"
_CLOCK = "SELECT clock_timestamp() AS built_at"
_PLACEMENTS = "SELECT placement_id, organization_id, key FROM placements WHERE deleted_at IS NULL"
_LINE_ITEMS = """
SELECT l.line_item_id, l.organization_id, c.campaign_id, a.advertiser_id,
       a.name AS advertiser_name, l.priority,
       coalesce(l.rate_micros, c.cpm_micros) AS cpm_micros,
       greatest(l.starts_at, c.starts_at) AS starts_at, least(l.ends_at, c.ends_at) AS ends_at,
       c.budget_micros - c.billed_micros AS remaining_micros,
       jsonb_agg(jsonb_build_object(
           'creative_id', r.creative_id, 'name', r.name, 'facts', r.facts,
           'media_key', r.media_key, 'click_through_url', r.click_through_url,
           'universal_ad_id', r.universal_ad_id, 'trackers', r.trackers,
           'verifications', r.verifications, 'tag_url', r.tag_url
       ) ORDER BY r.creative_id) AS creatives
FROM line_items l
JOIN campaigns c USING (organization_id, campaign_id)
JOIN advertisers a USING (organization_id, advertiser_id)
JOIN creatives r USING (organization_id, campaign_id)
LEFT JOIN creative_assignments x USING (line_item_id, creative_id)
WHERE c.status = 'active' AND c.deleted_at IS NULL AND l.deleted_at IS NULL
  AND r.status = 'ready' AND r.deleted_at IS NULL AND l.status = 'active'
  AND least(l.ends_at, c.ends_at) > %(now)s
  AND greatest(l.starts_at, c.starts_at) < least(l.ends_at, c.ends_at)
  -- What cannot pay one more impression would only be passed over.
  AND c.budget_micros - c.billed_micros >= coalesce(l.rate_micros, c.cpm_micros) / 1000
  -- Its own creatives while they are in flight, or, without any assigned, its campaign's.
  AND (
      (x.creative_id IS NOT NULL AND coalesce(x.starts_at <= %(now)s, true)
       AND coalesce(x.ends_at > %(now)s, true))
      OR NOT EXISTS (SELECT 1 FROM creative_assignments y WHERE y.line_item_id = l.line_item_id)
  )
  -- domain/line_item_rules.NOT_SERVED_YET: limits that decisions do not hold yet.
  AND l.rate_type = 'cpm' AND l.budget_micros IS NULL AND l.daily_budget_micros IS NULL
  AND l.goal_unit IS NULL AND l.dayparts = '[]' AND l.targeting = '{}'
  AND l.frequency_caps = '[]' AND l.separation = '[]'
GROUP BY l.line_item_id, c.campaign_id, a.advertiser_id, a.name"""


class PostgresInventorySource:
    """Implements `ports.InventorySource`. Media addresses are made below `media_base_url`."""

    def __init__(self, database: Database, media_base_url: str) -> None:
        self._database = database
        self._media_base_url = media_base_url

    def load(self, *, now: datetime) -> Inventory:
        """Return the inventory as of `now`, ranked, with an empty version.

        `built_at` is PostgreSQL's clock, read while no other publisher reads: of two
        inventories the later one has seen all that the earlier one saw.
        """
        with self._database.transaction() as connection:
            connection.execute(_ONE_AT_A_TIME)
            built_at = (connection.execute(_CLOCK).fetchone() or {})["built_at"]
            placements = _placements(connection)
            rows = connection.execute(_LINE_ITEMS, {"now": now}).fetchall()
        return Inventory(
            version="",
            built_at=built_at.astimezone(UTC),
            placements=placements,
            line_items=self._ranked(rows),
        )

    def _ranked(
        self, rows: Iterable[DictRow]
    ) -> Mapping[OrganizationId, tuple[ServableLineItem, ...]]:
        found: dict[OrganizationId, list[ServableLineItem]] = defaultdict(list)
        for row in rows:
            found[OrganizationId(str(row["organization_id"]))].append(self._line_item(row))
        return {key: tuple(sorted(items, key=rank_key)) for key, items in found.items()}

    def _line_item(self, row: DictRow) -> ServableLineItem:
        return ServableLineItem(
            line_item_id=LineItemId(str(row["line_item_id"])),
            campaign_id=CampaignId(str(row["campaign_id"])),
            advertiser_id=AdvertiserId(str(row["advertiser_id"])),
            advertiser_name=row["advertiser_name"],
            priority=row["priority"],
            price_micros=impression_price_micros(row["cpm_micros"]),
            starts_at=row["starts_at"].astimezone(UTC),
            ends_at=row["ends_at"].astimezone(UTC),
            remaining_micros=row["remaining_micros"],
            creatives=tuple(self._creative(item) for item in row["creatives"]),
        )

    def _creative(self, item: Mapping[str, Any]) -> ServableCreative:
        facts, ad_id, tag_url = item["facts"], item["universal_ad_id"], item["tag_url"]
        is_tag = tag_url is not None
        return ServableCreative(
            creative_id=CreativeId(item["creative_id"]),
            name=item["name"],
            duration_ms=facts["duration_ms"],
            width_px=facts["width_px"] or 0,
            height_px=facts["height_px"] or 0,
            bitrate_kbps=facts["bitrate_kbps"] or 0,
            size_bytes=0 if is_tag else facts["size_bytes"],
            codec=(facts["codec"] or "") if is_tag else facts["video_codec"],
            mime_type=facts["mime_type"],
            media_url="" if is_tag else f"{self._media_base_url}/{item['media_key']}",
            click_through_url=item["click_through_url"],
            universal_ad_id=UniversalAdId(**ad_id) if ad_id else None,
            trackers=tuple(Tracker(TrackerEvent(t["event"]), t["url"]) for t in item["trackers"]),
            verifications=tuple(Verification(**vendor) for vendor in item["verifications"]),
            vast_tag_url=tag_url,
        )


def _placements(connection: Connection) -> Mapping[str, PublishedPlacement]:
    published = {}
    for row in connection.execute(_PLACEMENTS):
        placement = PublishedPlacement(
            placement_id=PlacementId(str(row["placement_id"])),
            organization_id=OrganizationId(str(row["organization_id"])),
        )
        published[row["key"]] = placement
        published[placement.placement_id] = placement
    return published
