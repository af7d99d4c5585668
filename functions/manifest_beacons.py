"""The functions that take, record and bill beacons, for `manifest.py`. Standard library only."""

from functions.manifest_queues import AD_EVENTS
from functions.manifest_shapes import Function, Need, QueueTrigger, Schedule, routes

BEACON_FUNCTIONS: tuple[Function, ...] = (
    Function(
        name="impressions",
        entry_point="impressions.handler",
        purpose="Take beacons from players, verify them, hand them to the queue",
        memory_mib=256,
        timeout_s=5,
        needs=(Need.BEACON_KEYS, Need.CLOUDFRONT_PROOF, Need.SEND_AD_EVENTS),
        extra_environment=(
            "CRAWLER_AGENTS",
            "DATA_CENTRE_NETWORKS",
            "PLAYER_AGENTS",
            "STITCHERS",
            "TRUSTED_PROXIES",
        ),
        routes=routes(
            "GET /api/v1/t/{event}/{token}",
            "HEAD /api/v1/t/{event}/{token}",
            "OPTIONS /api/v1/t/{event}/{token}",
            "POST /api/v1/events",
            "OPTIONS /api/v1/events",
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
        needs=(Need.DATABASE_PIPELINE, Need.SEND_INVENTORY_CHANGES, Need.BURY_AD_EVENTS),
        extra_environment=("EARLY_BEACON_MS", "SESSION_SURPLUS_MS"),
        # With a window of 5 s a beacon would not be in the statistics within 6 s (ADR 5).
        queue_trigger=QueueTrigger(AD_EVENTS, batch_size=10_000, window_s=4, max_concurrency=4),
    ),
    Function(
        name="impressions-flat-rates",
        entry_point="impressions.flat_rates",
        purpose="Enter flat rates into the books, once for each day that is over",
        memory_mib=256,
        timeout_s=60,
        needs=(Need.DATABASE_PIPELINE,),
        schedules=(Schedule("enter-flat-rates", every_minutes=60),),
    ),
)
