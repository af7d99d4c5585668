"""Who may do what: one table, role by action."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ctv_ads.domain.ids import OrganizationId, UserId


class Role(StrEnum):
    """What a person is in one organization."""

    OWNER = "owner"
    ADMIN = "admin"
    TRAFFICKER = "trafficker"
    ANALYST = "analyst"
    VIEWER = "viewer"


class Action(StrEnum):
    """What a role may be allowed to do."""

    READ = "read"
    TRAFFIC = "traffic"
    """Create, change, start, pause and delete campaigns and creatives."""


_EVERYTHING = frozenset(Action)
_READ_ONLY = frozenset({Action.READ})

ACTIONS_BY_ROLE: Mapping[Role, frozenset[Action]] = {
    Role.OWNER: _EVERYTHING,
    Role.ADMIN: _EVERYTHING,
    Role.TRAFFICKER: _EVERYTHING,
    Role.ANALYST: _READ_ONLY,
    Role.VIEWER: _READ_ONLY,
}


@dataclass(frozen=True, slots=True)
class Caller:
    """A signed-in person, acting for one organization in one request."""

    user_id: UserId
    organization_id: OrganizationId
    role: Role
    request_id: str = ""
    """Of the request in which the person acts; the audit keeps it."""

    def may(self, action: Action) -> bool:
        """Tell whether this person's role allows `action`."""
        return action in ACTIONS_BY_ROLE[self.role]


@dataclass(frozen=True, slots=True)
class Account:
    """A person as stored: the password is a bcrypt hash."""

    user_id: UserId
    organization_id: OrganizationId
    organization_name: str
    role: Role
    email: str
    name: str
    password_hash: str
