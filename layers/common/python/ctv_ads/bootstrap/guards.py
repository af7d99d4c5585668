"""What stands before the control plane's routes: limits and tokens that were taken back.

Both live in Valkey. Without Valkey the API goes on without them, says so in the log and counts
it (`docs/decisions/0014-without-valkey.md`).
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.event_handler import Request
from aws_lambda_powertools.metrics import MetricUnit

from ctv_ads.access_settings import LimitSettings
from ctv_ads.adapters.valkey.denied_tokens import ValkeyDeniedTokens
from ctv_ads.adapters.valkey.rate_limits import ValkeyRateLimits
from ctv_ads.adapters.valkey.resp import RespConnection, RespError
from ctv_ads.believed_settings import BelievedSettings
from ctv_ads.bootstrap.believed import cloudfront_proof
from ctv_ads.domain.ids import UserId
from ctv_ads.errors import DependencyUnavailableError
from ctv_ads.ports.access import Allowance, DeniedTokens, Holder, RateLimits
from ctv_ads.settings import AccessTokenSettings, ValkeySettings
from ctv_ads.web.rate_limits import apply, client_address

_LOG = Logger()
T = TypeVar("T")


@cache
def valkey() -> RespConnection:
    """Return this process's connection."""
    settings = ValkeySettings.from_environment()
    return RespConnection(settings.valkey_url, timeout_ms=settings.valkey_timeout_ms)


@cache
def limits() -> LimitSettings:
    """Return how much anybody may ask."""
    return LimitSettings.from_environment()


@cache
def proof_of_cloudfront() -> str | None:
    """Return that by which a request shows that it comes through our distribution."""
    return cloudfront_proof(BelievedSettings.from_environment())


@cache
def rate_limits() -> RateLimits:
    """Return the counter of requests; without Valkey it lets everything through."""
    settings = limits()
    return OpenRateLimits(
        ValkeyRateLimits(
            valkey(),
            failed_logins=settings.failed_logins,
            first_delay_s=settings.failed_login_delay_s,
        )
    )


@cache
def denied_tokens() -> DeniedTokens:
    """Return the tokens that were taken back; without Valkey none is."""
    lifetime_s = AccessTokenSettings.from_environment().access_token_lifetime_s
    return OpenDeniedTokens(ValkeyDeniedTokens(valkey(), lifetime_s=lifetime_s))


def limit_address(request: Request) -> None:
    """Count a request to a route that needs no token, per client address.

    Raises:
        RateLimitedError: it was one too many.
    """
    event: dict[str, Any] = request.resolved_event.raw_event
    source_ip = event["requestContext"]["http"]["sourceIp"]
    who = client_address(request.headers, source_ip, proof=proof_of_cloudfront())
    settings = limits()
    apply(
        rate_limits().count(
            "auth", who, limit=settings.auth_rate_limit, window_s=settings.auth_rate_window_s
        )
    )


def limit_user(who: str) -> None:
    """Count a request of a person or key.

    Raises:
        RateLimitedError: it was one too many.
    """
    settings = limits()
    apply(
        rate_limits().count(
            "user", who, limit=settings.user_rate_limit, window_s=settings.user_rate_window_s
        )
    )


class OpenRateLimits:
    """Implements `ports.RateLimits`: those of another, and none while that does not answer."""

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits

    def count(self, policy: str, who: str, *, limit: int, window_s: int) -> Allowance:
        """Count one request and tell what is left."""
        unlimited = Allowance(policy, limit, window_s, limit, window_s, is_exceeded=False)
        return _or_else(
            unlimited, lambda: self._limits.count(policy, who, limit=limit, window_s=window_s)
        )

    def try_login(self, account: str) -> int:
        """Count an attempt to sign in; return 0, or in how many seconds it may be made."""
        return _or_else(0, lambda: self._limits.try_login(account))

    def login_succeeded(self, account: str) -> None:
        """Forget the failed attempts."""
        _or_else(None, lambda: self._limits.login_succeeded(account))


class OpenDeniedTokens:
    """Implements `ports.DeniedTokens`: those of another, and none while that does not answer."""

    def __init__(self, denied: DeniedTokens) -> None:
        self._denied = denied

    def deny_sessions(self, user_id: UserId, session_ids: Sequence[str]) -> None:
        """Deny every access token of a person's sessions."""
        _or_else(None, lambda: self._denied.deny_sessions(user_id, session_ids))

    def deny_until_now(self, holder: Holder, now: datetime) -> None:
        """Deny every access token that a person had in an organization until now."""
        _or_else(None, lambda: self._denied.deny_until_now(holder, now))

    def is_denied(self, holder: Holder, session_id: str, issued_at: datetime) -> bool:
        """Tell whether an access token of this session, issued then, is denied."""
        return _or_else(False, lambda: self._denied.is_denied(holder, session_id, issued_at))  # noqa: FBT003 - an answer, not a flag


def _or_else(otherwise: T, ask: Callable[[], T]) -> T:
    try:
        return ask()
    except (DependencyUnavailableError, RespError) as error:
        _LOG.error("Valkey does not answer: going on without limits", error=str(error))
        with single_metric("GuardsUnavailable", MetricUnit.Count, 1, namespace="ctv-ads"):
            pass
        return otherwise
