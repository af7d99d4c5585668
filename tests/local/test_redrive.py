"""Dead letters go back to their queue, each told why it was one."""

import json
from datetime import timedelta

import pytest

from ctv_ads.adapters.aws.dead_letters import SqsDeadLetters
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.postgres.refused_messages import PostgresRefusedMessages
from ctv_ads.ports.pipeline import DeadLetter
from local.emulator import Emulator
from local.redrive import main, redrive
from tests.builders import NOON
from tests.worlds import World


@pytest.fixture
def queue(aws_emulator: Emulator) -> str:
    """A queue whose messages are dead letters once they were received without being deleted."""
    sqs, name = aws_emulator.sqs, f"redriven-{new_id()}"
    sqs.create_queue(QueueName=f"{name}-dead")
    policy = {"deadLetterTargetArn": aws_emulator.queue_arn(f"{name}-dead"), "maxReceiveCount": "1"}
    sqs.create_queue(
        QueueName=name,
        Attributes={"VisibilityTimeout": "0", "RedrivePolicy": json.dumps(policy)},
    )
    return name


def bodies(emulator: Emulator, queue: str) -> set[str]:
    answer = emulator.sqs.receive_message(
        QueueUrl=emulator.queue_url(queue), MaxNumberOfMessages=10, VisibilityTimeout=0
    )
    return {message["Body"] for message in answer.get("Messages", [])}


def test_dead_letters_go_back_and_say_why_they_were_refused(
    aws_emulator: Emulator,
    postgres_of_session: World,
    queue: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    refused = PostgresRefusedMessages(postgres_of_session.pipeline)
    sqs, url = aws_emulator.sqs, aws_emulator.queue_url(queue)
    ids = [sqs.send_message(QueueUrl=url, MessageBody=body)["MessageId"] for body in ("a", "b")]
    refused.note(queue, {ids[0]: "not a beacon: a"}, now=NOON)
    for _ in range(3):  # more often than it may be received
        bodies(aws_emulator, queue)
    assert redrive(aws_emulator, refused, queue) == 2
    said = capsys.readouterr().out
    assert f"{ids[0]}: not a beacon: a" in said
    assert f"{ids[1]}: not known" in said
    assert bodies(aws_emulator, queue) == {"a", "b"}
    assert redrive(aws_emulator, refused, queue) == 0


def test_a_message_keeps_its_first_id_and_its_reason_however_often_it_goes_back(
    aws_emulator: Emulator,
    postgres_of_session: World,
    queue: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    refused = PostgresRefusedMessages(postgres_of_session.pipeline)
    dead = SqsDeadLetters(aws_emulator.sqs, aws_emulator.queue_url(f"{queue}-dead"))
    dead.bury(DeadLetter("the-first-id", "a", "not a beacon: ü"))
    for _ in range(2):
        assert redrive(aws_emulator, refused, queue) == 1
        assert capsys.readouterr().out == "the-first-id: not a beacon: ü\n"
        for _ in range(3):
            bodies(aws_emulator, queue)  # until SQS moves it, without a word


def test_reasons_are_forgotten_once_no_message_can_be_there(postgres_of_session: World) -> None:
    refused = PostgresRefusedMessages(postgres_of_session.pipeline)
    old, young = new_id(), new_id()
    refused.note("q", {old: "x"}, now=NOON - timedelta(days=29))
    refused.note("q", {young: "y"}, now=NOON)
    refused.note("q", {}, now=NOON)
    assert refused.reasons([old, young]) == {young: "y"}


def test_without_a_running_copy_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "64990")
    assert main(["ad-events", "--list"]) == 1
    assert "start it with `make run`" in capsys.readouterr().err
