"""Accounts and sessions: what `functions/auth` calls."""

from datetime import timedelta
from functools import cache
from typing import Annotated

import boto3
from aws_lambda_powertools.event_handler.depends import Depends

from ctv_ads.access_settings import MailQueueSettings, SessionSettings
from ctv_ads.adapters.aws.mail_queue import SqsMailer
from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.opaque_tokens import new_token
from ctv_ads.adapters.passwords import check_password, hash_password
from ctv_ads.bootstrap import guards
from ctv_ads.bootstrap.control_plane import stores
from ctv_ads.ports.people import Mailer
from ctv_ads.use_cases.own_account import OwnAccount
from ctv_ads.use_cases.people import ManagePeople
from ctv_ads.use_cases.registration import Register
from ctv_ads.use_cases.sessions import KeepSessions


@cache
def session_settings() -> SessionSettings:
    """Return how long people stay signed in."""
    return SessionSettings.from_environment()


@cache
def session_keeping() -> KeepSessions:
    """Return what opens, renews and ends sessions."""
    return KeepSessions(
        stores=stores(),
        check_password=check_password,
        denied_tokens=guards.denied_tokens(),
        rate_limits=guards.rate_limits(),
        clock=utc_now,
        new_id=new_id,
        new_token=new_token,
        lifetime=timedelta(seconds=session_settings().refresh_token_lifetime_s),
        accepts=own_accounts().require_verified,
    )


@cache
def mailer() -> Mailer:
    """Return the queue that takes mails."""
    settings = MailQueueSettings.from_environment()
    return SqsMailer(boto3.client("sqs"), settings.mail_queue_url)


@cache
def own_accounts() -> OwnAccount:
    """Return what people do with their own accounts."""
    settings = session_settings()
    return OwnAccount(
        stores=stores(),
        check_password=check_password,
        hash_password=hash_password,
        denied_tokens=guards.denied_tokens(),
        rate_limits=guards.rate_limits(),
        mailer=mailer(),
        clock=utc_now,
        new_token=new_token,
        ui_url=settings.public_ui_url,
        verification_is_required=settings.email_verification,
    )


@cache
def registering() -> Register:
    """Return what makes people and organizations."""
    return Register(
        stores=stores(),
        hash_password=hash_password,
        check_password=check_password,
        rate_limits=guards.rate_limits(),
        clock=utc_now,
        new_id=new_id,
    )


@cache
def people_managing() -> ManagePeople:
    """Return what changes who belongs to an organization."""
    settings = session_settings()
    return ManagePeople(
        stores=stores(),
        denied_tokens=guards.denied_tokens(),
        mailer=mailer(),
        clock=utc_now,
        new_id=new_id,
        new_token=new_token,
        invitation_lifetime=timedelta(seconds=settings.invitation_lifetime_s),
        ui_url=settings.public_ui_url,
    )


WithinLimit = Annotated[None, Depends(guards.limit_address)]
"""A route that takes one answers 429 to an address that asks too often."""
SessionKeeping = Annotated[KeepSessions, Depends(session_keeping)]
Accounts = Annotated[OwnAccount, Depends(own_accounts)]
Registering = Annotated[Register, Depends(registering)]
PeopleManaging = Annotated[ManagePeople, Depends(people_managing)]
