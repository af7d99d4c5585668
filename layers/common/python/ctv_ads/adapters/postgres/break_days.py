"""Events of whole breaks by day. They are few, and all in one table."""

from datetime import date

from ctv_ads.adapters.postgres.archived_days import ArchivedTable, PostgresArchivedDays
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.domain.event_archive import BREAKS

_TABLE = ArchivedTable(
    kind=BREAKS,
    name="break_events",
    archived_days="archived_break_days",
    # From one day to the next by the primary key: none of them is read whole.
    days="""
WITH RECURSIVE found AS (
    SELECT min(day) AS day FROM break_events
    UNION ALL
    SELECT (SELECT min(b.day) FROM break_events b WHERE b.day > f.day) FROM found f
    WHERE f.day IS NOT NULL
) SELECT day FROM found WHERE day IS NOT NULL ORDER BY day""",
    source="break_events e",
    order="e.decision_id, e.event",
    drop="SELECT drop_archived_break_day(%s) AS it_was",
    elsewhere={},
)


class PostgresBreakDays(PostgresArchivedDays):
    """Implements `ports.EventDays`."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, _TABLE)

    def make_ahead(self, first: date, last: date) -> int:  # noqa: ARG002 - their table has no parts
        """Make nothing: there is room for every day."""
        return 0
