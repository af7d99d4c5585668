"""Sign in, stay signed in, sign out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from ctv_ads.domain.access import Account, Caller, Role
from ctv_ads.domain.ids import OrganizationId
from ctv_ads.domain.session import OpenSession, Revocation, SessionId
from ctv_ads.domain.tokens import digest
from ctv_ads.errors import RateLimitedError, UnauthenticatedError
from ctv_ads.ports.access import (
    CheckPassword,
    DeniedTokens,
    Holder,
    NewToken,
    RateLimits,
    Sessions,
)
from ctv_ads.ports.base import Clock, NewId
from ctv_ads.ports.control_plane import Stores

_USER_AGENT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Client:
    """The request by which somebody signs in."""

    request_id: str
    user_agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepSessions:
    """What happens to sessions. A refresh token works once; its successor comes with the answer."""

    stores: Stores
    check_password: CheckPassword
    denied_tokens: DeniedTokens
    rate_limits: RateLimits
    clock: Clock
    new_id: NewId
    new_token: NewToken
    lifetime: timedelta
    """How long a refresh token is good; each use starts it anew."""
    accepts: Callable[[Account], None] = lambda _: None
    """Raises for an account that may not sign in yet."""

    def sign_in(
        self,
        *,
        email: str,
        password: str,
        client: Client,
        organization_id: OrganizationId | None = None,
    ) -> OpenSession:
        """Open a session for who knows the password.

        An unknown address costs the same time as a wrong password and gives the same error, so
        that nobody learns which addresses exist.

        Raises:
            UnauthenticatedError: address and password do not belong together.
            RateLimitedError: they were wrong too often.
        """
        name = email.strip().lower()
        wait_s = self.rate_limits.try_login(name)
        if wait_s:
            message = "too many failed attempts to sign in to this account"
            raise RateLimitedError(message, retry_after_s=wait_s)
        with self.stores.sign_in() as doors:
            account = doors.find_by_email(name, organization_id)
        right = self.check_password(password, account.password_hash if account else None)
        if account is None or not right:
            raise UnauthenticatedError("the email or the password is wrong")
        self.rate_limits.login_succeeded(name)
        self.accepts(account)
        return self.open(account, client)

    def open(self, account: Account, client: Client) -> OpenSession:
        """Open a session for a person who has shown who they are."""
        session_id, now = SessionId(self.new_id()), self.clock()
        with self.stores.transaction(account.caller(request_id=client.request_id)) as store:
            user_agent = client.user_agent.replace("\0", "")[:_USER_AGENT_LENGTH]
            store.sessions.open(session_id, account.user_id, user_agent=user_agent, now=now)
            return self._handed_out(store.sessions, account, session_id)

    def refresh(self, token: str, client: Client) -> OpenSession:
        """Take a refresh token and return its successor, with the account as it is now.

        Raises:
            UnauthenticatedError: the token is unknown, expired, revoked or was used before. In
                the last case somebody has a copy, so the whole session ends.
        """
        holder = self._holder(token)
        with self.stores.transaction(_acting(holder, client)) as store:
            found = store.sessions.token(digest(token))
            account = store.accounts.find(holder.user_id, holder.organization_id)
            is_reused = found is not None and found.was_used and not found.session_is_revoked
            if found is not None and is_reused:
                store.sessions.revoke(found.session_id, Revocation.REUSE, self.clock())
            elif (
                found is not None
                and account is not None
                and not found.session_is_revoked
                and found.expires_at > self.clock()
            ):
                store.sessions.use(digest(token), self.clock())
                return self._handed_out(store.sessions, account, found.session_id)
        if found is not None and is_reused:
            self.denied_tokens.deny_sessions(holder.user_id, [found.session_id])
        raise UnauthenticatedError("the refresh token is not valid")

    def end(self, caller: Caller) -> None:
        """End the caller's session: neither its access tokens nor its refresh tokens work."""
        if not caller.session_id:
            return
        with self.stores.transaction(caller) as store:
            now = self.clock()
            store.sessions.revoke(SessionId(caller.session_id), Revocation.LOGOUT, now)
        self.denied_tokens.deny_sessions(caller.user_id, [caller.session_id])

    def end_by_token(self, token: str, client: Client) -> None:
        """End the session of a refresh token.

        Raises:
            UnauthenticatedError: there is no such token.
        """
        holder = self._holder(token)
        with self.stores.transaction(_acting(holder, client)) as store:
            found = store.sessions.token(digest(token))
        if found is not None:
            self.end(replace(_acting(holder, client), session_id=found.session_id))

    def _holder(self, token: str) -> Holder:
        with self.stores.sign_in() as doors:
            holder = doors.session_holder(digest(token))
        if holder is None:
            raise UnauthenticatedError("the refresh token is not valid")
        return holder

    def _handed_out(
        self, sessions: Sessions, account: Account, session_id: SessionId
    ) -> OpenSession:
        token, now = self.new_token(), self.clock()
        sessions.add_token(session_id, digest(token), now=now, expires_at=now + self.lifetime)
        return OpenSession(account, session_id, token, int(self.lifetime.total_seconds()))


def _acting(holder: Holder, client: Client) -> Caller:
    # Who only holds a token may do nothing by role; these transactions touch the session alone.
    return Caller(holder.user_id, holder.organization_id, Role.VIEWER, client.request_id)
