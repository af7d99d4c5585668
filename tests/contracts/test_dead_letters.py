"""`ports.DeadLetters`: what was given up keeps its reason and its first id."""

from collections.abc import Iterator

import boto3
import pytest

from ctv_ads.adapters.aws.dead_letters import SqsDeadLetters, first_message_id
from ctv_ads.adapters.ids import new_id
from ctv_ads.bootstrap import pipeline
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.pipeline import DeadLetter
from local.batches import record
from local.emulator import REGION, Emulator


@pytest.fixture
def queue(aws_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    name = new_id()
    aws_emulator.sqs.create_queue(QueueName=name)
    for variable, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": aws_emulator.endpoint_url,
        "DEAD_AD_EVENT_QUEUE_URL": aws_emulator.queue_url(name),
    }.items():
        monkeypatch.setenv(variable, value)
    pipeline.dead_letters.cache_clear()
    yield name
    pipeline.dead_letters.cache_clear()


def test_a_dead_letter_tells_its_reason_and_its_first_id(
    aws_emulator: Emulator, queue: str
) -> None:
    pipeline.dead_letters().bury(DeadLetter("the-first", "{", "not a beacon: 'ü'"))
    (message,) = aws_emulator.sqs.receive_message(
        QueueUrl=aws_emulator.queue_url(queue), MessageAttributeNames=["All"]
    )["Messages"]
    as_lambda_has_it = record(message, aws_emulator.queue_arn(queue))
    assert as_lambda_has_it["body"] == "{"
    told = as_lambda_has_it["messageAttributes"]
    assert told["Reason"]["stringValue"] == "not a beacon: 'ü'"
    assert first_message_id(as_lambda_has_it) == "the-first" != message["MessageId"]


def test_a_message_that_was_never_buried_has_its_own_id() -> None:
    assert first_message_id({"messageId": "m", "messageAttributes": {}}) == "m"
    assert first_message_id({"messageId": "m"}) == "m"


def test_a_queue_that_is_not_there_is_told(aws_emulator: Emulator, queue: str) -> None:
    letters = SqsDeadLetters(boto3.client("sqs"), f"{aws_emulator.queue_url(queue)}-gone")
    with pytest.raises(DependencyUnavailableError, match="sqs"):
        letters.bury(DeadLetter("m", "{", "why"))
