"""Ports of accounts and sessions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ctv_ads.domain.access import Account
from ctv_ads.domain.ids import OrganizationId, UserId
from ctv_ads.domain.people import InvitationId
from ctv_ads.domain.session import RefreshToken, Revocation, SessionId
from ctv_ads.ports.people import FoundKey, KnownPerson

NewToken = Callable[[], str]
"""Returns 256 random bits as text."""
CheckPassword = Callable[[str, str | None], bool]
"""Compares a password with a hash; without a hash it takes as long and answers False."""
HashPassword = Callable[[str], str]
"""Returns the hash by which a password is kept."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose a token is."""

    user_id: UserId
    organization_id: OrganizationId


class Doors(Protocol):
    """What may be asked before an organization is known: only by who holds a name or token."""

    def find_by_email(
        self, email: str, organization_id: OrganizationId | None = None
    ) -> Account | None:
        """Return the account with this address (any letter case), or None.

        Of several organizations it is the one named, or the first joined.
        """

    def session_holder(self, token_hash: str) -> Holder | None:
        """Return whose session this refresh token belongs to, or None."""

    def find_person(self, email: str) -> KnownPerson | None:
        """Return the person with this address, of whatever organization or none."""

    def invitation(self, token_hash: str) -> tuple[InvitationId, OrganizationId] | None:
        """Return which invitation this token is of, and where to, or None."""

    def email_token_holder(self, token_hash: str) -> Holder | None:
        """Return to whom this token was sent, or None."""

    def api_key(self, prefix: str) -> FoundKey | None:
        """Return the key with this prefix, with who acts by it, or None."""


class Sessions(Protocol):
    """The sessions of one organization."""

    def open(
        self, session_id: SessionId, user_id: UserId, *, user_agent: str, now: datetime
    ) -> None:
        """Store a new session."""

    def add_token(
        self, session_id: SessionId, token_hash: str, *, now: datetime, expires_at: datetime
    ) -> None:
        """Store the next refresh token of a session."""

    def token(self, token_hash: str) -> RefreshToken | None:
        """Return a refresh token, its session locked, or None."""

    def use(self, token_hash: str, now: datetime) -> None:
        """Mark a refresh token as used."""

    def revoke(self, session_id: SessionId, because: Revocation, now: datetime) -> None:
        """End a session; one that has ended stays as it is."""

    def revoke_all(self, user_id: UserId, because: Revocation, now: datetime) -> None:
        """End every session that a person has in this organization."""

    def revoke_own(
        self, because: Revocation, now: datetime, *, but: str = ""
    ) -> Sequence[SessionId]:
        """End the acting person's sessions, in all organizations, but one; return them."""


class DeniedTokens(Protocol):
    """Access tokens that are no longer good although they have not expired."""

    def deny_sessions(self, user_id: UserId, session_ids: Sequence[str]) -> None:
        """Deny every access token of a person's sessions."""

    def deny_until_now(self, holder: Holder, now: datetime) -> None:
        """Deny every access token that a person had in an organization until now."""

    def is_denied(self, holder: Holder, session_id: str, issued_at: datetime) -> bool:
        """Tell whether an access token of this session, issued then, is denied."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a limit after a request was counted."""

    policy: str
    limit: int
    window_s: int
    remaining: int
    resets_in_s: int
    is_exceeded: bool


class RateLimits(Protocol):
    """Counts requests, all processes together."""

    def count(self, policy: str, who: str, *, limit: int, window_s: int) -> Allowance:
        """Count one request and tell what is left."""

    def try_login(self, account: str) -> int:
        """Count an attempt to sign in as failed; return 0, or in how many seconds it may be.

        `login_succeeded` takes the attempts back.
        """

    def login_succeeded(self, account: str) -> None:
        """Forget the failed attempts."""
