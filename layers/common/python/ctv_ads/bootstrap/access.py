"""Accounts and sessions: what `functions/auth` and `functions/people` call."""

from datetime import timedelta
from functools import cache
from typing import Annotated

from aws_lambda_powertools.event_handler.depends import Depends

from ctv_ads.access_settings import SessionSettings
from ctv_ads.adapters.clock import utc_now
from ctv_ads.adapters.ids import new_id
from ctv_ads.adapters.opaque_tokens import new_token
from ctv_ads.adapters.passwords import check_password
from ctv_ads.bootstrap import guards
from ctv_ads.bootstrap.control_plane import stores
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
    )


WithinLimit = Annotated[None, Depends(guards.limit_address)]
"""A route that takes one answers 429 to an address that asks too often."""
SessionKeeping = Annotated[KeepSessions, Depends(session_keeping)]
