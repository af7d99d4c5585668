"""Mail on one machine: each is a file in a folder, and a line in the log."""

import logging
import os
import uuid
from email.message import EmailMessage
from pathlib import Path

from ctv_ads.domain.people import Mail


class FolderMailer:
    """Implements `ports.Mailer` for a machine without a mail service."""

    def __init__(self, folder: Path, log: logging.Logger) -> None:
        self._folder = folder
        self._log = log

    def send(self, mail: Mail) -> None:
        """Write a mail as a file that mail programs open."""
        message = EmailMessage()
        message["To"], message["Subject"] = mail.to, mail.subject
        message.set_content(mail.text, cte="8bit")  # links stay whole
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{uuid.uuid4()}.eml"
        # Tokens are in it: for this user's eyes only.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(message.as_bytes())
        self._log.info("mail to %s: %s (%s)", mail.to, mail.subject, path)
