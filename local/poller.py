"""What Lambda's event source mapping does: carry messages from a queue to a function.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from functions.manifest import QueueTrigger
from local import batches
from local.batches import MalformedBatchResultError
from local.emulator import Emulator
from local.invocation import FunctionFailedError, Invokes
from local.pool import Report

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_RECEIVE_LIMIT = 10
# Long enough to be quiet, short enough that stopping need not wait for it.
_LONG_POLL_S = 1
_BETWEEN_SHORT_POLLS_S = 0.05
_BACK_OFF_S = (0.5, 1.0, 2.0, 5.0)
_STOP_GRACE_S = 5.0

_T = TypeVar("_T")


class QueuePoller:
    """Polls one queue for one function until it is stopped."""

    def __init__(
        self,
        function: str,
        trigger: QueueTrigger,
        *,
        pool: Invokes,
        emulator: Emulator,
        report: Report,
    ) -> None:
        self._function = function
        self._trigger = trigger
        self._pool = pool
        self._report = report
        self._sqs = emulator.sqs
        self._queue_url = emulator.queue_url(trigger.queue)
        self._queue_arn = emulator.queue_arn(trigger.queue)
        self._slots = asyncio.Semaphore(trigger.max_concurrency)
        self._stopping = False
        self._deliveries: set[asyncio.Task[None]] = set()
        self._polling: asyncio.Task[None] | None = None
        # One thread polls; each batch in delivery may have one that deletes.
        self._threads = ThreadPoolExecutor(1 + trigger.max_concurrency, f"poll-{function}")

    def start(self) -> None:
        """Begin to poll."""
        self._polling = asyncio.create_task(self._poll())

    async def stop(self) -> None:
        """Poll no more; give batches in hand a few seconds to end.

        Messages of a batch that does not end come back after their visibility timeout.
        """
        self._stopping = True
        ends_at = monotonic() + _STOP_GRACE_S
        if self._polling is not None:
            await _end([self._polling], by=ends_at)
        await _end(list(self._deliveries), by=ends_at)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _poll(self) -> None:
        faults = 0
        while not self._stopping:
            try:
                messages = await self._gather()
            except (BotoCoreError, ClientError) as error:
                if faults == 0:
                    self._report(self._function, f"cannot poll {self._trigger.queue}: {error}")
                await asyncio.sleep(_BACK_OFF_S[min(faults, len(_BACK_OFF_S) - 1)])
                faults += 1
                continue
            faults = 0
            for part in batches.parts(messages):
                await self._slots.acquire()
                delivery = asyncio.create_task(self._deliver(part))
                self._deliveries.add(delivery)
                delivery.add_done_callback(self._delivered)

    def _delivered(self, delivery: asyncio.Task[None]) -> None:
        self._deliveries.discard(delivery)
        self._slots.release()
        if not delivery.cancelled() and (error := delivery.exception()):
            self._report(self._function, f"a batch could not be settled: {error}")

    async def _gather(self) -> "list[MessageTypeDef]":
        """Return messages until the batch is full, too large, or its window has passed."""
        messages = await self._receive(_RECEIVE_LIMIT, wait_s=_LONG_POLL_S)
        closes_at = monotonic() + self._trigger.window_s
        size = sum(map(batches.size_of, messages))
        while messages and not self._stopping:
            left_s = closes_at - monotonic()
            room = self._trigger.batch_size - len(messages)
            if left_s <= 0 or room <= 0 or size >= batches.PAYLOAD_LIMIT_BYTES:
                break
            more = await self._receive(room, wait_s=min(int(left_s), _LONG_POLL_S))
            if not more:
                await asyncio.sleep(min(_BETWEEN_SHORT_POLLS_S, left_s))
            messages += more
            size += sum(map(batches.size_of, more))
        return messages

    async def _receive(self, room: int, *, wait_s: int) -> "list[MessageTypeDef]":
        limit = min(_RECEIVE_LIMIT, room, self._trigger.batch_size)
        answer = await self._in_thread(
            lambda: self._sqs.receive_message(
                QueueUrl=self._queue_url,
                MaxNumberOfMessages=limit,
                WaitTimeSeconds=wait_s,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
        )
        return answer.get("Messages", [])

    async def _deliver(self, messages: "Sequence[MessageTypeDef]") -> None:
        event = {"Records": [batches.record(message, self._queue_arn) for message in messages]}
        try:
            failed = batches.failed_ids(await self._pool.invoke(event), messages)
        except FunctionFailedError:
            return  # the pool told it; the messages come back after their visibility timeout
        except MalformedBatchResultError as error:
            self._report(self._function, f"malformed result, the batch comes back: {error}")
            return
        done = [message for message in messages if message["MessageId"] not in failed]
        for start in range(0, len(done), _RECEIVE_LIMIT):
            await self._delete(done[start : start + _RECEIVE_LIMIT])

    async def _delete(self, messages: "Sequence[MessageTypeDef]") -> None:
        await self._in_thread(
            lambda: self._sqs.delete_message_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(messages)
                ],
            )
        )

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


async def _end(tasks: "Sequence[asyncio.Task[None]]", *, by: float) -> None:
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=max(0.0, by - monotonic()))
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
