"""Limits of requests, counted in Valkey for all processes together.

Each count is one script, so that no two requests read the same figure. All keys of a script
carry one hash tag: on a cluster they have to live in one slot.
"""

import hashlib

from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.ports.access import Allowance

_COUNT = """
local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {n, redis.call('PTTL', KEYS[1])}
"""
# Every attempt counts as failed until it succeeds: many at once get no more tries than one by one.
_TRY_LOGIN = """
local wait = redis.call('PTTL', KEYS[2])
if wait > 0 then return wait end
local n = redis.call('INCR', KEYS[1])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
local beyond = n - tonumber(ARGV[1])
if beyond >= 0 then
    local delay = tonumber(ARGV[2]) * 2 ^ math.min(beyond, 20)
    redis.call('SET', KEYS[2], '1', 'PX', math.floor(math.min(delay, tonumber(ARGV[3]))))
end
return 0
"""
_REMEMBERED_MS = 24 * 3600 * 1000
_LONGEST_DELAY_MS = 15 * 60 * 1000


class ValkeyRateLimits:
    """Implements `ports.RateLimits` with fixed windows that open at the first request."""

    def __init__(
        self, connection: RespConnection, *, failed_logins: int, first_delay_s: int
    ) -> None:
        """Take how many logins of an account may fail, and the first delay; each next doubles."""
        self._connection = connection
        self._failed_logins = failed_logins
        self._first_delay_ms = first_delay_s * 1000

    def count(self, policy: str, who: str, *, limit: int, window_s: int) -> Allowance:
        """Count one request and tell what is left."""
        key = f"limit:{policy}:{{{_private(who)}}}"
        used, left_ms = self._connection.call("EVAL", _COUNT, 1, key, window_s * 1000)
        return Allowance(
            policy=policy,
            limit=limit,
            window_s=window_s,
            remaining=max(limit - used, 0),
            resets_in_s=_seconds(left_ms),
            is_exceeded=used > limit,
        )

    def try_login(self, account: str) -> int:
        """Count an attempt to sign in; return 0, or in how many seconds it may be made."""
        wait_ms = self._connection.call(
            "EVAL",
            _TRY_LOGIN,
            2,
            *_login_keys(account),
            self._failed_logins,
            self._first_delay_ms,
            _LONGEST_DELAY_MS,
            _REMEMBERED_MS,
        )
        return _seconds(wait_ms)

    def login_succeeded(self, account: str) -> None:
        """Forget the failed attempts."""
        self._connection.call("DEL", *_login_keys(account))


def _login_keys(account: str) -> tuple[str, str]:
    who = _private(account)
    return (f"login:{{{who}}}:failed", f"login:{{{who}}}:closed")


def _private(who: str) -> str:
    """Return a key that says neither address nor email, and is short whatever was sent."""
    return hashlib.sha256(who.encode("utf-8", "replace")).hexdigest()[:32]


def _seconds(milliseconds: int) -> int:
    return -(-max(milliseconds, 0) // 1000)
