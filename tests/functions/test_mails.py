"""Mails on their way from the queue to people."""

import email
import json
import logging
from collections.abc import Sequence
from email import policy
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ctv_ads.adapters.aws.mail import SesMailer
from ctv_ads.adapters.aws.mail_queue import SqsMailer, mail_of
from ctv_ads.adapters.mail_folder import FolderMailer
from ctv_ads.domain.people import Mail
from ctv_ads.errors import DependencyUnavailableError
from functions.auth import send_mail
from tests.functions.recorded import failures, sqs_event

MAIL = Mail("ada@example.com", "Grüße", "Hello Ada,\n\nhttps://ui.example.com/#token=x\n")


class Sent:
    """Stands for a client of AWS that takes everything, or nothing."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.calls: list[dict[str, Any]] = []
        self._refuses = refuses

    def send_message(self, **call: Any) -> None:
        if self._refuses:
            raise ClientError({"Error": {"Code": "Throttling"}}, "Send")
        self.calls.append(call)

    send_email = send_message


def files(folder: Path) -> Sequence[Path]:
    return sorted(folder.glob("*.eml"))


def test_a_mail_becomes_a_private_file_and_a_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    FolderMailer(tmp_path / "mail", logging.getLogger("mail")).send(MAIL)
    (path,) = files(tmp_path / "mail")
    message = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    assert (message["To"], message["Subject"]) == (MAIL.to, MAIL.subject)
    assert message.get_content() == MAIL.text
    assert path.stat().st_mode & 0o077 == 0
    assert str(path) in caplog.text


def test_a_mail_that_no_one_can_read_comes_back_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailer = FolderMailer(tmp_path, logging.getLogger("mail"))
    monkeypatch.setattr(send_mail, "mailer", lambda: mailer)
    queue = Sent()
    SqsMailer(queue, "https://sqs.example.com/mails").send(MAIL)  # type: ignore[arg-type]
    bodies = [queue.calls[0]["MessageBody"], "no json", json.dumps({"to": "x"}), "[]"]
    answer = send_mail.lambda_handler(sqs_event(*bodies), object())  # type: ignore[arg-type]
    assert failures(answer) == ["m1", "m2", "m3"]
    assert len(files(tmp_path)) == 1


def test_ses_gets_the_mail_as_it_is() -> None:
    ses = Sent()
    SesMailer(ses, "no-reply@ads.example.com").send(MAIL)
    (call,) = ses.calls
    assert call["FromEmailAddress"] == "no-reply@ads.example.com"
    assert call["Destination"] == {"ToAddresses": [MAIL.to]}
    assert call["Content"]["Simple"]["Body"]["Text"]["Data"] == MAIL.text


def test_a_service_that_refuses_is_told_by_name() -> None:
    with pytest.raises(DependencyUnavailableError, match="ses"):
        SesMailer(Sent(refuses=True), "a@example.com").send(MAIL)
    with pytest.raises(DependencyUnavailableError, match="sqs"):
        SqsMailer(Sent(refuses=True), "https://sqs.example.com/mails").send(MAIL)  # type: ignore[arg-type]


def test_what_is_no_mail_is_refused() -> None:
    with pytest.raises(ValueError, match="not a mail"):
        mail_of("{}")
