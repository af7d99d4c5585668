"""Mark checked third-party VAST tags ready or rejected.

Event: SQS messages, each the verdict on a tag.
"""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from ctv_ads.adapters.aws.tag_queues import read_verdict
from ctv_ads.bootstrap.pipeline import tag_settlement

_LOG = Logger()
_PROCESSOR = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Settle each verdict; those that could not be stored go back to the queue alone."""
    return process_partial_response(event, _settle, _PROCESSOR, context)


def _settle(record: SQSRecord) -> None:
    verdict = read_verdict(record.body)
    status = tag_settlement()(verdict)
    _LOG.info("tag settled", creative_id=verdict.creative_id, status=status)
