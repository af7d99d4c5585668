"""What people do with their own account: name, password, proof of their address."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

from ctv_ads.domain.access import Account, Caller, Role
from ctv_ads.domain.ids import UserId
from ctv_ads.domain.people import EmailPurpose, Mail
from ctv_ads.domain.session import Revocation
from ctv_ads.domain.tokens import digest
from ctv_ads.errors import (
    FieldProblem,
    ForbiddenError,
    InvalidRequestError,
    RateLimitedError,
    UnauthenticatedError,
)
from ctv_ads.ports.access import (
    CheckPassword,
    DeniedTokens,
    HashPassword,
    Holder,
    NewToken,
    RateLimits,
)
from ctv_ads.ports.base import CheckVersion, Clock
from ctv_ads.ports.control_plane import Stores
from ctv_ads.ports.people import Mailer

_RESET_LIFETIME = timedelta(hours=1)
_VERIFICATION_LIFETIME = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAccount:
    """Changes a person's own account."""

    stores: Stores
    check_password: CheckPassword
    hash_password: HashPassword
    denied_tokens: DeniedTokens
    rate_limits: RateLimits
    mailer: Mailer
    clock: Clock
    new_token: NewToken
    ui_url: str
    verification_is_required: bool = False

    def of(self, caller: Caller) -> Account:
        """Return the caller's account.

        Raises:
            UnauthenticatedError: it no longer exists.
        """
        with self.stores.transaction(caller) as store:
            account = store.accounts.find(caller.user_id, caller.organization_id)
        if account is None:
            raise UnauthenticatedError("this account no longer exists")
        return account

    def rename(self, caller: Caller, name: str | None, check: CheckVersion) -> Account:
        """Give oneself another name; None leaves it."""
        with self.stores.transaction(caller) as store:
            check(store.people.lock_self(caller.user_id))
            if name is not None:
                store.people.rename(caller.user_id, name, self.clock())
            return self.of(caller)

    def change_password(self, caller: Caller, *, current: str, new: str) -> None:
        """Change the password, and end every other session in whichever organization.

        Raises:
            ForbiddenError: an API key tries it.
            InvalidRequestError: the current password is wrong.
            RateLimitedError: it was wrong too often, here or at signing in.
        """
        if not caller.session_id:
            raise ForbiddenError("only a person who has signed in changes a password")
        self._recognize(self.of(caller), current)
        password_hash, now = self.hash_password(new), self.clock()
        with self.stores.transaction(caller) as store:
            store.people.set_password(caller.user_id, password_hash, now)
            ended = store.sessions.revoke_own(
                Revocation.PASSWORD_CHANGED, now, but=caller.session_id
            )
        self.denied_tokens.deny_sessions(caller.user_id, ended)

    def ask_for_reset(self, email: str, *, request_id: str) -> None:
        """Send a token to the address if somebody has it; nobody learns whether."""
        with self.stores.sign_in() as doors:
            account = doors.find_by_email(email)
        if account is not None:
            self._send(account, EmailPurpose.RESET_PASSWORD, _RESET_LIFETIME, request_id)

    def reset_password(self, token: str, password: str, *, request_id: str) -> None:
        """Set a password by a token that was sent, and end every session everywhere.

        Raises:
            InvalidRequestError: the token is unknown, used or expired.
        """
        holder = self._holder(token)
        acting = Caller(holder.user_id, holder.organization_id, Role.VIEWER, request_id)
        password_hash = self.hash_password(password)
        with self.stores.transaction(acting) as store:
            now = self.clock()
            if not store.email_tokens.use(digest(token), EmailPurpose.RESET_PASSWORD, now):
                raise _bad_token()
            store.people.set_password(holder.user_id, password_hash, now)
            store.people.verify_email(holder.user_id, now)
            ended = store.sessions.revoke_own(Revocation.PASSWORD_RESET, now)
        self.denied_tokens.deny_sessions(holder.user_id, ended)

    def ask_for_verification(self, account: Account, *, request_id: str) -> None:
        """Send a token by which the person shows that the address is theirs."""
        self._send(account, EmailPurpose.VERIFY_EMAIL, _VERIFICATION_LIFETIME, request_id)

    def verify_email(self, token: str, *, request_id: str) -> None:
        """Take the token that was sent.

        Raises:
            InvalidRequestError: the token is unknown, used or expired.
        """
        holder = self._holder(token)
        acting = Caller(holder.user_id, holder.organization_id, Role.VIEWER, request_id)
        with self.stores.transaction(acting) as store:
            now = self.clock()
            if not store.email_tokens.use(digest(token), EmailPurpose.VERIFY_EMAIL, now):
                raise _bad_token()
            store.people.verify_email(holder.user_id, now)

    def require_verified(self, account: Account) -> None:
        """Let only those sign in whose address is verified, where that is required.

        Raises:
            ForbiddenError: it is not.
        """
        if self.verification_is_required and not account.email_verified:
            raise ForbiddenError("verify your email address first; see the mail we sent")

    def _recognize(self, account: Account, password: str) -> None:
        # Counted with signing in: who holds a stolen access token guesses no faster than others.
        wait_s = self.rate_limits.try_login(account.email)
        if wait_s:
            message = "too many failed attempts to show the password of this account"
            raise RateLimitedError(message, retry_after_s=wait_s)
        if not self.check_password(password, account.password_hash):
            message = "this is not the current password"
            problem = FieldProblem("current_password", "wrong", message)
            raise InvalidRequestError(message, [problem])
        self.rate_limits.login_succeeded(account.email)

    def _holder(self, token: str) -> Holder:
        with self.stores.sign_in() as doors:
            holder = doors.email_token_holder(digest(token))
        if holder is None:
            raise _bad_token()
        return holder

    def _send(
        self, account: Account, purpose: EmailPurpose, lifetime: timedelta, request_id: str
    ) -> None:
        token, now = self.new_token(), self.clock()
        with self.stores.transaction(account.caller(request_id=request_id)) as store:
            store.email_tokens.add(
                UserId(account.user_id),
                purpose,
                digest(token),
                now=now,
                expires_at=now + lifetime,
            )
            # Inside the transaction: a token that could not be sent is not kept.
            self.mailer.send(_mail(account, purpose, f"{self.ui_url}/{_PAGES[purpose]}", token))


_PAGES = {
    EmailPurpose.RESET_PASSWORD: "reset-password",
    EmailPurpose.VERIFY_EMAIL: "verify-email",
}
_TEXTS = {
    EmailPurpose.RESET_PASSWORD: (
        "Choose a new password",
        "somebody, probably you, wants a new password. Choose it within one hour here:",
    ),
    EmailPurpose.VERIFY_EMAIL: (
        "Verify your email address",
        "please show that this address is yours by opening this page within seven days:",
    ),
}


def _mail(account: Account, purpose: EmailPurpose, page: str, token: str) -> Mail:
    subject, text = _TEXTS[purpose]
    # In the fragment, which browsers send to no server and write into no log.
    link = f"{page}#token={quote(token)}"
    closing = "If it was not you, do nothing."
    return Mail(account.email, subject, f"Hello {account.name},\n\n{text}\n\n{link}\n\n{closing}\n")


def _bad_token() -> InvalidRequestError:
    message = "the token is unknown, used up or expired"
    return InvalidRequestError(message, [FieldProblem("token", "not_valid", message)])
