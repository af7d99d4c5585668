"""Register: found an organization, or take an invitation to one."""

from dataclasses import dataclass

from ctv_ads.domain.access import Account, Caller, Role
from ctv_ads.domain.ids import OrganizationId, UserId
from ctv_ads.domain.tokens import digest
from ctv_ads.errors import (
    ConflictError,
    FieldProblem,
    InvalidRequestError,
    NotFoundError,
    RateLimitedError,
    UnauthenticatedError,
)
from ctv_ads.ports.access import CheckPassword, HashPassword, RateLimits
from ctv_ads.ports.base import Clock, NewId
from ctv_ads.ports.control_plane import Store, Stores
from ctv_ads.ports.people import NewPerson


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What a person says who registers."""

    email: str
    password: str
    name: str
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """Makes people and organizations."""

    stores: Stores
    hash_password: HashPassword
    check_password: CheckPassword
    rate_limits: RateLimits
    clock: Clock
    new_id: NewId

    def found(self, registration: Registration, *, organization_name: str) -> Account:
        """Make an organization whose owner is the new person.

        Raises:
            ConflictError: somebody has registered with this address.
        """
        with self.stores.sign_in() as doors:
            known = doors.find_person(registration.email)
        # Costs the same whether the address is known or not.
        password_hash = self.hash_password(registration.password)
        if known is not None:
            message = "somebody has registered with this address"
            raise ConflictError(message, [FieldProblem("email", "taken", message)])
        founder = Caller(
            UserId(self.new_id()),
            OrganizationId(self.new_id()),
            Role.OWNER,
            registration.request_id,
        )
        with self.stores.transaction(founder) as store:
            # The person comes first: the audit of all that follows names them.
            store.people.add_person(
                NewPerson(
                    founder.user_id, registration.email, registration.name, password_hash, None
                )
            )
            store.people.add_organization(founder.organization_id, organization_name)
            store.people.join(founder.user_id, Role.OWNER, None)
            return _account(store, founder)

    def join(self, registration: Registration, *, invitation_token: str) -> Account:
        """Make the person a member of the organization that has invited them.

        Who has registered before shows that by their password; the name stays as it is.

        Raises:
            InvalidRequestError: the invitation is used up, expired, or for another address.
            UnauthenticatedError: the password is not that of the known person.
            ConflictError: they belong to the organization already.
        """
        with self.stores.sign_in() as doors:
            found = doors.invitation(digest(invitation_token))
            known = doors.find_person(registration.email)
        if found is None:
            raise _bad_invitation()
        invitation_id, organization_id = found
        if known is not None:
            self._recognize(registration, known.password_hash)
        user_id = known.user_id if known else UserId(self.new_id())
        joining = Caller(user_id, organization_id, Role.VIEWER, registration.request_id)
        with self.stores.transaction(joining) as store:
            now = self.clock()
            invitation = store.invitations.get(invitation_id, now)
            if not invitation.is_open or invitation.email != registration.email:
                raise _bad_invitation()
            if known is None:
                password_hash = self.hash_password(registration.password)
                # The token came by email, so the address is theirs.
                store.people.add_person(
                    NewPerson(user_id, registration.email, registration.name, password_hash, now)
                )
            store.people.join(user_id, invitation.role, invitation.advertiser_ids)
            store.invitations.accept(invitation_id, now)
            return _account(store, joining)

    def _recognize(self, registration: Registration, password_hash: str) -> None:
        wait_s = self.rate_limits.try_login(registration.email)
        if wait_s:
            message = "too many failed attempts to sign in to this account"
            raise RateLimitedError(message, retry_after_s=wait_s)
        if not self.check_password(registration.password, password_hash):
            raise UnauthenticatedError("you have registered before, with another password")
        self.rate_limits.login_succeeded(registration.email)


def _account(store: Store, caller: Caller) -> Account:
    account = store.accounts.find(caller.user_id, caller.organization_id)
    if account is None:
        raise NotFoundError("this account no longer exists")
    return account


def _bad_invitation() -> InvalidRequestError:
    message = "the invitation is used up, expired or for another address"
    return InvalidRequestError(message, [FieldProblem("invitation_token", "not_valid", message)])
