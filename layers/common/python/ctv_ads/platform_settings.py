"""Settings of what keeps the product running; `settings.py` says how settings are read."""

from dataclasses import dataclass

from ctv_ads.settings import _HTTP, Settings, _positive, _setting

LATE_DAYS = 31
"""So late can an event still come: a queue and its dead letters keep it for up to 28 days."""


def _long_enough(value: str) -> int:
    seconds = _positive(value)
    if seconds < LATE_DAYS * 86_400:
        raise ValueError("must be 2678400 (31 days) or more: repeats may come so late")
    return seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeSettings(Settings):
    """What `functions/platform/purge.py` reads besides its database: how long things are kept."""

    media_bucket: str = _setting("MEDIA_BUCKET", "S3 bucket from which media files are served")
    idempotency_key_retention_s: int = _setting(
        "IDEMPOTENCY_KEY_RETENTION_S", "how long a create can be repeated", _positive, 7 * 86_400
    )
    credential_retention_s: int = _setting(
        "CREDENTIAL_RETENTION_S",
        "how long sessions, invitations and mailed tokens are kept after their end",
        _positive,
        30 * 86_400,
    )
    media_retention_s: int = _setting(
        "MEDIA_RETENTION_S",
        "how long a file is kept after its last creative",
        _positive,
        7 * 86_400,
    )
    traffic_retention_s: int = _setting(
        "TRAFFIC_RETENTION_S",
        "how long invalid and forged beacons are kept",
        _long_enough,
        90 * 86_400,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSettings(Settings):
    """What `GET /health` looks at besides PostgreSQL and Valkey."""

    upload_bucket: str = _setting("UPLOAD_BUCKET", "S3 bucket that takes uploads")
    ad_event_queue_url: str = _setting(
        "AD_EVENT_QUEUE_URL", "SQS queue that takes verified beacons", _HTTP
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationSettings(Settings):
    """What `functions/platform/migrate.py` reads."""

    database_secret_id: str = _setting(
        "DATABASE_SECRET_ID", "Secrets Manager id of the schema's owner"
    )
    database_api_secret_id: str = _setting(
        "DATABASE_API_SECRET_ID", "Secrets Manager id of the role bound by row-level security"
    )
    database_pipeline_secret_id: str = _setting(
        "DATABASE_PIPELINE_SECRET_ID", "Secrets Manager id of the recording and publishing role"
    )


def _share_bp(value: str) -> int:
    share = int(value) if value.isascii() and value.isdigit() else -1
    if not 0 <= share <= 10_000:
        raise ValueError("must be a whole number from 0 to 10000")
    return share


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSettings(Settings):
    """Where decisions and events are archived."""

    archive_bucket: str = _setting(
        "ARCHIVE_BUCKET", "S3 bucket in which decisions and events are archived"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainSettings(ArchiveSettings):
    """What `functions/archive/decisions.py` reads besides Valkey and the history."""

    ad_event_queue_url: str = _setting(
        "AD_EVENT_QUEUE_URL", "SQS queue that takes verified beacons", _HTTP
    )
    archived_decisions_bp: int = _setting(
        "ARCHIVED_DECISIONS_BP",
        "how many of 10,000 decisions are archived; all are counted",
        _share_bp,
        10_000,
    )


def _retention_days(value: str) -> int:
    days = _positive(value)
    if days < LATE_DAYS:
        raise ValueError("must be 31 or more: events may come so late")
    return days


@dataclass(frozen=True, slots=True, kw_only=True)
class EventArchiveSettings(ArchiveSettings):
    """What `functions/archive/events.py` reads besides its database."""

    event_retention_days: int = _setting(
        "EVENT_RETENTION_DAYS",
        "how long PostgreSQL keeps events after their day; at least 31",
        _retention_days,
        400,
    )
    beacon_lifetime_s: int = _setting(
        "BEACON_LIFETIME_S",
        "how long after the decision a beacon still counts",
        _positive,
        24 * 3600,
    )
