"""The queues of the system, for `manifest.py`. Standard library only, like the table itself."""

from functions.manifest_shapes import Queue

CREATIVE_UPLOADS = "creative-uploads"
INVENTORY_CHANGES = "inventory-changes"
AD_EVENTS = "ad-events"
MAILS = "mails"
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
    Queue(MAILS, visibility_timeout_s=180),
    # The most that SQS takes, two days: beacons wait for a database that is away. What is refused the
    # consumer buries itself, much sooner.
    Queue(AD_EVENTS, visibility_timeout_s=186, max_receive_count=1000, retention_s=14 * 24 * 3600),
)

(DEAD_AD_EVENTS,) = (queue.dead_letters for queue in QUEUES if queue.name == AD_EVENTS)
