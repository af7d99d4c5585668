"""Invite people, change what they may do, let them go. An organization always has an owner."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

from ctv_ads.domain.access import Action, Caller, Role
from ctv_ads.domain.ids import UserId
from ctv_ads.domain.listing import ListQuery, Page
from ctv_ads.domain.people import Invitation, InvitationId, Mail, Member
from ctv_ads.domain.session import Revocation
from ctv_ads.domain.tokens import digest
from ctv_ads.errors import ConflictError, FieldProblem, InvalidRequestError, NotFoundError
from ctv_ads.ports.access import DeniedTokens, Holder, NewToken
from ctv_ads.ports.base import CheckVersion, Clock, NewId
from ctv_ads.ports.control_plane import Store, Stores
from ctv_ads.ports.people import Mailer
from ctv_ads.use_cases.permission import require


@dataclass(frozen=True, slots=True)
class Position:
    """What somebody is to be."""

    role: Role
    advertiser_ids: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagePeople:
    """Changes who belongs to an organization."""

    stores: Stores
    denied_tokens: DeniedTokens
    mailer: Mailer
    clock: Clock
    new_id: NewId
    new_token: NewToken
    invitation_lifetime: timedelta
    ui_url: str

    def members(self, caller: Caller, query: ListQuery) -> Page[Member]:
        """Return a page of those who belong to the caller's organization."""
        require(caller, Action.READ_PEOPLE)
        with self.stores.transaction(caller) as store:
            return store.people.page(query)

    def member(self, caller: Caller, user_id: UserId) -> Member:
        """Return one of those who belong to the caller's organization.

        Raises:
            NotFoundError: there is no such member.
        """
        require(caller, Action.READ_PEOPLE)
        with self.stores.transaction(caller) as store:
            return store.people.member(user_id)

    def change(
        self,
        caller: Caller,
        user_id: UserId,
        *,
        role: Role | None,
        scope: frozenset[str] | None,
        keeps_scope: bool,
        check: CheckVersion,
    ) -> Member:
        """Give a member another role or other advertisers, from their next request on.

        Raises:
            ConflictError: nobody would be left as owner.
            PreconditionFailedError: they were changed since the caller read them.
        """
        require(caller, Action.MANAGE_PEOPLE)
        with self.stores.transaction(caller) as store:
            owners = store.people.lock_owners()
            member = store.people.member(user_id, for_update=True)
            wanted = Position(
                role or member.role,
                (member.advertiser_ids if role in {None, Role.VIEWER} else None)
                if keeps_scope
                else scope,
            )
            _require_over(caller, member.role, wanted.role)
            check(member.version)
            _check_scope(store, wanted)
            if member.role is Role.OWNER and wanted.role is not Role.OWNER:
                _keep_an_owner(owners)
            if wanted == Position(member.role, member.advertiser_ids):
                return member
            store.people.change_role(user_id, wanted.role, wanted.advertiser_ids)
            changed = store.people.member(user_id)
        self._deny(caller, user_id)
        return changed

    def remove(self, caller: Caller, user_id: UserId, check: CheckVersion) -> None:
        """Let a member go; everybody may go by themselves.

        Raises:
            ConflictError: nobody would be left as owner.
            PreconditionFailedError: they were changed since the caller read them.
        """
        if user_id != caller.user_id or not caller.session_id:
            require(caller, Action.MANAGE_PEOPLE)
        with self.stores.transaction(caller) as store:
            owners = store.people.lock_owners()
            member = store.people.member(user_id, for_update=True)
            if user_id != caller.user_id:
                _require_over(caller, member.role)
            check(member.version)
            if member.role is Role.OWNER:
                _keep_an_owner(owners)
            store.sessions.revoke_all(user_id, Revocation.REMOVED, self.clock())
            store.people.remove(user_id)
        self._deny(caller, user_id)

    def invite(self, caller: Caller, email: str, position: Position) -> Invitation:
        """Send somebody a token by which they may join.

        Raises:
            ConflictError: they belong to the organization already.
        """
        require(caller, Action.MANAGE_PEOPLE)
        _require_over(caller, position.role)
        token, now = self.new_token(), self.clock()
        invitation = Invitation(
            invitation_id=InvitationId(self.new_id()),
            email=email,
            role=position.role,
            advertiser_ids=position.advertiser_ids,
            invited_by=caller.user_id,
            created_at=now,
            expires_at=now + self.invitation_lifetime,
            is_open=True,
        )
        with self.stores.transaction(caller) as store:
            _check_scope(store, position)
            if store.people.has_member(email):
                message = "this person belongs to the organization already"
                raise ConflictError(message, [FieldProblem("email", "is_member", message)])
            store.invitations.add(invitation, digest(token))
            link = f"{self.ui_url}/register#invitation={quote(token)}&email={quote(email)}"
            text = f"Hello,\n\nyou are invited to the CTV ad server. Join here:\n\n{link}\n"
            # Inside the transaction: an invitation that could not be sent is not kept.
            self.mailer.send(Mail(email, "You are invited", text))
        return invitation

    def invitations(self, caller: Caller, query: ListQuery) -> Page[Invitation]:
        """Return a page of the invitations that can still be accepted."""
        require(caller, Action.MANAGE_PEOPLE)
        with self.stores.transaction(caller) as store:
            return store.invitations.page(query, self.clock())

    def withdraw(self, caller: Caller, invitation_id: InvitationId) -> None:
        """Take an invitation back.

        Raises:
            NotFoundError: there is no such open invitation.
        """
        require(caller, Action.MANAGE_PEOPLE)
        with self.stores.transaction(caller) as store:
            if not store.invitations.delete(invitation_id, self.clock()):
                raise NotFoundError("there is no such invitation")

    def _deny(self, caller: Caller, user_id: UserId) -> None:
        holder = Holder(user_id, caller.organization_id)
        self.denied_tokens.deny_until_now(holder, self.clock())


def _require_over(caller: Caller, *roles: Role) -> None:
    if Role.OWNER in roles:
        require(caller, Action.MANAGE_OWNERS)


def _keep_an_owner(owners: Sequence[UserId]) -> None:
    if len(owners) == 1:
        raise ConflictError("an organization needs an owner; make somebody else one first")


def _check_scope(store: Store, position: Position) -> None:
    if position.advertiser_ids is None:
        return
    if position.role is not Role.VIEWER:
        message = "only viewers are bound to advertisers"
        raise InvalidRequestError(message, [FieldProblem("advertiser_ids", "not_viewer", message)])
    unknown = store.people.unknown_advertisers(position.advertiser_ids)
    if unknown:
        message = f"there is no such advertiser: {unknown[0]}"
        raise InvalidRequestError(message, [FieldProblem("advertiser_ids", "unknown", message)])
