"""What members, invitations and API keys take and give."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from ctv_ads.domain.access import Role
from ctv_ads.domain.listing import Page
from ctv_ads.domain.people import ApiKey, Invitation, Member
from ctv_ads.web.account_fields import NewEmail, Scope
from ctv_ads.web.cursors import write_cursor
from ctv_ads.web.fields import Body, Moment, Name


class MemberView(BaseModel):
    """A person in your organization."""

    id: str
    email: str
    name: str
    role: Role
    advertiser_ids: list[str] | None
    joined_at: datetime
    version: int

    @classmethod
    def of(cls, member: Member) -> "MemberView":
        """Return what may be told of a member."""
        return cls(
            id=member.user_id,
            email=member.email,
            name=member.name,
            role=member.role,
            advertiser_ids=_listed(member.advertiser_ids),
            joined_at=member.joined_at,
            version=member.version,
        )


class _Page(BaseModel):
    """A part of a list; `totals` are of all that the filters let through."""

    next_cursor: str | None
    totals: dict[str, int]


class MemberPage(_Page):
    """A part of the people of your organization."""

    items: list[MemberView]

    @classmethod
    def of(cls, page: Page[Member]) -> "MemberPage":
        """Return what the API tells of a page."""
        return cls(items=[MemberView.of(item) for item in page.items], **_rest(page))


class MemberChange(Body):
    """What a member is to be; what is left out stays."""

    role: Role | None = None
    advertiser_ids: Scope | None = Field(
        default=None, description="For viewers: these alone; null means all"
    )


class NewInvitation(Body):
    """Whom to invite, and as what."""

    email: NewEmail
    role: Role
    advertiser_ids: Scope | None = None


class InvitationView(BaseModel):
    """An invitation; its token is in the mail alone."""

    id: str
    email: str
    role: Role
    advertiser_ids: list[str] | None
    invited_by: str
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, invitation: Invitation) -> "InvitationView":
        """Return what may be told of an invitation."""
        return cls(
            id=invitation.invitation_id,
            email=invitation.email,
            role=invitation.role,
            advertiser_ids=_listed(invitation.advertiser_ids),
            invited_by=invitation.invited_by,
            created_at=invitation.created_at,
            expires_at=invitation.expires_at,
        )


class InvitationPage(_Page):
    """A part of the invitations that can still be accepted."""

    items: list[InvitationView]

    @classmethod
    def of(cls, page: Page[Invitation]) -> "InvitationPage":
        """Return what the API tells of a page."""
        return cls(items=[InvitationView.of(item) for item in page.items], **_rest(page))


class NewApiKey(Body):
    """A key to make."""

    name: Name
    role: Role
    expires_at: Moment | None = None


class ApiKeyView(BaseModel):
    """A key; its text is not kept, only what it begins with."""

    id: str
    name: str
    role: Role
    begins_with: str
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute")

    @classmethod
    def of(cls, key: ApiKey) -> "ApiKeyView":
        """Return what may be told of a key."""
        return cls(
            id=key.api_key_id,
            name=key.name,
            role=key.role,
            begins_with=f"ctv_{key.prefix}",
            created_by=key.created_by,
            created_at=key.created_at,
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
        )


class NewApiKeyView(BaseModel):
    """A new key with its text, which is shown this once."""

    key: str = Field(description="Send it as `Authorization: Bearer …`")
    api_key: ApiKeyView


class ApiKeyPage(_Page):
    """A part of your organization's keys."""

    items: list[ApiKeyView]

    @classmethod
    def of(cls, page: Page[ApiKey]) -> "ApiKeyPage":
        """Return what the API tells of a page."""
        return cls(items=[ApiKeyView.of(item) for item in page.items], **_rest(page))


def _rest(page: Page[Any]) -> dict[str, Any]:
    return {"next_cursor": write_cursor(page.next_cursor), "totals": dict(page.totals)}


def _listed(advertiser_ids: frozenset[str] | None) -> list[str] | None:
    return None if advertiser_ids is None else sorted(advertiser_ids)
