"""Write beacons to PostgreSQL in batches: each once, billed in the same transaction.

Event: SQS messages, each the beacons of one call that the collector has verified. A message
that is none, or names a line item that does not exist, fails alone and ends in the dead-letter
queue, with its reason in PostgreSQL; what else it holds is recorded all the same. Invalid traffic
and events of whole breaks are kept apart. Counts of decisions come through the same queue.

A batch is recorded in parts of about 10,000 beacons. What there is no time for comes again.
"""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

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
from ctv_ads.domain.beacon import Beacon
from functions.impressions.parts import Part

_LOG = Logger()
_QUEUE = "ad-events"
_NAMESPACE = "CtvAds"
_REASONS_TOLD = 20
"""In the log; all are in PostgreSQL."""
_PART_TAKES_MS = 10_000
"""Less time than this is not enough to begin another part; one takes a fraction of a second."""


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Record the batch, a part in each transaction, and name the messages that come again."""
    with garbage_left_alone():
        failed = _consumed(event["Records"], context.get_remaining_time_in_millis)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _consumed(records: Sequence[dict[str, Any]], time_left_ms: Callable[[], int]) -> Sequence[str]:
    """Record what there is time for; return what was refused and what is left."""
    refused: dict[str, str] = {}
    left = records
    while left and (left is records or time_left_ms() >= _PART_TAKES_MS):
        part = Part.of(left)
        refused |= part.refused
        for message_id in _record_all(part):
            refused[message_id] = "it names a line item that does not exist"
        left = left[part.messages :]
    if left:
        _LOG.warning("no time for all of the batch", messages=len(records), left=len(left))
    if refused:
        _LOG.error(
            "messages refused",
            messages=len(refused),
            reasons=dict(islice(refused.items(), _REASONS_TOLD)),
        )
        refused_messages().note(_QUEUE, refused, now=utc_now())
    return [*refused, *(record["messageId"] for record in left)]


def _record_all(part: Part) -> list[str]:
    """Write everything, and return the messages that name what does not exist."""
    if part.invalid or part.forged:
        invalid_traffic().record(part.invalid, part.forged)
        _tell_forged(sum(one.beacons for _, _, one in part.forged))
    if part.breaks:
        break_events().record(part.breaks)
    if part.decisions:
        added = decision_counts().add(part.decisions)
        _LOG.info("decisions counted", messages=len(part.decisions), new=added)
    return _record(part.beacons, part.message_ids) if part.beacons else []


def _tell_forged(count: int) -> None:
    # Nobody vouches for what a forged token says, so it is in no tenant's report: a metric of the
    # operator's tells how many there are, the table `forged_beacons` from where.
    if count:
        with single_metric(
            name="ForgedBeacons", unit=MetricUnit.Count, value=count, namespace=_NAMESPACE
        ):
            _LOG.warning("forged beacons", count=count)


def _record(beacons: list[Beacon], message_ids: list[str]) -> list[str]:
    batch = beacon_ledger().record(beacons)
    _LOG.info(
        "beacons recorded",
        recorded=batch.recorded,
        duplicates=batch.duplicates,
        billed_impressions=batch.billed_impressions,
        unbilled_impressions=batch.unbilled_impressions,
        invalid={rule.value: count for rule, count in batch.invalid.items()},
    )
    if batch.a_budget_has_ended:
        # Have the inventory published without the campaigns whose budget has ended.
        inventory_changes().announce("a budget has ended")
    unknown = sorted({message_ids[position] for position in batch.unknown})
    if unknown:
        _LOG.error("line item does not exist", message_ids=unknown)
    return unknown
