"""The functions that keep the product itself running, for `manifest.py`.

Standard library only, like the table itself.
"""

from functions.manifest_shapes import EVERYTHING_ELSE, Function, Need, Schedule, routes

PLATFORM: tuple[Function, ...] = (
    Function(
        name="platform",
        entry_point="platform.handler",
        purpose="Tell how each dependency is, document the API, refuse what has no route",
        memory_mib=512,
        timeout_s=10,
        needs=(Need.DATABASE_API, Need.VALKEY, Need.HEALTH_CHECKS),
        extra_environment=("ALLOWED_ORIGINS",),
        routes=(
            *routes("GET /health", "GET /api/docs", "GET /api/openapi.json"),
            EVERYTHING_ELSE,
        ),
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
    Function(
        name="purge",
        entry_point="platform.purge",
        purpose="Remove what has served its time: keys, sessions, tokens, invalid traffic, files",
        memory_mib=256,
        timeout_s=300,
        needs=(Need.DATABASE_PIPELINE, Need.MEDIA_DELETE),
        extra_environment=(
            "CREDENTIAL_RETENTION_S",
            "IDEMPOTENCY_KEY_RETENTION_S",
            "MEDIA_RETENTION_S",
            "TRAFFIC_RETENTION_S",
        ),
        schedules=(Schedule("purge-leftovers", every_minutes=60),),
    ),
)
