"""The one table of the system: functions, routes, queues, schedules, permission needs.

`cdk/` loops over it to build AWS, `local/` loops over it to run the same handlers on one
machine, and `tests/cdk` rebuilds it from the synthesized templates and asserts equality.
Standard library only: both sides import it before anything else is installed or loaded.
"""

from collections.abc import Sequence
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
    UPLOADS_WRITE = "uploads-write"
    """Put objects into the upload bucket (to presign uploads)."""
    UPLOADS_READ = "uploads-read"
    MEDIA_WRITE = "media-write"
    """Put objects into the media bucket, which is served to players."""
    MEDIA_ADDRESS = "media-address"
    """Know the public address of the media bucket, without access to it."""
    SEND_INVENTORY_CHANGES = "send-inventory-changes"
    SEND_AD_EVENTS = "send-ad-events"
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
    Need.UPLOADS_WRITE: ("UPLOAD_BUCKET",),
    Need.UPLOADS_READ: ("UPLOAD_BUCKET",),
    Need.MEDIA_WRITE: ("MEDIA_BUCKET",),
    Need.MEDIA_ADDRESS: ("MEDIA_BASE_URL",),
    Need.SEND_INVENTORY_CHANGES: ("INVENTORY_QUEUE_URL",),
    Need.SEND_AD_EVENTS: ("AD_EVENT_QUEUE_URL",),
    Need.HEALTH_CHECKS: ("UPLOAD_BUCKET", "AD_EVENT_QUEUE_URL"),
}
"""Names of the environment variables that carry what a need grants."""


@dataclass(frozen=True, slots=True)
class Queue:
    """An SQS queue with its dead-letter queue (`<name>-dead`)."""

    name: str
    visibility_timeout_s: int
    max_receive_count: int = 5
    retention_s: int = 4 * 24 * 3600


@dataclass(frozen=True, slots=True)
class QueueTrigger:
    """How SQS messages reach a function; partial batch failures are always reported."""

    queue: str
    batch_size: int
    window_s: int
    max_concurrency: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """A fixed-rate EventBridge rule that sends `{"detail-type": "schedule"}`-shaped events."""

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
        return f"{self.method} {self.path}"


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


def _routes(*keys: str) -> tuple[Route, ...]:
    return tuple(Route(*key.split(" ")) for key in keys)


CREATIVE_UPLOADS = "creative-uploads"
INVENTORY_CHANGES = "inventory-changes"
AD_EVENTS = "ad-events"

UPLOAD_EVENT_QUEUE = CREATIVE_UPLOADS
"""The queue to which EventBridge sends `Object Created` events of the upload bucket."""

QUEUES: tuple[Queue, ...] = (
    # AWS advises a visibility timeout of six times the function's timeout plus the window.
    Queue(CREATIVE_UPLOADS, visibility_timeout_s=360),
    Queue(INVENTORY_CHANGES, visibility_timeout_s=360),
    Queue(AD_EVENTS, visibility_timeout_s=186, max_receive_count=10, retention_s=14 * 24 * 3600),
)

FUNCTIONS: tuple[Function, ...] = (
    Function(
        name="ad-request",
        entry_point="ad_request.handler",
        purpose="Decide which ad a viewer sees and answer as VAST or JSON",
        memory_mib=1769,
        timeout_s=2,
        needs=(Need.VALKEY, Need.BEACON_KEYS),
        extra_environment=("PUBLIC_BASE_URL", "VALKEY_TIMEOUT_MS", "BEACON_LIFETIME_S"),
        provisioned_concurrency=True,
        routes=_routes(
            "GET /api/v1/vast",
            "OPTIONS /api/v1/vast",
            "POST /api/v1/ad-request",
            "OPTIONS /api/v1/ad-request",
        ),
    ),
    Function(
        name="impressions",
        entry_point="impressions.handler",
        purpose="Take beacons from players, verify them, hand them to the queue",
        memory_mib=256,
        timeout_s=5,
        needs=(Need.BEACON_KEYS, Need.SEND_AD_EVENTS),
        routes=_routes(
            "GET /api/v1/t/{event}/{token}",
            "OPTIONS /api/v1/t/{event}/{token}",
            "POST /api/v1/impression",
            "OPTIONS /api/v1/impression",
            "POST /api/v1/track-impression",
            "OPTIONS /api/v1/track-impression",
        ),
    ),
    Function(
        name="impressions-consumer",
        entry_point="impressions.consumer",
        purpose="Write beacons to PostgreSQL in batches: each once, billed in the same transaction",
        memory_mib=512,
        timeout_s=30,
        needs=(Need.DATABASE_PIPELINE,),
        queue_trigger=QueueTrigger(AD_EVENTS, batch_size=10_000, window_s=4, max_concurrency=4),
    ),
    Function(
        name="inventory",
        entry_point="inventory.handler",
        purpose="Publish what may serve now to Valkey, on every change and once a minute",
        memory_mib=1024,
        timeout_s=60,
        needs=(Need.DATABASE_PIPELINE, Need.VALKEY, Need.MEDIA_ADDRESS),
        queue_trigger=QueueTrigger(INVENTORY_CHANGES, batch_size=10, window_s=0, max_concurrency=2),
        schedules=(Schedule("publish-inventory", every_minutes=1),),
    ),
    Function(
        name="auth",
        entry_point="auth.handler",
        purpose="Sign people in and tell who they are",
        memory_mib=512,
        timeout_s=10,
        needs=(Need.DATABASE_API, Need.ACCESS_TOKEN_KEYS),
        extra_environment=("ACCESS_TOKEN_LIFETIME_S",),
        routes=_routes("POST /api/v1/auth/login", "GET /api/v1/auth/profile"),
    ),
    Function(
        name="campaigns",
        entry_point="campaigns.handler",
        purpose="Create, read, start, pause and delete campaigns",
        memory_mib=512,
        timeout_s=10,
        needs=(Need.DATABASE_API, Need.ACCESS_TOKEN_KEYS, Need.SEND_INVENTORY_CHANGES),
        routes=_routes(
            "POST /api/v1/campaigns",
            "GET /api/v1/campaigns",
            "GET /api/v1/campaigns/{campaign_id}",
            "DELETE /api/v1/campaigns/{campaign_id}",
            "PUT /api/v1/campaigns/{campaign_id}/status",
        ),
    ),
    Function(
        name="creatives",
        entry_point="creatives.handler",
        purpose="Register creatives and presign their uploads",
        memory_mib=512,
        timeout_s=10,
        needs=(
            Need.DATABASE_API,
            Need.ACCESS_TOKEN_KEYS,
            Need.UPLOADS_WRITE,
            Need.MEDIA_ADDRESS,
            Need.SEND_INVENTORY_CHANGES,
        ),
        extra_environment=("MAX_UPLOAD_BYTES", "UPLOAD_LIFETIME_S"),
        routes=_routes(
            "POST /api/v1/campaigns/{campaign_id}/creatives",
            "GET /api/v1/campaigns/{campaign_id}/creatives",
            "GET /api/v1/creatives/{creative_id}",
            "DELETE /api/v1/creatives/{creative_id}",
        ),
    ),
    Function(
        name="creatives-on-upload",
        entry_point="creatives.on_upload",
        purpose="Measure an uploaded file and mark its creative ready or rejected",
        memory_mib=1024,
        timeout_s=60,
        needs=(
            Need.DATABASE_PIPELINE,
            Need.UPLOADS_READ,
            Need.MEDIA_WRITE,
            Need.SEND_INVENTORY_CHANGES,
        ),
        extra_environment=("MAX_UPLOAD_BYTES", "MAX_CREATIVE_DURATION_MS"),
        queue_trigger=QueueTrigger(CREATIVE_UPLOADS, batch_size=1, window_s=0, max_concurrency=4),
    ),
    Function(
        name="analytics",
        entry_point="analytics.handler",
        purpose="Report delivery and spend",
        memory_mib=512,
        timeout_s=10,
        needs=(Need.DATABASE_API, Need.ACCESS_TOKEN_KEYS),
        routes=_routes("GET /api/v1/campaigns/{campaign_id}/stats"),
    ),
    Function(
        name="platform",
        entry_point="platform.handler",
        purpose="Tell how each dependency is, and serve the API's own documentation",
        memory_mib=512,
        timeout_s=10,
        needs=(Need.DATABASE_API, Need.VALKEY, Need.HEALTH_CHECKS),
        routes=_routes("GET /health", "GET /api/docs", "GET /api/openapi.json"),
    ),
    Function(
        name="migrate",
        entry_point="platform.migrate",
        purpose="Bring the database schema and its roles up to date, once per deployment",
        memory_mib=256,
        timeout_s=300,
        needs=(Need.DATABASE_OWNER,),
        runs_on_deploy=True,
    ),
)


def function_named(name: str, functions: Sequence[Function] = FUNCTIONS) -> Function:
    """Return the function called `name`.

    Raises:
        KeyError: no function has that name.
    """
    for function in functions:
        if function.name == name:
            return function
    raise KeyError(name)
