"""What the auth API takes and gives."""

from pydantic import BaseModel, Field

from ctv_ads.domain.access import Account, Role
from ctv_ads.web.fields import Body, Email


class Credentials(Body):
    """An email address and its password."""

    email: Email
    password: str = Field(max_length=200)


class UserView(BaseModel):
    """A person in one organization."""

    id: str
    email: str
    name: str
    role: Role
    organization_id: str
    organization_name: str

    @classmethod
    def of(cls, account: Account) -> "UserView":
        """Return what may be told of an account."""
        return cls(
            id=account.user_id,
            email=account.email,
            name=account.name,
            role=account.role,
            organization_id=account.organization_id,
            organization_name=account.organization_name,
        )


class SignedInView(BaseModel):
    """An access token (RFC 6750) and whose it is; `expires_in` is in seconds."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the token's type, not a token
    expires_in: int
    user: UserView
