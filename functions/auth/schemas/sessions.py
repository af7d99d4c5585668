"""What the auth API takes and gives."""

from pydantic import BaseModel, Field

from ctv_ads.domain.access import Account, Role
from ctv_ads.domain.session import OpenSession
from ctv_ads.web.fields import Body, Email, Id


class Credentials(Body):
    """An email address and its password."""

    email: Email
    password: str = Field(max_length=200)
    organization_id: Id | None = Field(
        default=None, description="Which of your organizations; default: the first you joined"
    )


class RefreshBody(Body):
    """A refresh token, for clients that keep no cookies."""

    refresh_token: str | None = Field(default=None, min_length=1, max_length=200)


class UserView(BaseModel):
    """A person in one organization."""

    id: str
    email: str
    name: str
    role: Role
    organization_id: str
    organization_name: str
    email_verified: bool
    advertiser_ids: list[str] | None = Field(
        description="The advertisers to which a viewer is bound; null means all"
    )

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
            email_verified=account.email_verified,
            advertiser_ids=(
                None if account.advertiser_ids is None else sorted(account.advertiser_ids)
            ),
        )


class SignedInView(BaseModel):
    """An access token (RFC 6750) and whose it is; `expires_in` is in seconds."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the token's type, not a token
    expires_in: int
    refresh_token: str | None = Field(
        description="Works once; null where it is in the cookie alone"
    )
    refresh_expires_in: int
    user: UserView

    @classmethod
    def of(
        cls, opened: OpenSession, *, access_token: str, expires_in: int, refresh_token: str | None
    ) -> "SignedInView":
        """Return what a person gets who signs in."""
        return cls(
            access_token=access_token,
            expires_in=expires_in,
            refresh_token=refresh_token,
            refresh_expires_in=opened.lifetime_s,
            user=UserView.of(opened.account),
        )
