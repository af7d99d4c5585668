"""From the player's call to the stored event: collector, queue and consumers that may die."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

import pytest

from ctv_ads.adapters.aws.beacon_messages import encode_message
from ctv_ads.adapters.aws.decision_messages import encode_decisions
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.key_ring import KeyRing
from ctv_ads.adapters.memory.queues import MemoryInventoryChanges
from ctv_ads.adapters.postgres.beacon_ledger import PostgresBeaconLedger
from ctv_ads.adapters.postgres.break_events import PostgresBreakEvents
from ctv_ads.adapters.postgres.database import Database
from ctv_ads.adapters.postgres.delivery_counts import PostgresDecisionCounts
from ctv_ads.adapters.postgres.invalid_traffic import PostgresInvalidTraffic
from ctv_ads.adapters.postgres.refused_messages import PostgresRefusedMessages
from ctv_ads.domain.delivery import DecidedCounts, DecidedRow
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.use_cases.collect_beacon import CollectBeacon
from ctv_ads.web.hops import Believed
from functions.impressions import consumer, handler
from tests.builders import KEYS
from tests.faults.deaths import Death, KilledError, facing
from tests.functions.collecting import LISTS
from tests.functions.recorded import Context, api_event, failures, sqs_event

Message = tuple[str, str]
"""Its id and its body."""
_HERE = threading.local()
_CODE = "403"


@dataclass(slots=True)
class Queue:
    """Implements `ports.BeaconQueue`. What was taken once may be delivered again for ever."""

    sent: list[Message] = field(default_factory=list)
    waiting: list[Message] = field(default_factory=list)
    refuses: bool = False

    def send(self, beacons: Sequence[Any]) -> None:
        if self.refuses:
            raise DependencyUnavailableError("sqs", "SendMessage: 503 ServiceUnavailable")
        self._take(encode_message(beacons))

    def tell(self, rows: Sequence[DecidedRow]) -> None:
        """Take counts of decisions, as the archive sends them."""
        self._take(encode_decisions(DecidedCounts(new_id(), tuple(rows))))

    def _take(self, body: str) -> None:
        message = (new_id(), body)
        self.sent.append(message)
        self.waiting.append(message)

    def delete(self, messages: Sequence[Message]) -> None:
        for message in messages:
            with suppress(ValueError):  # the other consumer had it too
                self.waiting.remove(message)


@dataclass(slots=True)
class Consumer:
    """One process of the consumer, which is started anew after its death."""

    secret: Any
    owner_dsn: str
    database: Database = field(init=False)
    parts: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.database = Database(self.secret)
        self.parts = {
            "beacon_ledger": PostgresBeaconLedger(self.database),
            "invalid_traffic": PostgresInvalidTraffic(self.database),
            "refused_messages": PostgresRefusedMessages(self.database),
            "break_events": PostgresBreakEvents(self.database),
            "decision_counts": PostgresDecisionCounts(self.database),
            "inventory_changes": MemoryInventoryChanges(),
        }

    def take_until(self, batches: Sequence[Sequence[Message]], taken: list[Message]) -> None:
        """Take batches until the server dies, and note what may be deleted from the queue."""
        for batch in batches:
            try:
                self.take(batch, Death())
            except DependencyUnavailableError:
                self.database.close()
                self.begin()
                return
            taken += batch

    def take(self, messages: Sequence[Message], death: Death) -> bool:
        """Run the handler on a batch, and tell whether it may be deleted from the queue."""
        _HERE.consumer, death.owner_dsn = self, self.owner_dsn
        event = sqs_event(*(body for _, body in messages))
        for record, (message_id, _) in zip(event["Records"], messages, strict=True):
            record["messageId"] = message_id
        try:
            with facing(death):
                answer = consumer.lambda_handler(event, Context())  # type: ignore[arg-type]
        except (KilledError, DependencyUnavailableError):
            if not death.has_struck:
                raise
            self.database.close()
            self.begin()
            return False
        assert failures(answer) == []
        return True


def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the consumer's handler use what belongs to the consumer of this thread."""

    def part(name: str) -> Any:
        return lambda: _HERE.consumer.parts[name]

    for name in (
        *("beacon_ledger", "invalid_traffic", "refused_messages", "inventory_changes"),
        *("break_events", "decision_counts"),
    ):
        monkeypatch.setattr(consumer, name, part(name))


@dataclass(slots=True)
class Collector:
    """Players call this one."""

    queue: Queue
    monkeypatch: pytest.MonkeyPatch

    def calls(
        self, calls: Sequence[tuple[str, str]], agent: str, *, now: datetime, as_batch: bool
    ) -> bool:
        """Send events and tokens; tell whether the collector has taken responsibility for all."""
        collect = CollectBeacon(
            queue=self.queue,
            tokens=KeyRing(lambda: KEYS, seconds=monotonic),
            lists=LISTS,
            clock=lambda: now,
        )
        self.monkeypatch.setattr(handler, "collector", lambda: collect)
        self.monkeypatch.setattr(handler, "believed", Believed)
        headers = {"user-agent": agent}
        if as_batch:
            # Of single calls the player names no error.
            items = [{"event": event, "token": token, "code": _CODE} for event, token in calls]
            body = {"events": items}
            events = [api_event("POST", "/api/v1/events", body=body, headers=headers)]
        else:
            events = [_single(event, token, headers) for event, token in calls]
        statuses = {handler.lambda_handler(event, object())["statusCode"] for event in events}
        assert statuses <= {200, 204, 503}
        assert (503 in statuses) == self.queue.refuses
        return 503 not in statuses


def _single(event: str, token: str, headers: dict[str, str]) -> dict[str, Any]:
    found = api_event(
        "GET",
        f"/api/v1/t/{event}/{token}",
        path_parameters={"event": event, "token": token},
        headers=headers,
    )
    found["routeKey"] = "GET /api/v1/t/{event}/{token}"
    return found
