"""What CDK makes on AWS, made in the emulator: buckets, queues, the upload rule, secrets.

Everything here may run again on what is already there, and then changes nothing.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from functions.manifest import QUEUES, UPLOAD_EVENT_QUEUE, Queue
from local.emulator import ACCOUNT_ID, REGION, Emulator

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

UPLOAD_BUCKET = "ctv-uploads"
MEDIA_BUCKET = "ctv-media"
HISTORY_BUCKET = "ctv-history"
ARCHIVE_BUCKET = "ctv-archive"
UPLOAD_RULE = "ctv-uploads-object-created"

_DEAD_LETTER_RETENTION_S = 14 * 24 * 3600


def create_resources(emulator: Emulator, queues: Sequence[Queue] = QUEUES) -> None:
    """Make the buckets, the queues with their dead-letter queues, and the upload rule."""
    _create_buckets(emulator)
    for queue in queues:
        _create_queue(emulator, queue)
    if any(queue.name == UPLOAD_EVENT_QUEUE for queue in queues):
        _create_upload_rule(emulator)


def store_secrets(emulator: Emulator, secrets: Mapping[str, str]) -> None:
    """Make Secrets Manager hold exactly these values."""
    client = emulator.secrets_manager
    for name, text in secrets.items():
        try:
            known = client.get_secret_value(SecretId=name)["SecretString"]
        except client.exceptions.ResourceNotFoundException:
            client.create_secret(Name=name, SecretString=text)
            continue
        if known != text:
            client.put_secret_value(SecretId=name, SecretString=text)


def _create_buckets(emulator: Emulator) -> None:
    s3 = emulator.s3
    for bucket in (UPLOAD_BUCKET, MEDIA_BUCKET, HISTORY_BUCKET, ARCHIVE_BUCKET):
        # After a hard kill the emulator finds the bucket on disk and calls it ours already.
        with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=bucket)
    s3.put_bucket_notification_configuration(
        Bucket=UPLOAD_BUCKET, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )


def _create_queue(emulator: Emulator, queue: Queue) -> None:
    sqs = emulator.sqs
    dead = queue.dead_letters
    _ensure_queue(sqs, dead, {"MessageRetentionPeriod": str(_DEAD_LETTER_RETENTION_S)})
    redrive = {
        "deadLetterTargetArn": emulator.queue_arn(dead),
        "maxReceiveCount": str(queue.max_receive_count),
    }
    attributes: dict[QueueAttributeNameType, str] = {
        "VisibilityTimeout": str(queue.visibility_timeout_s),
        "MessageRetentionPeriod": str(queue.retention_s),
        "RedrivePolicy": json.dumps(redrive),
    }
    if queue.name == UPLOAD_EVENT_QUEUE:
        attributes["Policy"] = json.dumps(_let_upload_rule_send(emulator))
    _ensure_queue(sqs, queue.name, attributes)


def _ensure_queue(
    sqs: "SQSClient", name: str, attributes: "Mapping[QueueAttributeNameType, str]"
) -> None:
    # In two calls: CreateQueue refuses a queue that is there with other attributes.
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)


def _let_upload_rule_send(emulator: Emulator) -> dict[str, object]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": emulator.queue_arn(UPLOAD_EVENT_QUEUE),
                "Condition": {"ArnEquals": {"aws:SourceArn": _rule_arn()}},
            }
        ],
    }


def _create_upload_rule(emulator: Emulator) -> None:
    events = emulator.events
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [UPLOAD_BUCKET]}},
    }
    events.put_rule(Name=UPLOAD_RULE, EventPattern=json.dumps(pattern), State="ENABLED")
    events.put_targets(
        Rule=UPLOAD_RULE,
        Targets=[{"Id": UPLOAD_EVENT_QUEUE, "Arn": emulator.queue_arn(UPLOAD_EVENT_QUEUE)}],
    )


def _rule_arn() -> str:
    return f"arn:aws:events:{REGION}:{ACCOUNT_ID}:rule/{UPLOAD_RULE}"
