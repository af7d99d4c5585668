"""Send the mails of the queue; one that cannot be sent comes again alone."""

from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from ctv_ads.adapters.aws.mail_queue import mail_of
from ctv_ads.bootstrap.mail import mailer

_processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:  # noqa: ANN401 - Powertools'
    """Send one batch."""
    return process_partial_response(event, _send, _processor, context)


def _send(record: SQSRecord) -> None:
    mailer().send(mail_of(record.body))
