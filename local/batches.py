"""The arithmetic of an SQS event source: records, sizes, and what a result says about them."""

import base64
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from local.emulator import REGION

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageAttributeValueOutputTypeDef, MessageTypeDef

# Lambda takes 6 MB; the margin is for what JSON adds to a message.
PAYLOAD_LIMIT_BYTES = 5 * 1024 * 1024
_RECORD_OVERHEAD_BYTES = 800


class MalformedBatchResultError(Exception):
    """The function's result is no list of failed messages: all of them count as failed."""


def record(message: "MessageTypeDef", queue_arn: str) -> dict[str, Any]:
    """Return a received message as Lambda hands it to a function."""
    attributes = message.get("MessageAttributes", {})
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {name: _attribute(value) for name, value in attributes.items()},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    }


def size_of(message: "MessageTypeDef") -> int:
    """Return about how many bytes a message takes in an event."""
    return len(message["Body"].encode()) + _RECORD_OVERHEAD_BYTES


def parts(
    messages: "Sequence[MessageTypeDef]", limit: int = PAYLOAD_LIMIT_BYTES
) -> "Iterator[list[MessageTypeDef]]":
    """Cut a batch so that each part fits one event."""
    part: list[MessageTypeDef] = []
    size = 0
    for message in messages:
        if part and size + size_of(message) > limit:
            yield part
            part, size = [], 0
        part.append(message)
        size += size_of(message)
    if part:
        yield part


def failed_ids(result: bytes, sent: "Sequence[MessageTypeDef]") -> set[str]:
    """Return the ids of the messages that the function gives back.

    Raises:
        MalformedBatchResultError: Lambda would take the whole batch as failed.
    """
    document = json.loads(result)
    failures = document.get("batchItemFailures") if isinstance(document, dict) else None
    if document is None or (isinstance(document, dict) and failures is None):
        return set()
    if not isinstance(failures, list):
        raise MalformedBatchResultError("no list of batchItemFailures")
    known = {message["MessageId"] for message in sent}
    failed = set()
    for failure in failures:
        identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
        if identifier not in known:
            raise MalformedBatchResultError(f"no such itemIdentifier: {identifier!r}")
        failed.add(identifier)
    return failed


def _attribute(value: "MessageAttributeValueOutputTypeDef") -> dict[str, Any]:
    attribute: dict[str, Any] = {
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value["DataType"],
    }
    if "BinaryValue" in value:
        attribute["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    else:
        attribute["stringValue"] = value.get("StringValue", "")
    return attribute
