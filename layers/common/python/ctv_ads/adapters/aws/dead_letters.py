"""Messages that were given up, in the dead-letter queue, with their reason.

SQS moves what was received too often by itself, without a word; whoever is moved back gets a new id.
So the reason and the first id travel with the message, as attributes, which both ways keep.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.pipeline import DeadLetter

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

REASON, FIRST_MESSAGE_ID = "Reason", "FirstMessageId"


class SqsDeadLetters:
    """Implements `ports.DeadLetters`."""

    def __init__(self, sqs: "SQSClient", queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def bury(self, letter: DeadLetter) -> None:
        """Put the message into the dead-letter queue; SQS has stored it when this returns."""
        try:
            self._sqs.send_message(
                QueueUrl=self._queue_url,
                MessageBody=letter.body,
                MessageAttributes=message_attributes(letter.first_message_id, letter.reason),
            )
        except (BotoCoreError, ClientError) as error:
            raise DependencyUnavailableError("sqs", str(error)) from error


def message_attributes(
    first_message_id: str, reason: str
) -> "dict[str, MessageAttributeValueTypeDef]":
    """Return what travels with a message that was refused; an empty reason is not known."""
    told = {FIRST_MESSAGE_ID: first_message_id, REASON: reason}
    return {
        name: {"DataType": "String", "StringValue": text} for name, text in told.items() if text
    }


def first_message_id(record: Mapping[str, Any]) -> str:
    """Return the id that a message had when it was sent first, of a record as Lambda gives it."""
    told = record.get("messageAttributes", {}).get(FIRST_MESSAGE_ID, {})
    first: str = told.get("stringValue") or record["messageId"]
    return first
