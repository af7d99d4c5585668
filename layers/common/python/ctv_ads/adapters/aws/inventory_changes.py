"""Announcing that the inventory has changed."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from ctv_ads.errors import DependencyUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SqsInventoryChanges:
    """Implements `ports.InventoryChanges`."""

    def __init__(self, sqs: "SQSClient", queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def announce(self, reason: str) -> None:
        """Ask the inventory function to publish."""
        try:
            self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=reason)
        except (BotoCoreError, ClientError) as error:
            raise DependencyUnavailableError("sqs", str(error)) from error
