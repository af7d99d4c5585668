"""Write beacons to PostgreSQL in batches: each once, billed in the same transaction.

Event: SQS messages, each the beacons of one call that the collector has verified. A message
that is none, or names a line item that does not exist, fails alone and ends in the dead-letter
queue, with its reason in PostgreSQL; what else it holds is recorded all the same. Invalid traffic
and events of whole breaks are kept apart. Counts of decisions come through the same queue.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from ctv_ads.adapters.aws.beacon_messages import decode_message
from ctv_ads.adapters.aws.decision_messages import decode_decisions, is_decisions
from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.garbage import garbage_left_alone
from ctv_ads.bootstrap.pipeline import (
    beacon_ledger,
    break_events,
    decision_counts,
    invalid_traffic,
    inventory_changes,
    refused_messages,
)
from ctv_ads.domain.beacon import Beacon, ForgedBeacon
from ctv_ads.domain.delivery import DecidedCounts

_LOG = Logger()
_QUEUE = "ad-events"
_NAMESPACE = "CtvAds"
_UNKNOWN = "it names a line item or placement that does not exist"
_GONE = "its day is archived and dropped: nobody would know whether it is a repeat"


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Record the batch in one transaction and name the messages that failed alone."""
    with garbage_left_alone():
        return _consumed(event["Records"])


def _consumed(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    batch = _Batch()
    refused: dict[str, str] = {}
    for record in records:
        try:
            batch.read(record["messageId"], record["body"])
        except ValueError as error:
            _LOG.error("message is no beacon", message_id=record["messageId"], reason=str(error))
            refused[record["messageId"]] = str(error)
    refused |= _record_all(batch)
    if refused:
        refused_messages().note(_QUEUE, refused, now=utc_now())
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in refused]}


@dataclass(slots=True)
class _Batch:
    """What the messages hold, sorted by what becomes of it."""

    beacons: list[Beacon] = field(default_factory=list)
    message_ids: list[str] = field(default_factory=list)
    """Of each beacon, the message it came in."""
    invalid: list[Beacon] = field(default_factory=list)
    invalid_ids: list[str] = field(default_factory=list)
    """Of each invalid beacon, the message it came in."""
    forged: list[tuple[str, int, ForgedBeacon]] = field(default_factory=list)
    """With the message's id and the place in it, which tell repeats."""
    decisions: list[DecidedCounts] = field(default_factory=list)
    breaks: list[Beacon] = field(default_factory=list)

    def read(self, message_id: str, body: str) -> None:
        """Take what the body of a message holds, or raise ValueError and take nothing."""
        if is_decisions(body):
            self.decisions.append(decode_decisions(body))
            return
        for place, beacon in enumerate(decode_message(body)):
            if isinstance(beacon, ForgedBeacon):
                self.forged.append((message_id, place, beacon))
            elif beacon.invalid is not None:
                self.invalid.append(beacon)
                self.invalid_ids.append(message_id)
            elif beacon.claims.slot == 0:
                self.breaks.append(beacon)
            else:
                self.beacons.append(beacon)
                self.message_ids.append(message_id)


def _record_all(batch: _Batch) -> dict[str, str]:
    """Write everything, and return why messages are refused."""
    refused: dict[str, str] = {}
    if batch.invalid or batch.forged:
        unknown = invalid_traffic().record(batch.invalid, batch.forged)
        refused |= dict.fromkeys((batch.invalid_ids[at] for at in unknown), _UNKNOWN)
        _tell_forged(len(batch.forged))
    if batch.breaks:
        break_events().record(batch.breaks)
    if batch.decisions:
        added = decision_counts().add(batch.decisions)
        _LOG.info("decisions counted", messages=len(batch.decisions), new=added)
    if batch.beacons:
        refused |= _record(batch.beacons, batch.message_ids)
    return refused


def _tell_forged(count: int) -> None:
    # Nobody vouches for what a forged token says, so it is in no tenant's report: a metric of the
    # operator's tells how many there are, the table `forged_beacons` from where.
    if count:
        with single_metric(
            name="ForgedBeacons", unit=MetricUnit.Count, value=count, namespace=_NAMESPACE
        ):
            _LOG.warning("forged beacons", count=count)


def _record(beacons: list[Beacon], message_ids: list[str]) -> dict[str, str]:
    batch = beacon_ledger().record(beacons)
    _LOG.info(
        "beacons recorded",
        recorded=batch.recorded,
        duplicates=batch.duplicates,
        billed_impressions=batch.billed_impressions,
        unbilled_impressions=batch.unbilled_impressions,
        held=batch.held,
        invalid={rule.value: count for rule, count in batch.invalid.items()},
    )
    if batch.a_budget_has_ended:
        # Have the inventory published without the campaigns whose budget has ended.
        inventory_changes().announce("a budget has ended")
    gone = dict.fromkeys((message_ids[position] for position in batch.gone), _GONE)
    unknown = dict.fromkeys((message_ids[position] for position in batch.unknown), _UNKNOWN)
    if gone or unknown:
        _LOG.error("messages refused", unknown=sorted(unknown), gone=sorted(gone))
    return gone | unknown
