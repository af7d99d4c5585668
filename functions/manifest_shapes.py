"""What a function, a queue, a schedule and a permission need are, for `manifest.py`.

Standard library only, like the table itself.
"""

from dataclasses import dataclass
from enum import StrEnum


class Need(StrEnum):
    """What a function may touch. CDK turns each into a grant and environment variables."""

    DATABASE_API = "database-api"
    """PostgreSQL as the role bound by row-level security."""
    DATABASE_PIPELINE = "database-pipeline"
    """PostgreSQL as the role that records and publishes for all organizations."""
    DATABASE_OWNER = "database-owner"
    """PostgreSQL as the owner of the schema, to migrate it and to create the other roles."""
    VALKEY = "valkey"
    ACCESS_TOKEN_KEYS = "access-token-keys"  # noqa: S105 - the name of a need, not a secret
    """Secret that signs people's access tokens."""
    BEACON_KEYS = "beacon-keys"
    """Secret that signs beacon tokens."""
    CLOUDFRONT_PROOF = "cloudfront-proof"
    """Secret by which our distribution proves that a request came through it."""
    UPLOADS_WRITE = "uploads-write"
    """Put objects into the upload bucket, drop unfinished ones (to presign uploads)."""
    UPLOADS_READ = "uploads-read"
    MEDIA_WRITE = "media-write"
    """Put objects into the media bucket, which is served to players."""
    MEDIA_DELETE = "media-delete"
    """Delete objects of the media bucket."""
    HISTORY_WRITE = "history-write"
    """Keep published inventories in the history bucket, and see what is kept."""
    HISTORY_READ = "history-read"
    ARCHIVE_WRITE = "archive-write"
    """Put objects into the bucket of archived decisions and events."""
    ARCHIVE_READ = "archive-read"
    MEDIA_ADDRESS = "media-address"
    """Know the public address of the media bucket, without access to it."""
    SEND_INVENTORY_CHANGES = "send-inventory-changes"
    SEND_AD_EVENTS = "send-ad-events"
    BURY_AD_EVENTS = "bury-ad-events"
    """Put messages of beacons that were given up into their dead-letter queue."""
    SEND_TAG_CHECKS = "send-tag-checks"
    SEND_TAG_VERDICTS = "send-tag-verdicts"
    SEND_MAILS = "send-mails"
    """Hand mails over to their queue."""
    MAIL_SERVICE = "mail-service"
    """Send mails to people."""
    HEALTH_CHECKS = "health-checks"
    """Ask the upload bucket and the ad event queue whether they are there; nothing else."""


ENVIRONMENT_BY_NEED: dict[Need, tuple[str, ...]] = {
    Need.DATABASE_API: ("DATABASE_SECRET_ID",),
    Need.DATABASE_PIPELINE: ("DATABASE_SECRET_ID",),
    Need.DATABASE_OWNER: (
        "DATABASE_SECRET_ID",
        "DATABASE_API_SECRET_ID",
        "DATABASE_PIPELINE_SECRET_ID",
    ),
    Need.VALKEY: ("VALKEY_URL",),
    Need.ACCESS_TOKEN_KEYS: ("ACCESS_TOKEN_SECRET_ID",),
    Need.BEACON_KEYS: ("BEACON_SECRET_ID",),
    Need.CLOUDFRONT_PROOF: ("CLOUDFRONT_PROOF_SECRET_ID",),
    Need.UPLOADS_WRITE: ("UPLOAD_BUCKET",),
    Need.UPLOADS_READ: ("UPLOAD_BUCKET",),
    Need.MEDIA_WRITE: ("MEDIA_BUCKET",),
    Need.MEDIA_DELETE: ("MEDIA_BUCKET",),
    Need.HISTORY_WRITE: ("HISTORY_BUCKET",),
    Need.HISTORY_READ: ("HISTORY_BUCKET",),
    Need.ARCHIVE_WRITE: ("ARCHIVE_BUCKET",),
    Need.ARCHIVE_READ: ("ARCHIVE_BUCKET",),
    Need.MEDIA_ADDRESS: ("MEDIA_BASE_URL",),
    Need.SEND_INVENTORY_CHANGES: ("INVENTORY_QUEUE_URL",),
    Need.SEND_AD_EVENTS: ("AD_EVENT_QUEUE_URL",),
    Need.BURY_AD_EVENTS: ("DEAD_AD_EVENT_QUEUE_URL",),
    Need.SEND_TAG_CHECKS: ("TAG_CHECK_QUEUE_URL",),
    Need.SEND_TAG_VERDICTS: ("TAG_VERDICT_QUEUE_URL",),
    Need.SEND_MAILS: ("MAIL_QUEUE_URL",),
    Need.MAIL_SERVICE: ("MAIL_SENDER",),
    Need.HEALTH_CHECKS: ("UPLOAD_BUCKET", "AD_EVENT_QUEUE_URL"),
}
"""Names of the environment variables that carry what a need grants."""


SIGNED_IN = (Need.DATABASE_API, Need.ACCESS_TOKEN_KEYS, Need.VALKEY)
"""What a function needs to know who calls, and whether they may call now."""
FOR_PEOPLE = (
    "ACCESS_TOKEN_LIFETIME_S",
    "ALLOWED_ORIGINS",
    "USER_RATE_LIMIT",
    "USER_RATE_WINDOW_S",
    "VALKEY_TIMEOUT_MS",
)
"""Optional variables of every function that people call."""
FOR_SIGNING_IN = (
    "AUTH_RATE_LIMIT",
    "AUTH_RATE_WINDOW_S",
    "EMAIL_VERIFICATION",
    "FAILED_LOGINS",
    "FAILED_LOGIN_DELAY_S",
    "INVITATION_LIFETIME_S",
    "PUBLIC_UI_URL",
    "REFRESH_TOKEN_LIFETIME_S",
)


@dataclass(frozen=True, slots=True)
class Queue:
    """An SQS queue with its dead-letter queue (`<name>-dead`)."""

    name: str
    visibility_timeout_s: int
    max_receive_count: int = 5
    retention_s: int = 4 * 24 * 3600

    @property
    def dead_letters(self) -> str:
        """The name of the queue of its dead letters."""
        return f"{self.name}-dead"


@dataclass(frozen=True, slots=True)
class QueueTrigger:
    """How SQS messages reach a function; partial batch failures are always reported."""

    queue: str
    batch_size: int
    window_s: int
    max_concurrency: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """A fixed-rate EventBridge rule that sends `{"detail-type": "Scheduled Event"}` events."""

    name: str
    every_minutes: int


@dataclass(frozen=True, slots=True)
class Route:
    """One API Gateway HTTP API route; `path` uses API Gateway's `{name}` placeholders."""

    method: str
    path: str

    @property
    def key(self) -> str:
        """The route key as API Gateway spells it: `GET /health`."""
        return f"{self.method} {self.path}".strip()


EVERYTHING_ELSE = Route("$default", "")
"""What no other route fits (API Gateway's `$default`): unknown paths and methods."""


def routes(*keys: str) -> tuple[Route, ...]:
    """Return routes written as API Gateway writes their keys."""
    return tuple(Route(*key.split(" ")) for key in keys)


def with_preflights(*keys: str) -> tuple[Route, ...]:
    """Add what browsers ask first when a page of another origin calls."""
    asked = routes(*keys)
    paths = dict.fromkeys(route.path for route in asked)
    return (*asked, *(Route("OPTIONS", path) for path in paths))


@dataclass(frozen=True, slots=True)
class Function:
    """One Lambda function. `folder` is its asset: `functions/<folder>`."""

    name: str
    entry_point: str
    purpose: str
    memory_mib: int
    timeout_s: int
    needs: tuple[Need, ...]
    routes: tuple[Route, ...] = ()
    queue_trigger: QueueTrigger | None = None
    schedules: tuple[Schedule, ...] = ()
    provisioned_concurrency: bool = False
    runs_on_deploy: bool = False
    extra_environment: tuple[str, ...] = ()
    """Variables beyond those of its needs; may be left unset, the setting has a default."""

    @property
    def folder(self) -> str:
        """The folder below `functions/` that is this function's asset."""
        return self.entry_point.split(".")[0]

    @property
    def handler(self) -> str:
        """The handler string, the same in Lambda, locally and in tests."""
        return f"functions.{self.entry_point}.lambda_handler"

    @property
    def environment(self) -> tuple[str, ...]:
        """Every environment variable that the function's settings read, each once."""
        of_needs = [name for need in self.needs for name in ENVIRONMENT_BY_NEED[need]]
        return tuple(dict.fromkeys([*of_needs, *self.extra_environment]))
