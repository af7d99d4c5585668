"""What registering and one's own account take and give."""

from typing import Self

from pydantic import BaseModel, Field, model_validator

from ctv_ads.domain.access import Account
from ctv_ads.web.account_fields import NewEmail, NewPassword, Token
from ctv_ads.web.fields import Body, Name
from functions.auth.schemas.sessions import SignedInView, UserView


class NewAccount(Body):
    """Somebody who registers, with a new organization or an invitation to one."""

    email: NewEmail
    password: NewPassword
    name: Name
    organization_name: Name | None = None
    invitation_token: Token | None = None

    @model_validator(mode="after")
    def _one_organization(self) -> Self:
        if (self.organization_name is None) == (self.invitation_token is None):
            raise ValueError("give either organization_name or invitation_token")
        return self


class RegisteredView(BaseModel):
    """A new account; signed in, unless its address has to be verified first."""

    user: UserView
    session: SignedInView | None = Field(description="null until the address is verified")

    @classmethod
    def unverified(cls, account: Account) -> "RegisteredView":
        """Return an account that waits for its address to be verified."""
        return cls(user=UserView.of(account), session=None)


class ProfileChange(Body):
    """What people change of themselves; what is left out stays."""

    name: Name | None = None


class PasswordChange(Body):
    """The present password and the next."""

    current_password: str = Field(max_length=200)
    new_password: NewPassword


class ResetRequest(Body):
    """Who has forgotten their password."""

    email: NewEmail


class PasswordReset(Body):
    """A token from a mail and the password to set."""

    token: Token
    new_password: NewPassword


class EmailVerification(Body):
    """A token from a mail."""

    token: Token
