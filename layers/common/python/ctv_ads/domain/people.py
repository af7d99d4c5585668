"""Members of an organization, invitations to it, and its API keys."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from ctv_ads.domain.access import Role
from ctv_ads.domain.ids import UserId

InvitationId = NewType("InvitationId", str)
ApiKeyId = NewType("ApiKeyId", str)

KEY_MARK = "ctv_"
"""How every API key begins, so that scanners find one that leaked."""


class EmailPurpose(StrEnum):
    """What a token sent by email is good for."""

    RESET_PASSWORD = "reset_password"  # noqa: S105 - a purpose, not a password
    VERIFY_EMAIL = "verify_email"


@dataclass(frozen=True, slots=True)
class Member:
    """A person in one organization."""

    user_id: UserId
    email: str
    name: str
    role: Role
    advertiser_ids: frozenset[str] | None
    joined_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Invitation:
    """A role that waits for somebody to take it."""

    invitation_id: InvitationId
    email: str
    role: Role
    advertiser_ids: frozenset[str] | None
    invited_by: UserId
    created_at: datetime
    expires_at: datetime
    is_open: bool


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key by which a machine acts as the person who made it, with a role of its own."""

    api_key_id: ApiKeyId
    name: str
    role: Role
    prefix: str
    created_by: UserId
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Mail:
    """An email in plain text."""

    to: str
    subject: str
    text: str


def key_text(prefix: str, secret: str) -> str:
    """Return an API key as it is shown once."""
    return f"{KEY_MARK}{prefix}_{secret}"


def key_prefix(text: str) -> str:
    """Return the part of an API key by which it is looked up; empty if it has none."""
    return text.removeprefix(KEY_MARK).partition("_")[0]
