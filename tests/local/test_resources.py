"""The emulator holds what CDK makes on AWS, and an upload reaches its queue."""

import json
from collections.abc import Sequence
from time import monotonic
from typing import Any

import pytest

from functions.manifest import QUEUES, UPLOAD_EVENT_QUEUE, Queue
from local.emulator import Emulator
from local.resources import MEDIA_BUCKET, UPLOAD_BUCKET, create_resources, store_secrets


@pytest.fixture
def emulator(aws_emulator: Emulator) -> Emulator:
    create_resources(aws_emulator)
    create_resources(aws_emulator)  # as every start does
    return aws_emulator


def test_both_buckets_are_there(emulator: Emulator) -> None:
    names = {bucket["Name"] for bucket in emulator.s3.list_buckets()["Buckets"]}
    assert {UPLOAD_BUCKET, MEDIA_BUCKET} <= names


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue.name)
def test_queues_are_as_in_the_manifest(emulator: Emulator, queue: Queue) -> None:
    attributes = emulator.sqs.get_queue_attributes(
        QueueUrl=emulator.queue_url(queue.name), AttributeNames=["All"]
    )["Attributes"]
    assert attributes["VisibilityTimeout"] == str(queue.visibility_timeout_s)
    assert attributes["MessageRetentionPeriod"] == str(queue.retention_s)
    redrive = json.loads(attributes["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"].endswith(f":{queue.name}-dead")
    assert int(redrive["maxReceiveCount"]) == queue.max_receive_count


def test_an_upload_is_told_to_the_queue(emulator: Emulator) -> None:
    emulator.s3.put_object(Bucket=UPLOAD_BUCKET, Key="org/a b+c.mp4", Body=b"film")
    deadline = monotonic() + 5
    messages: Sequence[Any] = []
    while not messages and monotonic() < deadline:
        messages = emulator.sqs.receive_message(
            QueueUrl=emulator.queue_url(UPLOAD_EVENT_QUEUE), WaitTimeSeconds=1
        ).get("Messages", [])
    event = json.loads(messages[0]["Body"])
    assert (event["source"], event["detail-type"]) == ("aws.s3", "Object Created")
    assert event["detail"]["bucket"]["name"] == UPLOAD_BUCKET
    assert event["detail"]["object"]["key"] == "org/a b+c.mp4"


def test_secrets_follow_their_values(emulator: Emulator) -> None:
    for text in ("first", "first", "second"):
        store_secrets(emulator, {"a/secret": text})
        secret = emulator.secrets_manager.get_secret_value(SecretId="a/secret")
        assert secret["SecretString"] == text
