"""Schedules send EventBridge's event at start, and go on after a failure."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from functions.manifest import Schedule
from local.invocation import FunctionFailedError
from local.schedule import Scheduler, scheduled_event

EVERY_MINUTE = Schedule("publish", every_minutes=1)


class Failing:
    def __init__(self) -> None:
        self.events: list[Any] = []

    async def invoke(self, event: object) -> bytes:
        self.events.append(event)
        raise FunctionFailedError("f", "ValueError", "as told")


def test_the_event_is_eventbridges() -> None:
    now = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    assert scheduled_event(EVERY_MINUTE, event_id="1", now=now) == {
        "version": "0",
        "id": "1",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": "2026-03-01T12:30:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:000000000000:rule/publish"],
        "detail": {},
    }


def test_the_first_event_comes_at_start_and_a_failure_ends_nothing() -> None:
    function = Failing()

    async def run() -> None:
        scheduler = Scheduler(EVERY_MINUTE, pool=function)
        scheduler.start()
        await asyncio.sleep(0.05)
        assert scheduler._running is not None
        assert not scheduler._running.done()
        await scheduler.stop()

    asyncio.run(run())
    assert [event["detail-type"] for event in function.events] == ["Scheduled Event"]
