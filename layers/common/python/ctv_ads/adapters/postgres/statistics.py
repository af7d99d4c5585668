"""Delivery and spend, read from the counts of days and hours."""

from dataclasses import replace
from datetime import UTC, date

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.adapters.session_sketches import count_sessions
from ctv_ads.domain.ids import CampaignId, LineItemId
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.domain.statistics import (
    BreakdownBy,
    BreakdownPart,
    CampaignStatistics,
    DailyDelivery,
    DeliveryCounts,
    InvalidCount,
)
from ctv_ads.errors import NotFoundError

_COUNTED = tuple(name for name in DeliveryCounts.__dataclass_fields__ if name != "spend_micros")
_SUMS = ", ".join(f"coalesce(sum(s.{name}), 0)::bigint AS {name}" for name in _COUNTED)
_CAMPAIGN = """
SELECT budget_micros, billed_micros, created_at FROM campaigns
WHERE campaign_id = %(campaign_id)s AND deleted_at IS NULL"""
_DAYS = f"""
SELECT s.day, {_SUMS}, sum(s.billed_micros)::bigint AS spend_micros, max(s.updated_at) AS as_of
FROM delivery_days s
WHERE s.campaign_id = %(campaign_id)s
  AND (%(first_day)s::date IS NULL OR s.day >= %(first_day)s::date)
  AND (%(last_day)s::date IS NULL OR s.day <= %(last_day)s::date)
GROUP BY s.day ORDER BY s.day"""  # noqa: S608 - column names come from the dataclass above

_KEYS = {
    BreakdownBy.HOUR: """to_char(s.hour AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')""",
    BreakdownBy.LINE_ITEM: "s.line_item_id::text",
    BreakdownBy.CREATIVE: "s.creative_id::text",
    BreakdownBy.PLACEMENT: "s.placement_id::text",
    BreakdownBy.COUNTRY: "s.country",
    BreakdownBy.DEVICE_TYPE: "s.device_type",
}
_PARTS = {
    by: f"""
SELECT {key} AS key, {_SUMS}, sum(s.billed_micros)::bigint AS spend_micros,
       coalesce(array_agg(s.sessions) FILTER (WHERE s.sessions IS NOT NULL), '{{}}') AS sessions
FROM delivery_hours s
WHERE s.campaign_id = %(campaign_id)s
  AND (%(first_day)s::date IS NULL OR s.hour >= %(first_day)s::date::timestamp AT TIME ZONE 'UTC')
  AND (%(last_day)s::date IS NULL
       OR s.hour < (%(last_day)s::date + 1)::timestamp AT TIME ZONE 'UTC')
GROUP BY 1 ORDER BY 1"""  # noqa: S608 - texts of ours
    for by, key in _KEYS.items()
}
_INVALID_PARTS = {
    by: f"""
SELECT {key} AS key, s.rule, sum(s.beacons)::bigint AS beacons
FROM invalid_hours s
WHERE s.campaign_id = %(campaign_id)s
  AND (%(first_day)s::date IS NULL OR s.hour >= %(first_day)s::date::timestamp AT TIME ZONE 'UTC')
  AND (%(last_day)s::date IS NULL
       OR s.hour < (%(last_day)s::date + 1)::timestamp AT TIME ZONE 'UTC')
GROUP BY 1, 2"""  # noqa: S608 - texts of ours
    for by, key in _KEYS.items()
}

_INVALID = """
SELECT day, line_item_id::text, rule, sum(beacons)::bigint AS beacons FROM invalid_days
WHERE campaign_id = %(campaign_id)s
  AND (%(first_day)s::date IS NULL OR day >= %(first_day)s::date)
  AND (%(last_day)s::date IS NULL OR day <= %(last_day)s::date)
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""


class PostgresStatistics:
    """Implements `ports.Statistics`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_campaign(
        self, campaign_id: CampaignId, *, first_day: date | None, last_day: date | None
    ) -> CampaignStatistics:
        """Return totals and the daily series of one campaign."""
        values = {"campaign_id": campaign_id, "first_day": first_day, "last_day": last_day}
        campaign = self._connection.execute(_CAMPAIGN, values).fetchone()
        if campaign is None:
            raise NotFoundError("there is no such campaign")
        rows = self._connection.execute(_DAYS, values).fetchall()
        series = tuple(DailyDelivery(row["day"], _counts(row)) for row in rows)
        as_of = max((row["as_of"] for row in rows), default=campaign["created_at"])
        return CampaignStatistics(
            totals=_total(series),
            budget_micros=campaign["budget_micros"],
            billed_micros=campaign["billed_micros"],
            series=series,
            data_as_of=as_of.astimezone(UTC),
        )

    def breakdown(
        self,
        campaign_id: CampaignId,
        by: BreakdownBy,
        *,
        first_day: date | None,
        last_day: date | None,
    ) -> tuple[BreakdownPart, ...]:
        """Return the parts of one campaign's delivery, in the order of their keys."""
        values = {"campaign_id": campaign_id, "first_day": first_day, "last_day": last_day}
        rows = self._connection.execute(_PARTS[by].encode(), values, binary=True)
        parts = {
            row["key"]: BreakdownPart(row["key"], _counts(row), count_sessions(row["sessions"]))
            for row in rows
        }
        for row in self._connection.execute(_INVALID_PARTS[by].encode(), values):
            part = parts.get(row["key"], BreakdownPart(row["key"], DeliveryCounts(), 0))
            invalid = {**part.invalid, InvalidTraffic(row["rule"]): row["beacons"]}
            parts[part.key] = replace(part, invalid=invalid)
        return tuple(parts[key] for key in sorted(parts))

    def invalid(
        self, campaign_id: CampaignId, *, first_day: date | None, last_day: date | None
    ) -> tuple[InvalidCount, ...]:
        """Return what was invalid of one campaign by day, line item and rule."""
        values = {"campaign_id": campaign_id, "first_day": first_day, "last_day": last_day}
        return tuple(
            InvalidCount(
                row["day"],
                LineItemId(row["line_item_id"]),
                InvalidTraffic(row["rule"]),
                row["beacons"],
            )
            for row in self._connection.execute(_INVALID, values)
        )


def _counts(row: DictRow) -> DeliveryCounts:
    return DeliveryCounts(**{name: row[name] for name in (*_COUNTED, "spend_micros")})


def _total(series: tuple[DailyDelivery, ...]) -> DeliveryCounts:
    return DeliveryCounts(
        **{
            name: sum(getattr(day.counts, name) for day in series)
            for name in (*_COUNTED, "spend_micros")
        }
    )
