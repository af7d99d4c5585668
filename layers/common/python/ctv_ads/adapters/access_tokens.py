"""Access tokens: short-lived JWTs, signed with HMAC-SHA256 and a named key."""

from collections.abc import Mapping
from datetime import timedelta

import jwt

from ctv_ads.domain.access import Account, Caller, Role
from ctv_ads.domain.ids import OrganizationId, UserId
from ctv_ads.errors import UnauthenticatedError
from ctv_ads.ports.base import Clock

_ALGORITHM = "HS256"
_ISSUER = "ctv-ads"
_LEAST_KEY = 32


class AccessTokens:
    """Issues tokens with the current key and reads those of every key in the secret."""

    def __init__(self, secret: Mapping[str, str], *, lifetime: timedelta, clock: Clock) -> None:
        """Take the keys from their secret: `{"current": "k1", "k1": "…", "k0": "…"}`.

        Raises:
            ValueError: there is no current key, or a key, former ones too, is so short that
                somebody could sign by guessing it.
        """
        self._current = secret.get("current", "")
        self._keys = {key_id: text for key_id, text in secret.items() if key_id != "current"}
        if self._current not in self._keys or min(map(len, self._keys.values())) < _LEAST_KEY:
            raise ValueError(f"the secret needs a current key, and {_LEAST_KEY} characters in each")
        self.lifetime = lifetime
        self._clock = clock

    def issue(self, account: Account) -> str:
        """Return a token by which this person may act until it expires."""
        now = self._clock()
        claims = {
            "iss": _ISSUER,
            "sub": account.user_id,
            "org": account.organization_id,
            "role": account.role.value,
            "iat": int(now.timestamp()),
            "exp": int((now + self.lifetime).timestamp()),
        }
        return jwt.encode(
            claims, self._keys[self._current], _ALGORITHM, headers={"kid": self._current}
        )

    def read(self, token: str) -> Caller:
        """Return who acts by this token.

        Raises:
            UnauthenticatedError: the token is malformed, forged or expired.
        """
        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(
                token,
                key,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                options={
                    "require": ["exp", "iat", "sub"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
        except (jwt.InvalidTokenError, KeyError) as error:
            raise UnauthenticatedError("the access token is not valid") from error
        if self._clock().timestamp() >= claims["exp"]:
            raise UnauthenticatedError("the access token has expired")
        return Caller(
            user_id=UserId(claims["sub"]),
            organization_id=OrganizationId(claims["org"]),
            role=Role(claims["role"]),
        )
