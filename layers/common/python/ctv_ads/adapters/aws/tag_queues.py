"""The way of third-party tags to their check, and of the verdicts back."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from ctv_ads.domain.ids import CreativeId
from ctv_ads.domain.media import Rejection, RejectionCode
from ctv_ads.domain.vast_tag import TagFacts
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.vast_tags import TagCheck, TagVerdict

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_COMMIT_TIME_S = 2
"""The check is asked for inside the transaction that stores the tag; this is its time to end."""


class SqsTagChecks:
    """Implements `ports.TagChecks`."""

    def __init__(self, sqs: "SQSClient", queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def ask(self, check: TagCheck) -> None:
        """Hand the check over."""
        _send(self._sqs, self._queue_url, asdict(check), delay_s=_COMMIT_TIME_S)


class SqsTagVerdicts:
    """Implements `ports.TagVerdicts`."""

    def __init__(self, sqs: "SQSClient", queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def tell(self, verdict: TagVerdict) -> None:
        """Hand the verdict over."""
        _send(self._sqs, self._queue_url, asdict(verdict), delay_s=0)


def read_check(body: str) -> TagCheck:
    """Return the check of a message that `SqsTagChecks` sent."""
    return TagCheck(**json.loads(body))


def read_verdict(body: str) -> TagVerdict:
    """Return the verdict of a message that `SqsTagVerdicts` sent."""
    document = json.loads(body)
    facts = document["facts"]
    return TagVerdict(
        creative_id=CreativeId(document["creative_id"]),
        facts=TagFacts(**facts) if facts else None,
        rejections=tuple(
            Rejection(RejectionCode(item["code"]), item["message"])
            for item in document["rejections"]
        ),
    )


def _send(sqs: "SQSClient", queue_url: str, document: Mapping[str, Any], *, delay_s: int) -> None:
    try:
        sqs.send_message(QueueUrl=queue_url, MessageBody=json.dumps(document), DelaySeconds=delay_s)
    except (BotoCoreError, ClientError) as error:
        raise DependencyUnavailableError("sqs", str(error)) from error
