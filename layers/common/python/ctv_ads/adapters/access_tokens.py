"""Access tokens: short-lived JWTs, signed with HMAC-SHA256 and a named key."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import uuid_utils

from ctv_ads.domain.access import Account, Caller, Role
from ctv_ads.domain.ids import OrganizationId, UserId
from ctv_ads.errors import UnauthenticatedError
from ctv_ads.ports.base import Clock

_ALGORITHM = "HS256"
_ISSUER = "ctv-ads"
_LEAST_KEY = 32


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """Who acts by a token, and since when."""

    caller: Caller
    issued_at: datetime


class AccessTokens:
    """Issues tokens with the current key and reads those of every key in the secret.

    To rotate: add the new key, make it current, and take the old one out once the tokens that
    it signed have expired (`lifetime`).
    """

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

    def issue(self, account: Account, session_id: str = "") -> str:
        """Return a token by which this person may act until it expires."""
        now = self._clock()
        claims: dict[str, Any] = {
            "iss": _ISSUER,
            "sub": account.user_id,
            "org": account.organization_id,
            "role": account.role.value,
            "sid": session_id,
            "jti": str(uuid_utils.uuid4()),
            # To the millisecond: who is taken back the right in the same second has lost it.
            "iat": round(now.timestamp(), 3),
            "exp": int((now + self.lifetime).timestamp()),
        }
        if account.advertiser_ids is not None:
            claims["adv"] = sorted(account.advertiser_ids)
        return jwt.encode(
            claims, self._keys[self._current], _ALGORITHM, headers={"kid": self._current}
        )

    def read(self, token: str) -> Caller:
        """Return who acts by this token.

        Raises:
            UnauthenticatedError: the token is malformed, forged or expired.
        """
        return self.read_claims(token).caller

    def read_claims(self, token: str) -> AccessClaims:
        """Return who acts by this token, and when it was issued.

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
        scope = claims.get("adv")
        caller = Caller(
            user_id=UserId(claims["sub"]),
            organization_id=OrganizationId(claims["org"]),
            role=Role(claims["role"]),
            session_id=claims.get("sid", ""),
            advertiser_ids=None if scope is None else frozenset(scope),
        )
        return AccessClaims(caller, datetime.fromtimestamp(claims["iat"], UTC))
