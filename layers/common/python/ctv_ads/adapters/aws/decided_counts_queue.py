"""Counts of decisions on their way to the consumer."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from ctv_ads.adapters.aws.decision_messages import encode_decisions
from ctv_ads.domain.delivery import DecidedCounts
from ctv_ads.errors import DependencyUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SqsDecidedCounts:
    """Implements `ports.DecidedCountsQueue`."""

    def __init__(self, sqs: "SQSClient", queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def send(self, counts: DecidedCounts) -> None:
        """Hand the counts over in one message; SQS has stored it when this returns."""
        try:
            self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=encode_decisions(counts))
        except (BotoCoreError, ClientError) as error:
            raise DependencyUnavailableError("sqs", str(error)) from error
