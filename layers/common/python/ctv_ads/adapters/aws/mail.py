"""Mail by SES."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from ctv_ads.domain.people import Mail
from ctv_ads.errors import DependencyUnavailableError

if TYPE_CHECKING:
    SesClient = Any


class SesMailer:
    """Implements `ports.Mailer`."""

    def __init__(self, client: "SesClient", sender: str) -> None:
        """Take a client of `sesv2` and the address that mails come from."""
        self._client = client
        self._sender = sender

    def send(self, mail: Mail) -> None:
        """Hand a mail over to SES."""
        content = {
            "Simple": {
                "Subject": {"Data": mail.subject, "Charset": "UTF-8"},
                "Body": {"Text": {"Data": mail.text, "Charset": "UTF-8"}},
            }
        }
        try:
            self._client.send_email(
                FromEmailAddress=self._sender,
                Destination={"ToAddresses": [mail.to]},
                Content=content,
            )
        except (BotoCoreError, ClientError) as error:
            raise DependencyUnavailableError("ses", str(error)) from error
