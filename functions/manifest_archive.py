"""The functions that archive, for `manifest.py`. Standard library only, like the table itself."""

from functions.manifest_shapes import Function, Need, Schedule

ARCHIVE: tuple[Function, ...] = (
    Function(
        name="archive-decisions",
        entry_point="archive.decisions",
        purpose="Carry what decisions left in Valkey into the archive, and count it",
        memory_mib=1024,
        timeout_s=60,
        needs=(Need.VALKEY, Need.HISTORY_READ, Need.ARCHIVE_WRITE, Need.SEND_AD_EVENTS),
        extra_environment=("ARCHIVED_DECISIONS_BP", "TOKEN_SHARDS"),
        schedules=(Schedule("drain-decisions", every_minutes=1),),
    ),
)
