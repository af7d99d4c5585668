"""Announcing that the inventory has changed."""

import logging
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_LOG = logging.getLogger(__name__)


class SqsInventoryChanges:
    """Implements `ports.InventoryChanges`."""

    def __init__(self, sqs: "SQSClient", queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def announce(self, reason: str) -> None:
        """Ask the inventory function to publish; tell the log when SQS does not take it."""
        try:
            self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=reason)
        except (BotoCoreError, ClientError) as error:
            # Not told to the caller: what is announced is committed, and a repeat finds it done.
            _LOG.error(
                "inventory change not announced; the next scheduled publication carries it: "
                "%s: sqs: %s",
                reason,
                error,
                extra={"inventory_changes_not_announced": 1},
            )
