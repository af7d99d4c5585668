"""Sessions: one signing in, and the family of refresh tokens that follow one another."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from ctv_ads.domain.access import Account

SessionId = NewType("SessionId", str)


class Revocation(StrEnum):
    """Why a session ended before its time."""

    LOGOUT = "logout"
    REUSE = "reuse"
    """An old refresh token came again, so somebody has a copy."""
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason, not a password
    PASSWORD_RESET = "password_reset"  # noqa: S105
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One member of a family, as kept."""

    session_id: SessionId
    expires_at: datetime
    was_used: bool
    session_is_revoked: bool


@dataclass(frozen=True, slots=True)
class OpenSession:
    """What a person gets who signs in or stays signed in."""

    account: Account
    session_id: SessionId
    refresh_token: str
    lifetime_s: int
