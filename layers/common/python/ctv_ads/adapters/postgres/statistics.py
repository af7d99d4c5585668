"""Delivery and spend, read from the daily counts."""

from datetime import UTC, date

from psycopg.rows import DictRow

from ctv_ads.adapters.postgres.database import Connection
from ctv_ads.domain.ids import CampaignId
from ctv_ads.domain.statistics import CampaignStatistics, DailyDelivery, DeliveryCounts
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


def _counts(row: DictRow) -> DeliveryCounts:
    return DeliveryCounts(**{name: row[name] for name in (*_COUNTED, "spend_micros")})


def _total(series: tuple[DailyDelivery, ...]) -> DeliveryCounts:
    return DeliveryCounts(
        **{
            name: sum(getattr(day.counts, name) for day in series)
            for name in (*_COUNTED, "spend_micros")
        }
    )
