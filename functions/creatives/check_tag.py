"""Fetch, unwrap and check a third party's VAST tag, outside the VPC and without any secret.

Event: SQS messages, each a tag to check.
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

from ctv_ads.adapters.aws.tag_queues import read_check
from ctv_ads.bootstrap.tags import tag_check, tag_verdicts

_LOG = Logger()
_PROCESSOR = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Check each tag; a verdict that could not be handed over is made again."""
    return process_partial_response(event, _check, _PROCESSOR, context)


def _check(record: SQSRecord) -> None:
    verdict = tag_check()(read_check(record.body))
    tag_verdicts().tell(verdict)
    codes = [rejection.code for rejection in verdict.rejections]
    _LOG.info("tag checked", creative_id=verdict.creative_id, rejections=codes)
