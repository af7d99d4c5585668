"""Ports of people: members, invitations, API keys, tokens sent by email."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ctv_ads.domain.access import Caller, Role
from ctv_ads.domain.ids import OrganizationId, UserId
from ctv_ads.domain.listing import ListQuery, Page
from ctv_ads.domain.people import (
    ApiKey,
    ApiKeyId,
    EmailPurpose,
    Invitation,
    InvitationId,
    Mail,
    Member,
)


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Somebody who registers."""

    user_id: UserId
    email: str
    name: str
    password_hash: str
    verified_at: datetime | None


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """Somebody who has registered before."""

    user_id: UserId
    password_hash: str


@dataclass(frozen=True, slots=True)
class FoundKey:
    """What is kept of an API key, and who acts by it."""

    api_key_id: ApiKeyId
    caller: Caller
    token_hash: str
    expires_at: datetime | None
    last_used_at: datetime | None


class People(Protocol):
    """Persons, and who belongs to the organization."""

    def add_person(self, person: NewPerson) -> None:
        """Store a person.

        Raises:
            ConflictError: the address is taken.
        """

    def add_organization(self, organization_id: OrganizationId, name: str) -> None:
        """Store the organization of this transaction."""

    def join(self, user_id: UserId, role: Role, advertiser_ids: frozenset[str] | None) -> None:
        """Make a person a member.

        Raises:
            ConflictError: they are one.
        """

    def page(self, query: ListQuery) -> Page[Member]:
        """Return the page of members that `query` asks for. Filter: `q`.

        Raises:
            InvalidRequestError: the cursor's value is none of this sort's.
        """

    def has_member(self, email: str) -> bool:
        """Tell whether the person with this address belongs to the organization."""

    def member(self, user_id: UserId, *, for_update: bool = False) -> Member:
        """Return one member, locked when it is to be changed.

        Raises:
            NotFoundError: there is none.
        """

    def lock_owners(self) -> Sequence[UserId]:
        """Return the owners, and let nobody else change who they are meanwhile."""

    def change_role(
        self, user_id: UserId, role: Role, advertiser_ids: frozenset[str] | None
    ) -> None:
        """Write a member's role and count the version up."""

    def remove(self, user_id: UserId) -> None:
        """Make a person no member."""

    def unknown_advertisers(self, advertiser_ids: frozenset[str]) -> Sequence[str]:
        """Return those that do not exist in the organization."""

    def lock_self(self, user_id: UserId) -> int:
        """Return the version of the acting person, locked."""

    def rename(self, user_id: UserId, name: str, now: datetime) -> None:
        """Write a person's name and count the version up."""

    def set_password(self, user_id: UserId, password_hash: str, now: datetime) -> None:
        """Write a person's password."""

    def verify_email(self, user_id: UserId, now: datetime) -> None:
        """Note that the person holds their address."""


class Invitations(Protocol):
    """The invitations of one organization."""

    def add(self, invitation: Invitation, token_hash: str) -> None:
        """Store an invitation; an earlier open one to the same address is replaced."""

    def page(self, query: ListQuery, now: datetime) -> Page[Invitation]:
        """Return the page that `query` asks for of those that can still be accepted.

        Raises:
            InvalidRequestError: the cursor's value is none of this sort's.
        """

    def get(self, invitation_id: InvitationId, now: datetime) -> Invitation:
        """Return one, locked.

        Raises:
            NotFoundError: there is none.
        """

    def accept(self, invitation_id: InvitationId, now: datetime) -> None:
        """Use an invitation up."""

    def delete(self, invitation_id: InvitationId, now: datetime) -> bool:
        """Take an open one back; tell whether there was one."""


class ApiKeys(Protocol):
    """The API keys of one organization."""

    def add(self, key: ApiKey, token_hash: str) -> None:
        """Store a key's hash."""

    def page(self, query: ListQuery) -> Page[ApiKey]:
        """Return the page that `query` asks for of the keys that are not revoked. Filter: `q`.

        Raises:
            InvalidRequestError: the cursor's value is none of this sort's.
        """

    def revoke(self, api_key_id: ApiKeyId, now: datetime) -> bool:
        """Make a key useless; tell whether there was one."""

    def used(self, api_key_id: ApiKeyId, now: datetime) -> None:
        """Note when a key was used."""


class EmailTokens(Protocol):
    """Proofs of holding an address."""

    def add(
        self,
        user_id: UserId,
        purpose: EmailPurpose,
        token_hash: str,
        *,
        now: datetime,
        expires_at: datetime,
    ) -> None:
        """Store a token; earlier ones for the same purpose are no longer good."""

    def use(self, token_hash: str, purpose: EmailPurpose, now: datetime) -> bool:
        """Use a token up; tell whether it was good."""


class Mailer(Protocol):
    """Sends emails."""

    def send(self, mail: Mail) -> None:
        """Hand an email over.

        Raises:
            DependencyUnavailableError: it cannot be handed over now.
        """
