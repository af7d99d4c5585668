"""Measure an uploaded file and mark its creative ready or rejected.

Event: SQS messages, each an EventBridge event of S3 (`Object Created`).
"""

import json
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

from ctv_ads.bootstrap.pipeline import creative_validation
from ctv_ads.ports.uploads import UploadedObject

_LOG = Logger()
_PROCESSOR = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Judge each upload; those that could not be judged go back to the queue alone."""
    return process_partial_response(event, _judge, _PROCESSOR, context)


def _judge(record: SQSRecord) -> None:
    stored = json.loads(record.body)["detail"]["object"]
    upload = UploadedObject(key=stored["key"], etag=stored["etag"], size_bytes=stored["size"])
    verdict = creative_validation()(upload)
    _LOG.info("upload judged", key=upload.key, verdict=verdict)
