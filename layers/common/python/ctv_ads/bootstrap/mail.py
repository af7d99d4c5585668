"""Mail: what takes it from the queue to people."""

import logging
from functools import cache
from pathlib import Path

import boto3
from aws_lambda_powertools import Logger

from ctv_ads.access_settings import MailSettings
from ctv_ads.adapters.aws.mail import SesMailer
from ctv_ads.adapters.mail_folder import FolderMailer
from ctv_ads.ports.people import Mailer


@cache
def mailer() -> Mailer:
    """Return SES, or on one machine a folder."""
    settings = MailSettings.from_environment()
    if settings.mail_folder:
        log: logging.Logger = Logger()  # type: ignore[assignment]  # it has the same methods
        return FolderMailer(Path(settings.mail_folder), log)
    return SesMailer(boto3.client("sesv2"), settings.mail_sender)
