"""Write beacons to PostgreSQL in batches: each once, billed in the same transaction.

Event: SQS messages, each a beacon that the collector has verified. A message that is no
beacon, or names a line item that does not exist, fails alone and ends in the dead-letter queue.
"""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from ctv_ads.adapters.aws.beacon_queue import decode_beacon
from ctv_ads.bootstrap.pipeline import beacon_ledger, inventory_changes
from ctv_ads.domain.beacon import Beacon

_LOG = Logger()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Record the batch in one transaction and name the messages that failed alone."""
    beacons: list[Beacon] = []
    message_ids: list[str] = []
    failed: list[str] = []
    for record in event["Records"]:
        try:
            beacon = decode_beacon(record["body"])
        except ValueError as error:
            _LOG.error("message is no beacon", message_id=record["messageId"], reason=str(error))
            failed.append(record["messageId"])
        else:
            beacons.append(beacon)
            message_ids.append(record["messageId"])
    if beacons:
        failed += _record(beacons, message_ids)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _record(beacons: list[Beacon], message_ids: list[str]) -> list[str]:
    batch = beacon_ledger().record(beacons)
    _LOG.info(
        "beacons recorded",
        recorded=batch.recorded,
        duplicates=batch.duplicates,
        billed_impressions=batch.billed_impressions,
        unbilled_impressions=batch.unbilled_impressions,
    )
    if batch.a_budget_has_ended:
        # Have the inventory published without the campaigns whose budget has ended.
        inventory_changes().announce("a budget has ended")
    unknown = [message_ids[position] for position in batch.unknown]
    if unknown:
        _LOG.error("line item does not exist", message_ids=unknown)
    return unknown
