"""`ports.BeaconQueue` and `ports.InventoryChanges`: what was handed over is there for good."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain

import pytest

from ctv_ads.adapters.aws.beacon_messages import decode_message
from ctv_ads.adapters.aws.beacon_queue import SqsBeaconQueue
from ctv_ads.adapters.aws.inventory_changes import SqsInventoryChanges
from ctv_ads.adapters.aws.json_api import SQS, JsonApi
from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.memory.queues import MemoryBeaconQueue, MemoryInventoryChanges
from ctv_ads.domain.beacon import Beacon, BeaconEvent, ForgedBeacon
from ctv_ads.domain.invalid_traffic import InvalidTraffic
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.decision_plane import BeaconQueue
from ctv_ads.ports.pipeline import InventoryChanges
from local.emulator import Emulator
from tests.aws import bodies, identity_of
from tests.builders import NOON, a_beacon


@dataclass(frozen=True, slots=True)
class BeaconPipe:
    queue: BeaconQueue
    received: Callable[[], Sequence[Beacon | ForgedBeacon]]


class BeaconQueueContract:
    """Every implementation of `BeaconQueue` keeps these promises."""

    def test_what_is_sent_arrives_whole(self, pipe: BeaconPipe) -> None:
        sent = [
            a_beacon(event=BeaconEvent.ERROR, vast_error_code=405),
            a_beacon(event=BeaconEvent.FIRST_QUARTILE, client_network=None),
        ]
        for beacon in sent:
            pipe.queue.send([beacon])
        received = pipe.received()
        assert sorted(received, key=str) == sorted(sent, key=str)

    def test_what_is_sent_together_arrives_together(self, pipe: BeaconPipe) -> None:
        sent: list[Beacon | ForgedBeacon] = [
            a_beacon(event=BeaconEvent.START),
            ForgedBeacon(NOON, None, "other"),
            replace(a_beacon(event=BeaconEvent.COMPLETE), invalid=InvalidTraffic.CRAWLER),
            ForgedBeacon(NOON, "203.0.113.0/24", "roku"),
        ]
        pipe.queue.send(sent)
        assert list(pipe.received()) == sent


class TestMemoryBeaconQueue(BeaconQueueContract):
    @pytest.fixture
    def pipe(self) -> BeaconPipe:
        queue = MemoryBeaconQueue()
        return BeaconPipe(queue, lambda: list(chain(*queue.messages)))


class TestSqsBeaconQueue(BeaconQueueContract):
    @pytest.fixture
    def api(self, aws_emulator: Emulator) -> Iterator[JsonApi]:
        with closing(JsonApi(SQS, identity_of(aws_emulator), utc_now)) as api:
            yield api

    @pytest.fixture
    def pipe(self, aws_emulator: Emulator, api: JsonApi) -> BeaconPipe:
        name = f"ad-events-{new_id()}"
        url = aws_emulator.sqs.create_queue(QueueName=name)["QueueUrl"]
        queue = SqsBeaconQueue(api, url)
        return BeaconPipe(
            queue, lambda: list(chain(*map(decode_message, bodies(aws_emulator, url))))
        )

    def test_a_queue_that_does_not_exist_is_told_as_unavailable(
        self, aws_emulator: Emulator, api: JsonApi
    ) -> None:
        queue = SqsBeaconQueue(api, aws_emulator.queue_url("no-such-queue"))
        with pytest.raises(DependencyUnavailableError, match=r"^sqs: SendMessage: 400"):
            queue.send([a_beacon()])


@dataclass(frozen=True, slots=True)
class ChangePipe:
    changes: InventoryChanges
    received: Callable[[], Sequence[str]]


class InventoryChangesContract:
    """Every implementation of `InventoryChanges` keeps these promises."""

    def test_the_reason_arrives(self, pipe: ChangePipe) -> None:
        pipe.changes.announce("campaign 1 is active")
        assert pipe.received() == ["campaign 1 is active"]


class TestMemoryInventoryChanges(InventoryChangesContract):
    @pytest.fixture
    def pipe(self) -> ChangePipe:
        changes = MemoryInventoryChanges()
        return ChangePipe(changes, lambda: changes.reasons)


class TestSqsInventoryChanges(InventoryChangesContract):
    @pytest.fixture
    def pipe(self, aws_emulator: Emulator) -> ChangePipe:
        name = f"inventory-changes-{new_id()}"
        url = aws_emulator.sqs.create_queue(QueueName=name)["QueueUrl"]
        changes = SqsInventoryChanges(aws_emulator.sqs, url)
        return ChangePipe(changes, lambda: bodies(aws_emulator, url))

    def test_a_queue_that_does_not_exist_is_told_to_the_log_and_not_to_the_caller(
        self, aws_emulator: Emulator, caplog: pytest.LogCaptureFixture
    ) -> None:
        changes = SqsInventoryChanges(aws_emulator.sqs, aws_emulator.queue_url("no-such-queue"))
        changes.announce("campaign 1 is active")
        (told,) = [record for record in caplog.records if record.name.startswith("ctv_ads.")]
        assert told.levelname == "ERROR"
        assert "inventory change not announced" in told.getMessage()
        assert "campaign 1 is active: sqs: " in told.getMessage()
        assert vars(told)["inventory_changes_not_announced"] == 1
