"""Recorded events by day, each day a partition."""

from datetime import date

from ctv_ads.adapters.postgres.archived_days import ArchivedTable, PostgresArchivedDays
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.domain.event_archive import EVENTS

_MAKE = "SELECT ensure_ad_event_partitions(%s, %s) AS made"
_TABLE = ArchivedTable(
    kind=EVENTS,
    name="ad_events",
    archived_days="archived_days",
    days="""
SELECT to_date(right(c.relname, 8), 'YYYYMMDD') AS day
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'ad_events'::regclass ORDER BY day""",
    source="ad_events e LEFT JOIN line_items l USING (line_item_id)",
    order="e.decision_id, e.slot, e.event",
    drop="SELECT drop_archived_day(%s) AS it_was",
    elsewhere={"organization_id": "l.organization_id", "campaign_id": "l.campaign_id"},
)


class PostgresEventDays(PostgresArchivedDays):
    """Implements `ports.EventDays`."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, _TABLE)

    def make_ahead(self, first: date, last: date) -> int:
        """Make the partitions of these days; return how many were not there."""
        with self._database.transaction() as connection:
            row = connection.execute(_MAKE, (first, last)).fetchone() or {}
        return int(row["made"])
