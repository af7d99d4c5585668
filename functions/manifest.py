"""The one table of the system: functions, routes, queues, schedules, permission needs.

`cdk/` loops over it to build AWS, `local/` loops over it to run the same handlers on one
machine, and `tests/cdk` rebuilds it from the synthesized templates and asserts equality.
Standard library only: both sides import it before anything else is installed or loaded.
"""

from functions.manifest_shapes import (
    ENVIRONMENT_BY_NEED,
    Function,
    Need,
    Queue,
    QueueTrigger,
    Route,
    Schedule,
)

__all__ = [
    "AD_EVENTS",
    "CREATIVE_UPLOADS",
    "ENVIRONMENT_BY_NEED",
    "FUNCTIONS",
    "INVENTORY_CHANGES",
    "QUEUES",
    "TAG_CHECKS",
    "TAG_VERDICTS",
    "UPLOAD_EVENT_QUEUE",
    "Function",
    "Need",
    "Queue",
    "QueueTrigger",
    "Route",
    "Schedule",
    "function_named",
]


def _routes(*keys: str) -> tuple[Route, ...]:
    return tuple(Route(*key.split(" ")) for key in keys)


CREATIVE_UPLOADS = "creative-uploads"
INVENTORY_CHANGES = "inventory-changes"
AD_EVENTS = "ad-events"
TAG_CHECKS = "tag-checks"
TAG_VERDICTS = "tag-verdicts"

UPLOAD_EVENT_QUEUE = CREATIVE_UPLOADS
"""The queue to which EventBridge sends `Object Created` events of the upload bucket."""

QUEUES: tuple[Queue, ...] = (
    # AWS advises a visibility timeout of six times the function's timeout plus the window.
    Queue(CREATIVE_UPLOADS, visibility_timeout_s=360),
    Queue(INVENTORY_CHANGES, visibility_timeout_s=360),
    Queue(TAG_CHECKS, visibility_timeout_s=120),
    Queue(TAG_VERDICTS, visibility_timeout_s=180),
    Queue(AD_EVENTS, visibility_timeout_s=186, max_receive_count=10, retention_s=14 * 24 * 3600),
)

_SIGNED_IN = (Need.DATABASE_API, Need.ACCESS_TOKEN_KEYS, Need.VALKEY)
"""What a function needs to know who calls, and whether they may call now."""
_FOR_PEOPLE = (
    "ACCESS_TOKEN_LIFETIME_S",
    "ALLOWED_ORIGINS",
    "USER_RATE_LIMIT",
    "USER_RATE_WINDOW_S",
    "VALKEY_TIMEOUT_MS",
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
        needs=_SIGNED_IN,
        extra_environment=(
            *_FOR_PEOPLE,
            "AUTH_RATE_LIMIT",
            "AUTH_RATE_WINDOW_S",
            "FAILED_LOGINS",
            "FAILED_LOGIN_DELAY_S",
            "REFRESH_TOKEN_LIFETIME_S",
            "INVITATION_LIFETIME_S",
            "EMAIL_VERIFICATION",
            "PUBLIC_UI_URL",
        ),
        routes=_routes(
            "POST /api/v1/auth/login",
            "POST /api/v1/auth/refresh",
            "POST /api/v1/auth/logout",
            "GET /api/v1/auth/profile",
        ),
    ),
    Function(
        name="campaigns",
        entry_point="campaigns.handler",
        purpose="Create, read, start, pause and delete campaigns",
        memory_mib=512,
        timeout_s=10,
        needs=(*_SIGNED_IN, Need.SEND_INVENTORY_CHANGES),
        extra_environment=_FOR_PEOPLE,
        routes=_routes(
            "POST /api/v1/campaigns",
            "GET /api/v1/campaigns",
            "GET /api/v1/exports/campaigns.csv",
            "POST /api/v1/campaigns/status",
            "POST /api/v1/campaigns/{campaign_id}/duplicate",
            "GET /api/v1/audit",
            "GET /api/v1/campaigns/{campaign_id}",
            "PATCH /api/v1/campaigns/{campaign_id}",
            "DELETE /api/v1/campaigns/{campaign_id}",
            "PUT /api/v1/campaigns/{campaign_id}/status",
            "POST /api/v1/campaigns/{campaign_id}/line-items",
            "GET /api/v1/campaigns/{campaign_id}/line-items",
            "GET /api/v1/line-items/{line_item_id}",
            "PATCH /api/v1/line-items/{line_item_id}",
            "DELETE /api/v1/line-items/{line_item_id}",
            "GET /api/v1/line-items/{line_item_id}/creatives",
            "PUT /api/v1/line-items/{line_item_id}/creatives",
            "POST /api/v1/advertisers",
            "GET /api/v1/advertisers",
            "GET /api/v1/advertisers/{advertiser_id}",
            "PATCH /api/v1/advertisers/{advertiser_id}",
            "DELETE /api/v1/advertisers/{advertiser_id}",
            "POST /api/v1/placements",
            "GET /api/v1/placements",
            "GET /api/v1/placements/{placement_id}",
            "PATCH /api/v1/placements/{placement_id}",
            "DELETE /api/v1/placements/{placement_id}",
        ),
    ),
    Function(
        name="creatives",
        entry_point="creatives.handler",
        purpose="Register creatives and presign their uploads",
        memory_mib=512,
        timeout_s=10,
        needs=(
            *_SIGNED_IN,
            Need.UPLOADS_WRITE,
            Need.UPLOADS_READ,
            Need.MEDIA_ADDRESS,
            Need.SEND_INVENTORY_CHANGES,
            Need.SEND_TAG_CHECKS,
        ),
        extra_environment=(
            *_FOR_PEOPLE,
            "MAX_UPLOAD_BYTES",
            "MULTIPART_ABOVE_BYTES",
            "MULTIPART_PART_BYTES",
            "UPLOAD_LIFETIME_S",
        ),
        routes=_routes(
            "POST /api/v1/campaigns/{campaign_id}/creatives",
            "GET /api/v1/campaigns/{campaign_id}/creatives",
            "GET /api/v1/creatives/{creative_id}",
            "PATCH /api/v1/creatives/{creative_id}",
            "DELETE /api/v1/creatives/{creative_id}",
            "POST /api/v1/creatives/{creative_id}/replacement",
            "GET /api/v1/creatives/{creative_id}/preview",
            "POST /api/v1/creatives/{creative_id}/multipart",
            "DELETE /api/v1/creatives/{creative_id}/multipart",
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
        name="creatives-check-tag",
        entry_point="creatives.check_tag",
        # Outside the VPC, whose functions cannot reach the internet, and without any secret.
        purpose="Fetch, unwrap and check third-party VAST tags, knowing no secret",
        memory_mib=256,
        timeout_s=20,
        needs=(Need.SEND_TAG_VERDICTS,),
        extra_environment=("MAX_CREATIVE_DURATION_MS",),
        queue_trigger=QueueTrigger(TAG_CHECKS, batch_size=1, window_s=0, max_concurrency=4),
    ),
    Function(
        name="creatives-on-tag-verdict",
        entry_point="creatives.on_tag_verdict",
        purpose="Mark checked third-party VAST tags ready or rejected",
        memory_mib=256,
        timeout_s=30,
        needs=(Need.DATABASE_PIPELINE, Need.SEND_INVENTORY_CHANGES),
        queue_trigger=QueueTrigger(TAG_VERDICTS, batch_size=10, window_s=0, max_concurrency=2),
    ),
    Function(
        name="analytics",
        entry_point="analytics.handler",
        purpose="Report delivery and spend",
        memory_mib=512,
        timeout_s=10,
        needs=_SIGNED_IN,
        extra_environment=_FOR_PEOPLE,
        routes=_routes("GET /api/v1/campaigns/{campaign_id}/stats"),
    ),
    Function(
        name="platform",
        entry_point="platform.handler",
        purpose="Tell how each dependency is, and serve the API's own documentation",
        memory_mib=512,
        timeout_s=10,
        needs=(Need.DATABASE_API, Need.VALKEY, Need.HEALTH_CHECKS),
        extra_environment=("ALLOWED_ORIGINS",),
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


def function_named(name: str) -> Function:
    """Return the function called `name`.

    Raises:
        KeyError: no function has that name.
    """
    for function in FUNCTIONS:
        if function.name == name:
            return function
    raise KeyError(name)
