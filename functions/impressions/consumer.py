"""Write beacons to PostgreSQL in batches: each once, billed in the same transaction.

Event: SQS messages, each the beacons of one call that the collector has verified. A message that
is none, or names a line item that does not exist, fails alone and in the end goes to the
dead-letter queue with its reason, which PostgreSQL keeps too; what else it holds is recorded all
the same. Invalid traffic and events of whole breaks are kept apart. Counts of decisions come
through the same queue.

A batch is recorded in parts of about 10,000 beacons. What there is no time for comes again. A part
that fails for a reason of its own is halved until the message is found that it is.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from ctv_ads.adapters.aws.dead_letters import first_message_id
from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.garbage import garbage_left_alone
from ctv_ads.bootstrap.pipeline import (
    beacon_ledger,
    break_events,
    dead_letters,
    decision_counts,
    invalid_traffic,
    inventory_changes,
    refused_messages,
)
from ctv_ads.domain.beacon import Beacon
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.pipeline import DeadLetter
from functions.impressions.parts import Part

Records = Sequence[dict[str, Any]]

_LOG = Logger()
_QUEUE = "ad-events"
_NAMESPACE = "CtvAds"
_UNKNOWN = "it names a line item or placement that does not exist"
_GONE = "its day is archived and dropped: nobody would know whether it is a repeat"
_RECEIVES = 10
"""What is refused this often is given up: after half an hour."""
_MAX_REASON = 300
_REASONS_TOLD = 20
"""In the log; all are in PostgreSQL."""
_PART_TAKES_MS = 10_000
"""Less time than this is not enough to begin another part; one takes a fraction of a second."""


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Record the batch, a part in each transaction, and name the messages that come again."""
    records = event["Records"]
    with garbage_left_alone():
        refused, left = _consumed(records, context.get_remaining_time_in_millis)
    if left:
        _LOG.warning("not all of the batch recorded", messages=len(records), left=len(left))
    if refused:
        _tell_refused(refused)
        buried = _buried([one for one in records if one["messageId"] in refused], refused)
        left += [message_id for message_id in refused if message_id not in buried]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in left]}


def _consumed(
    records: Records, time_left_ms: Callable[[], int]
) -> tuple[dict[str, str], list[str]]:
    """Record what there is time for; return what was refused, with reasons, and what is left."""
    refused: dict[str, str] = {}
    todo, is_begun = [records], False
    while todo and (not is_begun or time_left_ms() >= _PART_TAKES_MS):
        run = todo.pop()
        part = Part.of(run)
        try:
            unrecorded = _record_all(part)
        except DependencyUnavailableError as error:
            if not is_begun:
                raise  # as a failure of the function, on which Lambda slows down
            _LOG.error("batch given back: %s", error)
            todo.append(run)
            break
        except Exception as error:  # noqa: BLE001 - whatever it is, it shall not hold the others
            _LOG.exception("part not recorded", messages=part.messages)
            if part.messages == 1:
                refused[run[0]["messageId"]] = f"{type(error).__name__}: {error}"
            todo += _after_failure(run, part.messages)
        else:
            refused |= part.refused | unrecorded
            todo += [run[part.messages :]] if part.messages < len(run) else []
        is_begun = True
    return refused, [record["messageId"] for run in todo for record in run]


def _after_failure(run: Records, failed: int) -> list[Records]:
    """Return what to do next, the last first: both halves of what failed, then the rest."""
    half = failed // 2
    halves = [run[half:failed], run[:half]] if half else []
    return [one for one in (run[failed:], *halves) if one]


def _tell_refused(refused: Mapping[str, str]) -> None:
    reasons = {message_id: _plain(reason) for message_id, reason in refused.items()}
    told = dict(islice(reasons.items(), _REASONS_TOLD))
    _LOG.error("messages refused", messages=len(reasons), reasons=told)
    refused_messages().note(_QUEUE, reasons, now=utc_now())


def _buried(records: Records, refused: Mapping[str, str]) -> set[str]:
    """Put those that have been refused for long enough among the dead; return their ids."""
    buried = set()
    for record in records:
        if int(record["attributes"]["ApproximateReceiveCount"]) < _RECEIVES:
            continue
        message_id = record["messageId"]
        reason = _plain(refused[message_id])
        try:
            dead_letters().bury(DeadLetter(first_message_id(record), record["body"], reason))
        except DependencyUnavailableError as error:
            _LOG.error("dead letter comes again: %s", error)
        else:
            buried.add(message_id)
    return buried


def _plain(reason: str) -> str:
    """Return a reason as a database, a queue and a terminal take it."""
    return "".join(sign if sign.isprintable() else "?" for sign in reason[:_MAX_REASON])


def _record_all(part: Part) -> dict[str, str]:
    """Write everything, and return why messages are refused."""
    refused: dict[str, str] = {}
    if part.invalid or part.forged:
        unknown = invalid_traffic().record(part.invalid, part.forged)
        refused |= dict.fromkeys((part.invalid_ids[at] for at in unknown), _UNKNOWN)
        _tell_forged(sum(one.beacons for _, _, one in part.forged))
    if part.breaks:
        break_events().record(part.breaks)
    if part.decisions:
        added = decision_counts().add(part.decisions)
        _LOG.info("decisions counted", messages=len(part.decisions), new=added)
    if part.beacons:
        refused |= _record(part.beacons, part.message_ids)
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
