"""Access tokens that were taken back, kept in Valkey for as long as one can live."""

from collections.abc import Sequence
from datetime import datetime

from ctv_ads.adapters.valkey.resp import RespConnection
from ctv_ads.domain.ids import UserId
from ctv_ads.ports.access import Holder

_DENY = "for _, key in ipairs(KEYS) do redis.call('SET', key, '1', 'EX', ARGV[1]) end"
_AT_ONCE = 1000


class ValkeyDeniedTokens:
    """Implements `ports.DeniedTokens`."""

    def __init__(self, connection: RespConnection, *, lifetime_s: int) -> None:
        """Take how long an access token lives: after that nothing needs to be remembered."""
        self._connection = connection
        self._lifetime_s = lifetime_s

    def deny_sessions(self, user_id: UserId, session_ids: Sequence[str]) -> None:
        """Deny every access token of a person's sessions.

        Who signs in by a script once a minute has tens of thousands of them.
        """
        for start in range(0, len(session_ids), _AT_ONCE):
            keys = [_session_key(user_id, part) for part in session_ids[start : start + _AT_ONCE]]
            self._connection.call("EVAL", _DENY, len(keys), *keys, self._lifetime_s)

    def deny_until_now(self, holder: Holder, now: datetime) -> None:
        """Deny every access token that a person had in an organization until now."""
        self._connection.call(
            "SET", _holder_key(holder), repr(now.timestamp()), "EX", self._lifetime_s
        )

    def is_denied(self, holder: Holder, session_id: str, issued_at: datetime) -> bool:
        """Tell whether an access token of this session, issued then, is denied."""
        session, until = self._connection.call(
            "MGET", _session_key(holder.user_id, session_id), _holder_key(holder)
        )
        return session is not None or (until is not None and issued_at.timestamp() <= float(until))


def _session_key(user_id: UserId, session_id: str) -> str:
    return f"denied:{{{user_id}}}:session:{session_id}"


def _holder_key(holder: Holder) -> str:
    return f"denied:{{{holder.user_id}}}:until:{holder.organization_id}"
