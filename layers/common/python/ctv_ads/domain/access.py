"""Who may do what: one table, role by action."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from ctv_ads.domain.ids import OrganizationId, UserId


class Role(StrEnum):
    """What a person is in one organization, the mightiest first."""

    OWNER = "owner"
    ADMIN = "admin"
    TRAFFICKER = "trafficker"
    ANALYST = "analyst"
    VIEWER = "viewer"


class Action(StrEnum):
    """What a role may be allowed to do."""

    READ = "read"
    """See advertisers, placements, campaigns, line items and creatives."""
    TRAFFIC = "traffic"
    """Create, change, start, pause and delete campaigns and creatives."""
    READ_REPORTS = "read_reports"
    """See what was delivered and billed."""
    READ_DECISIONS = "read_decisions"
    """See what was decided for single viewers, who are told apart by hashes only, and why."""
    EXPORT = "export"
    """Take lists and reports away as files."""
    READ_PEOPLE = "read_people"
    """See who belongs to the organization."""
    READ_AUDIT = "read_audit"
    """See who changed what."""
    MANAGE_PEOPLE = "manage_people"
    """Invite, remove and change the role of people below owner."""
    MANAGE_KEYS = "manage_keys"
    """Make and revoke API keys, none mightier than oneself."""
    MANAGE_OWNERS = "manage_owners"
    """Make somebody an owner, and owners something else."""


_VIEW = frozenset({Action.READ, Action.READ_REPORTS})
_ANALYSE = _VIEW | {Action.EXPORT, Action.READ_DECISIONS, Action.READ_PEOPLE}
_TRAFFIC = _ANALYSE | {Action.TRAFFIC}

ACTIONS_BY_ROLE: Mapping[Role, frozenset[Action]] = {
    Role.OWNER: frozenset(Action),
    Role.ADMIN: frozenset(Action) - {Action.MANAGE_OWNERS},
    Role.TRAFFICKER: _TRAFFIC,
    Role.ANALYST: _ANALYSE,
    Role.VIEWER: _VIEW,
}
"""Each role may all that the next one may, and more."""

_RANK = {role: rank for rank, role in enumerate(Role)}


def lesser(one: Role, other: Role) -> Role:
    """Return the role that may less."""
    return max(one, other, key=_RANK.__getitem__)


@dataclass(frozen=True, slots=True)
class Caller:
    """A signed-in person, or their API key, acting for one organization in one request."""

    user_id: UserId
    organization_id: OrganizationId
    role: Role
    request_id: str = ""
    """Of the request in which the person acts; the audit keeps it."""
    session_id: str = field(default="", compare=False)
    """The session whose access token was used; empty for an API key."""
    advertiser_ids: frozenset[str] | None = field(default=None, compare=False)
    """A viewer may be bound to some advertisers; None means all of them."""

    def may(self, action: Action) -> bool:
        """Tell whether this person's role allows `action`."""
        return action in ACTIONS_BY_ROLE[self.role]

    def in_request(self, request_id: str) -> Self:
        """Return the same caller, acting in this request."""
        return replace(self, request_id=request_id)


@dataclass(frozen=True, slots=True)
class Account:
    """A person as stored: the password is a bcrypt hash."""

    user_id: UserId
    organization_id: OrganizationId
    organization_name: str
    role: Role
    email: str
    name: str
    password_hash: str = field(repr=False)
    version: int = 1
    email_verified: bool = True
    advertiser_ids: frozenset[str] | None = None

    def caller(self, *, request_id: str = "", session_id: str = "") -> Caller:
        """Return this person as one who acts."""
        return Caller(
            self.user_id,
            self.organization_id,
            self.role,
            request_id,
            session_id,
            self.advertiser_ids,
        )
