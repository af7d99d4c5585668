"""Messages reach functions as Lambda's event source mapping brings them."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from functions.manifest import Queue, QueueTrigger
from local import batches
from local.emulator import Emulator
from local.invocation import FunctionFailedError
from local.poller import QueuePoller
from local.ports import free_port
from local.resources import create_resources

Answer = Callable[[dict[str, Any]], object]


class Consumer:
    """Stands for a function: remembers its events, answers by a rule."""

    def __init__(self, answer: Answer = lambda _: None, *, takes_s: float = 0.0) -> None:
        self.answer = answer
        self.takes_s = takes_s
        self.events: list[dict[str, Any]] = []
        self.at_once = self.most_at_once = 0

    async def invoke(self, event: object) -> bytes:
        assert isinstance(event, dict)
        self.events.append(event)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.takes_s)
        self.at_once -= 1
        return json.dumps(self.answer(event)).encode()

    @property
    def bodies(self) -> list[list[str]]:
        return [[record["body"] for record in event["Records"]] for event in self.events]

    def seen(self, count: int) -> Callable[[], bool]:
        return lambda: sum(map(len, self.bodies)) >= count


@pytest.fixture
def queue(aws_emulator: Emulator, request: pytest.FixtureRequest) -> Iterator[str]:
    """A queue of the test's own."""
    name = f"q-{abs(hash(request.node.name)) % 10**9}"
    create_resources(aws_emulator, [Queue(name, visibility_timeout_s=30, max_receive_count=2)])
    yield name
    aws_emulator.sqs.delete_queue(QueueUrl=aws_emulator.queue_url(name))


def send(emulator: Emulator, queue: str, bodies: list[str]) -> None:
    for start in range(0, len(bodies), 10):
        emulator.sqs.send_message_batch(
            QueueUrl=emulator.queue_url(queue),
            Entries=[
                {"Id": str(number), "MessageBody": body}
                for number, body in enumerate(bodies[start : start + 10])
            ],
        )


def fail_soon(emulator: Emulator, queue: str) -> None:
    """Let failed messages come back after a second."""
    emulator.sqs.set_queue_attributes(
        QueueUrl=emulator.queue_url(queue), Attributes={"VisibilityTimeout": "1"}
    )


def left_in(emulator: Emulator, queue: str) -> int:
    attributes = emulator.sqs.get_queue_attributes(
        QueueUrl=emulator.queue_url(queue),
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )["Attributes"]
    return sum(map(int, attributes.values()))


def wait_until(done: Callable[[], bool]) -> None:
    deadline = monotonic() + 10
    while not done() and monotonic() < deadline:
        sleep(0.02)


def poll(
    emulator: Emulator, trigger: QueueTrigger, consumer: Consumer, until: Callable[[], bool]
) -> list[tuple[str, str]]:
    """Poll until `until()`, then stop; return what was reported."""
    reports: list[tuple[str, str]] = []

    async def run() -> None:
        poller = QueuePoller(
            "consumer",
            trigger,
            pool=consumer,
            emulator=emulator,
            report=lambda who, what: reports.append((who, what)),
        )
        poller.start()
        await asyncio.to_thread(wait_until, until)
        await poller.stop()

    asyncio.run(run())
    return reports


def test_a_batch_is_what_came_within_its_window(aws_emulator: Emulator, queue: str) -> None:
    bodies = [str(number) for number in range(25)]
    send(aws_emulator, queue, bodies)
    consumer = Consumer()
    trigger = QueueTrigger(queue, batch_size=100, window_s=1, max_concurrency=1)
    poll(aws_emulator, trigger, consumer, consumer.seen(25))
    assert [sorted(batch, key=int) for batch in consumer.bodies] == [bodies]
    assert left_in(aws_emulator, queue) == 0


def test_a_full_batch_does_not_wait(aws_emulator: Emulator, queue: str) -> None:
    send(aws_emulator, queue, [str(number) for number in range(12)])
    consumer = Consumer()
    trigger = QueueTrigger(queue, batch_size=4, window_s=60, max_concurrency=2)
    since = monotonic()
    poll(aws_emulator, trigger, consumer, consumer.seen(12))
    assert [len(batch) for batch in consumer.bodies] == [4, 4, 4]
    assert monotonic() - since < 10


def test_a_record_looks_as_in_lambda(aws_emulator: Emulator, queue: str) -> None:
    aws_emulator.sqs.send_message(
        QueueUrl=aws_emulator.queue_url(queue),
        MessageBody="hello",
        MessageAttributes={"kind": {"DataType": "String", "StringValue": "test"}},
    )
    consumer = Consumer()
    trigger = QueueTrigger(queue, batch_size=1, window_s=0, max_concurrency=1)
    poll(aws_emulator, trigger, consumer, consumer.seen(1))
    ((record,),) = [event["Records"] for event in consumer.events]
    attributes = record.pop("attributes")
    assert attributes["ApproximateReceiveCount"] == "1"
    assert attributes["SentTimestamp"].isdecimal()
    assert record.pop("messageId")
    assert record.pop("receiptHandle")
    assert record == {
        "body": "hello",
        "messageAttributes": {
            "kind": {
                "stringValue": "test",
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "String",
            }
        },
        "md5OfBody": "5d41402abc4b2a76b9719d911017c592",
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{queue}",
        "awsRegion": "us-east-1",
    }


def test_only_failed_messages_come_back_and_die_in_the_end(
    aws_emulator: Emulator, queue: str
) -> None:
    def fail_bad(event: dict[str, Any]) -> object:
        bad = [record["messageId"] for record in event["Records"] if record["body"] == "bad"]
        return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in bad]}

    fail_soon(aws_emulator, queue)
    send(aws_emulator, queue, ["good", "bad", "fine"])
    consumer = Consumer(fail_bad)
    trigger = QueueTrigger(queue, batch_size=10, window_s=0, max_concurrency=1)
    poll(aws_emulator, trigger, consumer, lambda: left_in(aws_emulator, f"{queue}-dead") == 1)
    bodies = [body for batch in consumer.bodies for body in batch]
    assert sorted(bodies) == ["bad", "bad", "fine", "good"]
    counts = [
        record["attributes"]["ApproximateReceiveCount"]
        for event in consumer.events
        for record in event["Records"]
        if record["body"] == "bad"
    ]
    assert counts == ["1", "2"]
    assert left_in(aws_emulator, queue) == 0


def test_a_batch_that_fails_comes_back(aws_emulator: Emulator, queue: str) -> None:
    consumer = Consumer()

    def fail_first(_: dict[str, Any]) -> object:
        if len(consumer.events) == 1:
            raise FunctionFailedError("consumer", "ValueError", "as told")
        return {"batchItemFailures": []}

    consumer.answer = fail_first
    fail_soon(aws_emulator, queue)
    send(aws_emulator, queue, ["a", "b"])
    trigger = QueueTrigger(queue, batch_size=10, window_s=0, max_concurrency=1)
    poll(aws_emulator, trigger, consumer, lambda: left_in(aws_emulator, queue) == 0)
    assert sorted(body for batch in consumer.bodies[1:] for body in batch) == ["a", "b"]


SENT: Any = [{"MessageId": "1"}, {"MessageId": "2"}]


@pytest.mark.parametrize("result", [None, {}, {"batchItemFailures": None}])
def test_silence_is_success(result: object) -> None:
    assert batches.failed_ids(json.dumps(result).encode(), SENT) == set()


@pytest.mark.parametrize(
    "result",
    [
        "done",
        {"batchItemFailures": "all"},
        {"batchItemFailures": [{"itemIdentifier": "stranger"}]},
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": ["1"]},
    ],
)
def test_a_result_that_names_no_messages_fails_them_all(result: object) -> None:
    with pytest.raises(batches.MalformedBatchResultError):
        batches.failed_ids(json.dumps(result).encode(), SENT)


def test_batches_run_at_once_up_to_the_limit(aws_emulator: Emulator, queue: str) -> None:
    send(aws_emulator, queue, [str(number) for number in range(6)])
    consumer = Consumer(takes_s=0.2)
    trigger = QueueTrigger(queue, batch_size=1, window_s=0, max_concurrency=2)
    poll(aws_emulator, trigger, consumer, consumer.seen(6))
    assert consumer.most_at_once == 2


def test_stopping_finishes_the_batch_in_hand(aws_emulator: Emulator, queue: str) -> None:
    send(aws_emulator, queue, ["a"])
    consumer = Consumer(takes_s=0.5)
    trigger = QueueTrigger(queue, batch_size=1, window_s=0, max_concurrency=1)
    poll(aws_emulator, trigger, consumer, consumer.seen(1))
    assert consumer.at_once == 0
    assert left_in(aws_emulator, queue) == 0


def test_an_emulator_out_of_reach_is_reported_once(tmp_path: Path) -> None:
    nobody = Emulator(tmp_path, free_port())
    since = monotonic()
    trigger = QueueTrigger("q", batch_size=1, window_s=0, max_concurrency=1)
    reports = poll(nobody, trigger, Consumer(), lambda: monotonic() - since > 1.5)
    assert [who for who, _ in reports] == ["consumer"]
    assert reports[0][1].startswith("cannot poll q: ")


def test_a_batch_is_cut_to_fit_one_event() -> None:
    messages: Any = [{"Body": "x" * 1000} for _ in range(5)]
    assert [len(part) for part in batches.parts(messages, limit=4000)] == [2, 2, 1]
    assert [len(part) for part in batches.parts(messages, limit=10)] == [1] * 5
