"""EventBridge's scheduled rules: one event right at start, then one every so many minutes."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from functions.manifest import Schedule
from local.emulator import ACCOUNT_ID, REGION
from local.invocation import FunctionFailedError, Invokes


def scheduled_event(schedule: Schedule, *, event_id: str, now: datetime) -> dict[str, Any]:
    """Return the event that the rule sends."""
    return {
        "version": "0",
        "id": event_id,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT_ID,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT_ID}:rule/{schedule.name}"],
        "detail": {},
    }


class Scheduler:
    """Sends the events of one rule to one function until it is stopped."""

    def __init__(self, schedule: Schedule, *, pool: Invokes) -> None:
        self._schedule = schedule
        self._pool = pool
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Send the first event now."""
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Send no more events."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])

    async def _run(self) -> None:
        while True:
            now = datetime.now(UTC)
            event = scheduled_event(self._schedule, event_id=str(uuid4()), now=now)
            with suppress(FunctionFailedError):  # the pool told it; the next event comes in time
                await self._pool.invoke(event)
            spent_s = (datetime.now(UTC) - now).total_seconds()
            await asyncio.sleep(max(1.0, self._schedule.every_minutes * 60 - spent_s))
