"""The functions that archive, for `manifest.py`. Standard library only, like the table itself."""

from functions.manifest_shapes import Function, Need, Schedule

ARCHIVE: tuple[Function, ...] = (
    Function(
        name="archive-decisions",
        entry_point="archive.decisions",
        purpose="Carry what decisions left in Valkey into the archive, and count it",
        memory_mib=1024,
        timeout_s=120,
        needs=(Need.VALKEY, Need.HISTORY_READ, Need.ARCHIVE_WRITE, Need.SEND_AD_EVENTS),
        extra_environment=("ARCHIVED_DECISIONS_BP", "TOKEN_SHARDS"),
        schedules=(Schedule("drain-decisions", every_minutes=1),),
    ),
    Function(
        name="archive-events",
        entry_point="archive.events",
        purpose="Archive recorded events by day, make days ahead, drop old ones",
        memory_mib=1024,
        timeout_s=900,
        needs=(Need.DATABASE_PIPELINE, Need.ARCHIVE_WRITE),
        extra_environment=("BEACON_LIFETIME_S", "EVENT_RETENTION_DAYS"),
        schedules=(Schedule("archive-days", every_minutes=360),),
    ),
    Function(
        name="rebuild-statistics",
        entry_point="archive.rebuild",
        # Nothing calls it: an operator invokes it (docs/archive.md).
        purpose="Count the events of a day anew, from PostgreSQL or from the archive",
        memory_mib=1024,
        timeout_s=900,
        needs=(Need.DATABASE_PIPELINE, Need.ARCHIVE_READ),
    ),
    Function(
        name="credit-events",
        entry_point="archive.credit",
        # Nothing calls it: an operator invokes it (docs/deploy.md).
        purpose="Credit events that should not have been billed, also those that were archived",
        memory_mib=1024,
        timeout_s=900,
        needs=(Need.DATABASE_PIPELINE, Need.ARCHIVE_READ),
    ),
)
