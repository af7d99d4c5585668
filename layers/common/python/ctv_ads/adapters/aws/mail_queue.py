"""Mails on their way, in SQS: who asks for one waits for no mail service."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from ctv_ads.domain.people import Mail
from ctv_ads.errors import DependencyUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SqsMailer:
    """Implements `ports.Mailer`; `functions/auth/send_mail.py` takes them from there."""

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def send(self, mail: Mail) -> None:
        """Hand a mail over to the queue."""
        try:
            self._client.send_message(
                QueueUrl=self._queue_url, MessageBody=json.dumps(asdict(mail))
            )
        except (BotoCoreError, ClientError) as error:
            raise DependencyUnavailableError("sqs", str(error)) from error


def mail_of(body: str) -> Mail:
    """Return the mail of a message that `SqsMailer` has sent.

    Raises:
        ValueError: it is none.
    """
    try:
        return Mail(**json.loads(body))
    except TypeError as error:
        raise ValueError(f"not a mail: {error}") from error
