"""Sign a person in with email and password."""

from collections.abc import Callable

from ctv_ads.domain.access import Account
from ctv_ads.errors import UnauthenticatedError
from ctv_ads.ports.control_plane import Stores

CheckPassword = Callable[[str, str | None], bool]
"""Compares a password with a hash; without a hash it takes as long and answers False."""


def sign_in(stores: Stores, check_password: CheckPassword, *, email: str, password: str) -> Account:
    """Return the account that these credentials open.

    An unknown address costs the same time as a wrong password and gives the same error, so
    that nobody learns which addresses exist.

    Raises:
        UnauthenticatedError: address and password do not belong together.
    """
    with stores.sign_in() as accounts:
        account = accounts.find_by_email(email.strip())
    right = check_password(password, account.password_hash if account else None)
    if account is None or not right:
        raise UnauthenticatedError("the email or the password is wrong")
    return account
