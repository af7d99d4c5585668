"""Everything that calls functions without a person asking: queues and schedules."""

import asyncio
from collections.abc import Mapping, Sequence

from functions.manifest import Function
from local.emulator import Emulator
from local.invocation import Invokes
from local.poller import QueuePoller
from local.pool import Report
from local.schedule import Scheduler


class Triggers:
    """The queue pollers and schedules of all functions. Use once."""

    def __init__(
        self,
        functions: Sequence[Function],
        invokers: Mapping[str, Invokes],
        *,
        emulator: Emulator,
        report: Report,
    ) -> None:
        self._triggers: list[QueuePoller | Scheduler] = []
        for function in functions:
            pool = invokers[function.name]
            if function.queue_trigger is not None:
                self._triggers.append(
                    QueuePoller(
                        function.name,
                        function.queue_trigger,
                        pool=pool,
                        emulator=emulator,
                        report=report,
                    )
                )
            self._triggers += [Scheduler(schedule, pool=pool) for schedule in function.schedules]

    def start(self) -> None:
        """Begin to poll, and send each schedule's first event."""
        for trigger in self._triggers:
            trigger.start()

    async def stop(self) -> None:
        """Stop them all; batches in hand get a few seconds to end."""
        await asyncio.gather(*(trigger.stop() for trigger in self._triggers))
